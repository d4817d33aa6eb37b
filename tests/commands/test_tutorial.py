"""docs/tutorial.md: each of its commands works, in their order, with fewer jets; and so does its Python."""

import os
import subprocess
import sys

import pytest

from tests import pages
from tests.commands.shell import command, hepexp

SMALLER = {"dataset.n_train": "120", "trainer.max_epochs": "1", "seed": "1,2", "--n": "6"}
FEWER = ("dataset.n_val=60", "dataset.n_test=80")
PAGE = "tutorial"


def smaller(words: list[str]) -> list[str]:
    """A command with small values, and fewer jets to validate and test with."""
    found: list[str] = []
    for word in words:
        key, sign, _ = word.partition("=")
        given = found[-1:] == ["--n"]
        found.append(SMALLER["--n"] if given else f"{key}={SMALLER[key]}" if sign and key in SMALLER else word)
    return [*found, *FEWER] if words[0] == "train" else found


@pytest.mark.timeout(900)
def test_the_tutorial_from_its_first_command_to_its_last(tmp_path):
    lines = [words for found in pages.FENCED.finditer(pages.text_of(PAGE)) for words in pages.commands(found[2])]
    assert [words[0] for words in lines].count("train") == 3
    printed = {}
    for words in lines:
        done = hepexp(tmp_path, *smaller(words), timeout=600)
        assert done.returncode == 0, f"hepexp {' '.join(words)}: {done.stderr}"
        printed.setdefault(words[0], done.stdout)
    rows = [line.split() for line in printed["compare"].splitlines()]
    assert [len([row for row in rows if row[:1] == [name]]) for name in ("mlp", "pfn")] == [1, 2]
    assert (tmp_path / "roc.png").stat().st_size > 1000
    assert (tmp_path / "scores.parquet").is_file()
    settings = command(tmp_path, PYTHONPATH=os.fspath(pages.DOCS.parent))
    program = pages.block_after(PAGE, "In Python, or in a notebook:")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=settings["env"], capture_output=True, text=True, check=True
    )
    assert "score_quark" in done.stdout
