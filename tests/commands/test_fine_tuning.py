"""The how-to on fine-tuning, as it is printed there: ten classes, then two, from the same layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hepexp.cli import main as shell
from tests import pages

COMMANDS = pages.commands(pages.block_after("howto/fine_tune", "# Fine-tune a network"))
SMALL = ("dataset.n_train=150", "dataset.n_val=100", "dataset.n_test=60", "dataset.batch_size=50", "trainer=quick")


def weights() -> dict[str, torch.Tensor]:
    """Of the latest run."""
    found = torch.load("runs/latest/checkpoints/best.ckpt", weights_only=True)["state_dict"]
    return {name.removeprefix("model."): tensor for name, tensor in found.items()}


def differing(one, other) -> set[str]:
    """The layers, by the first word of their names, or by all for the head."""
    names = {name for name in one if one[name].shape != other[name].shape or not torch.equal(one[name], other[name])}
    return {"head" if name.startswith("f.6.") else name.partition(".")[0] for name in names}


@pytest.mark.timeout(300)
def test_fine_tuning_as_in_the_how_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HEPEXP_RUNS_DIR", raising=False)
    after, said, sources = [], [], []
    for words in COMMANDS:
        assert shell.main([*words, *SMALL, "trainer.max_epochs=3", f"name=run{len(after)}"]) == 0
        said.append(next((row for row in capsys.readouterr().err.splitlines() if row.startswith("weights")), None))
        sources.append(Path("runs/latest").resolve().name)
        after.append(weights())
    ten, rates, frozen, gradual = after
    experiment = Path("runs/latest").resolve().parent.name
    taken = f"weights 82,256 parameters from {experiment}/{sources[0]}/checkpoints/best.ckpt; fresh: 202 in f.6"
    assert said == [None, taken, taken, None]
    assert differing(ten, rates) == {"phi", "f", "head"}
    assert differing(ten, frozen) == {"head"}  # the body is that of ten classes to the last bit
    assert differing(frozen, gradual) >= {"f", "head"}
