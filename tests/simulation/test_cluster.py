"""A simulation by the jobs of a cluster: the same file as from this machine, whatever became of the jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hepexp.data.datasets.three_features import generate
from hepexp.data.datasets.three_features.info import INFO
from hepexp.errors import ConfigError, HepexpError
from hepexp.simulation.block import plan
from hepexp.simulation.cluster import Cluster, Share
from hepexp.simulation.simulate import write_sample
from tests.commands import slurm

N, SEED, SIZE = 20, 4, 3  # eight blocks


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    write_sample(INFO, N, SEED, 1, tmp_path / "reference.arrow", block_size=SIZE)
    return tmp_path / "reference.arrow"


@pytest.fixture(params=["submitit_local", "submitit_slurm"])
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    if request.param == "submitit_slurm":
        commands = slurm.install(tmp_path / "slurm")
        monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return Cluster(request.param, {})


def made(path: Path, jobs: int, make: Cluster) -> list[tuple[int, bool]]:
    reports: list[tuple[int, bool]] = []
    write_sample(INFO, N, SEED, jobs, path, lambda *report: reports.append(report), SIZE, make=make)
    return reports


def test_jobs_make_the_same_file_and_leave_nothing_else(reference: Path, here: Cluster, tmp_path: Path):
    reports = made(tmp_path / "jobs.arrow", 2, here)
    assert (tmp_path / "jobs.arrow").read_bytes() == reference.read_bytes()
    assert sum(n for n, _ in reports) == N
    assert not list(tmp_path.glob("jobs.arrow.*"))


class Losing(Cluster):
    """The first jobs end after a single block each, as by a time limit."""

    def _submit(self, shares: list[Share], logs: Path) -> list:
        if not logs.exists():
            shares = [Share(share.blocks[:1], share.layout, share.folder) for share in shares]
        return super()._submit(shares, logs)


def test_jobs_that_were_lost_are_submitted_again(reference: Path, tmp_path: Path):
    reports = made(tmp_path / "lost.arrow", 2, Losing("submitit_local", {}))
    assert (tmp_path / "lost.arrow").read_bytes() == reference.read_bytes()
    assert sum(n for n, _ in reports) == N


class Dead(Cluster):
    """Jobs of which nothing comes."""

    def _submit(self, shares: list[Share], logs: Path) -> list:
        return []


def test_blocks_that_never_come_are_one_line_and_what_there_is_is_kept(reference: Path, tmp_path: Path):
    out = tmp_path / "dead.arrow"
    blocks = plan(INFO.generator, generate.CLASSES, N, SEED, SIZE)
    (tmp_path / "dead.arrow.parts").mkdir()
    Share(blocks[:2], INFO.layout, tmp_path / "dead.arrow.parts")()
    with pytest.raises(HepexpError, match=r"of 6 blocks are missing.*the same command resumes") as error:
        made(out, 2, Dead("submitit_local", {}))
    assert "\n" not in str(error.value)
    assert not out.exists()
    reports = made(out, 2, Cluster("submitit_local", {}))
    assert reports[0] == (sum(block.n for block in blocks[:2]), True)
    assert out.read_bytes() == reference.read_bytes()


@pytest.mark.parametrize(
    ("launcher", "parameters", "message"),
    [
        ("slurm", {}, "--launcher must be one of joblib, submitit_slurm, submitit_local, got 'slurm'"),
        ("submitit_slurm", {"slurm_setup": "rm x"}, "--cluster slurm_setup: parameters that are commands"),
    ],
)
def test_another_cluster_is_refused(launcher: str, parameters: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Cluster(launcher, parameters)


@pytest.mark.parametrize("parameters", [{"partition": "nowhere"}, {"no_such_parameter": 3}])
def test_what_the_cluster_says_is_one_line(parameters: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", f"{slurm.install(tmp_path / 'slurm')}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ConfigError, match="--launcher submitit_slurm: ") as error:
        made(tmp_path / "a.arrow", 1, Cluster("submitit_slurm", parameters))
    assert "\n" not in str(error.value)
