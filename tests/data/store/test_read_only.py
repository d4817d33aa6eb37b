"""A data folder that belongs to somebody else: it is read and never written, and what is made goes to the user's."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hepexp.cli.main import main
from hepexp.config import paths
from hepexp.data.datasets.mnist.info import INFO as MNIST
from hepexp.data.download.convert import convert
from hepexp.data.download.verify import verify
from hepexp.data.loading.split_store import open_source
from hepexp.data.store import arrow_file, lock
from hepexp.errors import ConfigError, DataError
from tests.data.datasets import published_formats

Lock = Callable[[Path], None]


@pytest.fixture
def lock_up(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """A function that lets a folder look, and behave, as if it were on a disk that is mounted read-only."""
    locked, access, make = [], os.access, Path.mkdir

    def refuse(path: Path | str) -> bool:
        return any(Path(path).absolute().is_relative_to(folder) for folder in locked)

    def mkdir(path: Path, *args, **options) -> None:
        if refuse(path) and not path.is_dir():
            raise OSError(30, "Read-only file system", str(path))
        make(path, *args, **options)

    def write(path: Path, *args) -> None:
        if refuse(path):
            raise OSError(30, "Read-only file system", str(path))
        written(path, *args)

    written = arrow_file.write
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK and refuse(path)))
    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(arrow_file, "write", write)
    return locked.append


@pytest.fixture
def shared(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of MNIST, of a few digits, in the data folder; the user's home is elsewhere."""
    folder = data_folder / "mnist"
    folder.mkdir(parents=True)
    published_formats.write_idx(folder, 12)
    for kind in ("images-idx3", "labels-idx1"):
        (folder / f"t10k-{kind}-ubyte").write_bytes((folder / f"train-{kind}-ubyte").read_bytes())
    monkeypatch.setenv("HOME", str(data_folder.parent / "home"))
    return folder


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_conversions_and_locks_go_to_the_users_cache(shared: Path, lock_up: Lock, capsys: pytest.CaptureFixture):
    before, home = tree(shared.parent), shared.parents[1] / "home" / ".cache" / "hepexp"
    lock_up(shared.parent)
    assert main(["data", "convert", "mnist"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(home / "mnist" / f"{part}.arrow") for part in ("train", "t10k")]
    assert f"{shared} cannot be written; converted files go to {home / 'mnist'}" in said.err
    assert said.err.count("cannot be written") == 1
    assert tree(shared.parent) == before
    assert len(open_source(MNIST, "full").store) == 24
    assert main(["data", "list"]) == 0
    listed = "".join(capsys.readouterr().out.split())
    assert f"publishedfiles:{shared.parent}(cannotbewritten)convertedandsimulatedones:{home}" in listed
    assert f"2of2parts,0.0MB,in{home / 'mnist'}" in listed


def test_conversions_that_somebody_left_beside_the_files_are_read(shared: Path, lock_up: Lock):
    made = [convert(MNIST, part) for part in MNIST.parts()]
    assert {path.parent for path in made} == {shared}
    lock_up(shared.parent)
    assert [convert(MNIST, part) for part in MNIST.parts()] == made
    assert [finding.path for finding in verify(MNIST) if finding.path.suffix == ".arrow"] == sorted(made)
    made[1].write_bytes(b"damaged")  # and nobody here can remove it
    assert convert(MNIST, MNIST.parts()[1]).parent == MNIST.store_folder
    os.utime(shared / "train-images-idx3-ubyte", (1, 1))  # published anew: that conversion is an old one
    assert convert(MNIST, MNIST.parts()[0]).parent == MNIST.store_folder != shared


def test_a_store_that_cannot_be_written_is_one_line(shared: Path, lock_up: Lock, monkeypatch: pytest.MonkeyPatch):
    lock_up(shared.parent)
    lock_up(shared.parents[1] / "home")
    with pytest.raises(DataError, match=r"train.arrow: cannot be written: Read-only .*set HEPEXP_STORE_DIR"):
        convert(MNIST, MNIST.parts()[0])
    assert lock.only_one(shared / "a").lock_file.endswith(".lock")  # in a folder for temporary files


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch):
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    monkeypatch.delenv("HEPEXP_DATA_DIR")
    with pytest.raises(ConfigError, match="set HEPEXP_DATA_DIR"):
        paths.data_dir()
