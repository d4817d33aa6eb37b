"""Short LieGAN trainings on data of known symmetry: rotations are found where there are some, and none where not."""

import json
from pathlib import Path

import pytest

from hepexp.cli.main import main

SHORT = ["trainer.progress=false", "loss.critic_widths=[32,32]", "dataset.n_val=200", "dataset.n_test=1000"]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Figures of a short training of a task, and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))

    def train(*words: str) -> dict:
        assert main(["train", *words, *SHORT]) == 0
        return json.loads((Path(tmp_path) / "runs" / "latest" / "metrics.json").read_text())

    return train


def test_the_rotation_of_the_plane_is_found_with_its_metric(trained, capfd):
    figures = trained("task=liegan_rotations", "optimizer.schedule=cosine", "trainer.max_epochs=5")
    assert figures["symmetry/generators_found"] == figures["symmetry/dimension"] == 1
    assert figures["symmetry/dimension_note"] == "algebra: so(2)"
    assert figures["symmetry/angle_error_deg"] < 15
    assert figures["symmetry/metric_angle_deg"] < 15
    assert "symmetry found (1 of 1 generators)" in " ".join(capfd.readouterr().out.split())


def test_where_there_is_no_symmetry_none_is_found_and_no_metric(trained, capfd):
    figures = trained("task=liegan_none", "trainer.max_epochs=2", "dataset.n_train=2000")
    assert figures["symmetry/generators_found"] == figures["symmetry/dimension"] == 0
    assert figures["symmetry/metric_exists"] == figures["symmetry/metric_dimension"] == 0
    assert figures["symmetry/metric_J_00"] is None
    assert figures["symmetry/dimension_note"] == "algebra: none"
    assert "no symmetry was found: examples moved by 0.1 of their length" in " ".join(capfd.readouterr().out.split())
