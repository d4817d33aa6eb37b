"""Every command with an impossible value is refused in one line, and leaves nothing; all of them in one process."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from hepexp.cli.main import main
from tests.commands.here import working_in

LIST = Path(__file__).with_name("absurd_commands.txt")
SMALL = "trainer=quick trainer.max_epochs=1 dataset.n_train=300 dataset.n_val=200 dataset.n_test=200"


def commands(text: str) -> list[list[str]]:
    """The words of each line; T stands for a small training."""
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    small = f"train model=pfn data=qg {SMALL}".split()
    return [[*small, *words[1:]] if words[0] == "T" else words for words in lines if words]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An empty folder but for one finished run."""
    folder = tmp_path_factory.mktemp("absurd")
    with working_in(folder) as patch:
        patch.setattr(sys, "argv", ["hepexp"])
        assert main(*commands("T trainer.max_epochs=0")) == 0
        yield folder


def left(folder: Path) -> tuple[set[Path], str]:
    """Files beside the tracking store, and where `latest` points."""
    runs = folder / "runs"
    found = {path for level in ("*", "*/*", "*/*/*") for path in runs.glob(level)} | set(folder.glob("*"))
    return {path for path in found if "mlartifacts" not in path.parts}, os.readlink(runs / "latest")


def test_absurd_commands_are_refused_in_one_line_and_leave_nothing(trained, capsys):
    before, faults = left(trained), []
    for words in commands(LIST.read_text(encoding="utf-8")):
        capsys.readouterr()
        code = main(words)
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hepexp: error: ")]
        if (code, len(said), left(trained)) != (2, 1, before) or "HEPEXP_DEBUG" in said[0]:
            faults.append(f"{shlex.join(words)}: exit code {code}, {said}, left {left(trained)[0] - before[0]}")
    assert not faults, "\n".join(faults)


def test_a_training_that_diverges_has_failed_with_its_reason(trained, capsys):
    assert main(*commands("T optimizer.lr=1e30")) == 1
    assert "the training diverged" in capsys.readouterr().err
