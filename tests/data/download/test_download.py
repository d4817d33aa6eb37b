"""Archives: what is in them arrives whole and in its folder, or not at all."""

import errno
import io
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.download import download as module
from hepexp.data.download.download import unpack
from hepexp.errors import DataError

CONTENT = {f"QCD_{i:03d}.root": np.random.default_rng(i).bytes(3000 + i) for i in range(3)}


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "JetClass.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(member("val_5M", kind=tarfile.DIRTYPE))
        tar.addfile(member("val_5M/README.md", 4), io.BytesIO(b"text"))
        for name, data in CONTENT.items():
            tar.addfile(member(f"val_5M/{name}", len(data)), io.BytesIO(data))
    return path


def files(folder: Path) -> set[str]:
    """All files in a folder, hidden ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_the_files_arrive_and_the_archive_goes(archive: Path, tmp_path: Path):
    written = unpack(archive, tmp_path / "val_5M", ".root")
    assert {path.name: path.read_bytes() for path in written} == CONTENT
    assert files(tmp_path) == {f"val_5M/{name}" for name in CONTENT}


@pytest.mark.parametrize("name", ["../../x.root", "/tmp/x.root", "a/../../../x.root", "x.root"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member(name, 4), io.BytesIO(b"data"))
    unpack(tmp_path / "a.tar", tmp_path / "one" / "two", ".root")
    assert files(tmp_path) == {"one/two/x.root"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_left_out(tmp_path: Path, kind: bytes):
    (tmp_path / "secret.root").write_text("not yours")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member("x.root", kind=kind, link=str(tmp_path / "secret.root")))
        tar.addfile(member("y.root", 4), io.BytesIO(b"data"))
    unpack(tmp_path / "a.tar", tmp_path / "out", ".root")
    assert files(tmp_path / "out") == {"y.root"}


def test_a_link_in_the_way_is_replaced_and_not_followed(archive: Path, tmp_path: Path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "QCD_000.root").symlink_to(tmp_path / "mine")
    unpack(archive, tmp_path / "out", ".root")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "out" / "QCD_000.root").read_bytes() == CONTENT["QCD_000.root"]


def test_wherever_an_archive_is_cut_it_is_refused_kept_and_leaves_whole_files_only(archive: Path, tmp_path: Path):
    whole, out = archive.read_bytes(), tmp_path / "out"
    end = len(whole.rstrip(b"\0")) // 512 * 512
    for cut in [0, 100, *range(512, end, 512), *range(700, end, 1500)]:
        archive.write_bytes(whole[:cut])
        with pytest.raises(
            DataError, match=r"JetClass.tar: truncated or corrupted: .*; remove it and download it again"
        ) as e:
            unpack(archive, out, ".root")
        assert "\n" not in str(e.value)
        assert archive.exists()
        assert all((out / name).read_bytes() == CONTENT[name] for name in files(out))
        shutil.rmtree(out, ignore_errors=True)


def test_an_interruption_leaves_no_half_file_and_the_next_call_goes_through(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def half(source, target, length: int) -> None:
        target.write(source.read(1000))
        raise KeyboardInterrupt

    monkeypatch.setattr(module.shutil, "copyfileobj", half)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out", ".root")
    monkeypatch.undo()
    assert files(tmp_path) == {"JetClass.tar"}
    assert len(unpack(archive, tmp_path / "out", ".root")) == 3


def test_a_full_disk_is_named(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(source, target, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.shutil, "copyfileobj", full)
    with pytest.raises(DataError, match=r"out/QCD_000.root: cannot be unpacked: No space left on device"):
        unpack(archive, tmp_path / "out", ".root")
    assert files(tmp_path) == {"JetClass.tar"}


@pytest.mark.parametrize("content", [b"", b"<html>", bytes(5000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a.tar: (truncated or corrupted|contains no file)"):
        unpack(tmp_path / "a.tar", tmp_path / "out", ".root")
    assert files(tmp_path) == {"a.tar"}
