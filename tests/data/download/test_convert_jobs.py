"""Conversion of several files at a time: the same files as one after another, by processes and by jobs of a cluster."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hepexp.cli.main import main
from hepexp.data.download.convert import convert_all, is_converted
from hepexp.data.download.convert_jobs import convert_by_jobs
from hepexp.data.find import find_info
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import DataError, HepexpError
from hepexp.simulation.cluster import Cluster
from tests.commands import slurm
from tests.data import small
from tests.data.datasets.user_files import write

N = 40
NAMES = ("a", "b", "c")
CONFIG = """\
defaults: [files, _self_]
files: [a.npz, b.npz, c.npz]
p4: {px: con_x, py: con_y, pz: con_z, energy: con_e}
"""


@pytest.fixture
def info(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("conf/dataset").mkdir(parents=True)
    for i, name in enumerate(NAMES):
        write(Path(f"{name}.npz"), small.top(N + i))
    Path("conf/dataset/mine.yaml").write_text(CONFIG)
    return find_info("mine", [Path("conf")])


@pytest.fixture(params=["joblib", "submitit_local", "submitit_slurm"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster | None:
    if request.param == "submitit_slurm":
        commands = slurm.install(tmp_path / "slurm")
        monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return None if request.param == "joblib" else Cluster(request.param, {})


def everything(info, path: Path) -> Ragged:
    store = Store.open(info.layout, path)
    return store.take(np.arange(len(store)))


def test_several_at_a_time_make_the_files_that_one_after_another_makes(info, cluster):
    parts = info.parts(None)
    assert len(parts) == len(NAMES)
    expected = [everything(info, path) for path in convert_all(info, parts)]
    for part in parts:
        info.converted_path(part).unlink()
    made = convert_by_jobs(info, parts, 2, cluster)
    for one, path in zip(expected, made, strict=True):
        found = everything(info, path)
        assert len(found) == len(one)
        assert all((found[name] == one[name]).all() for name in (*one.elements, *one.extras))
    before = [path.stat().st_mtime_ns for path in made]
    assert [path.stat().st_mtime_ns for path in convert_by_jobs(info, parts, 2, cluster)] == before


def test_jobs_leave_out_a_damaged_file_alone_and_name_it(info):
    Path("b.npz").write_bytes(b"PK no archive")
    parts = info.parts(None)
    with pytest.raises(HepexpError, match=r"1 of 3 parts are missing.*DataError.*b\.npz") as error:
        convert_by_jobs(info, parts, 1, Cluster("submitit_local", {}))
    assert "\n" not in str(error.value)
    assert [is_converted(info, part) for part in parts] == [True, False, True]


def test_a_damaged_file_is_named_in_one_line(info):
    Path("b.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"b\.npz"):
        convert_by_jobs(info, info.parts(None), 2)
    assert main(["data", "convert", "mine", "--config-dir", "conf", "--jobs", "2"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs", "0"], "--jobs: must be a whole number >= 1, got '0'"),
        (["--jobs", "99999"], "--jobs must be <= 10,000, got 99999"),
        (["--launcher", "slurm"], "--launcher must be one of joblib, submitit_slurm, submitit_local, got 'slurm'"),
        (["--cluster", "partition=short"], "--cluster has no effect with --launcher joblib"),
        (["--jobs", "2", "--input", "a.npz", "--out", "a.arrow"], "are for all published files"),
    ],
)
def test_another_request_is_refused_in_one_line(info, words: list[str], message: str, capsys):
    assert main(["data", "convert", "mine", "--config-dir", "conf", *words]) == 2
    assert message in capsys.readouterr().err
