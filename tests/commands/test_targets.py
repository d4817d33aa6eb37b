"""What a command writes replaces nothing unless asked to, never what it reads; bad names are refused at once."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from hepexp.cli.main import main
from hepexp.cli.output_files import check_target
from hepexp.data.datasets.qg import reader as energyflow
from hepexp.data.store import arrow_file
from hepexp.errors import ConfigError
from tests.data.conftest import random_jets


@pytest.fixture
def jets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty jets in the published format, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    energyflow.write(tmp_path / "jets.npz", [random_jets(20)], 20, 9)
    return tmp_path / "jets.npz"


def test_the_input_is_never_replaced_by_any_of_its_names(jets: Path):
    Path("link.npz").symlink_to(jets)
    os.link(jets, "hard.npz")
    Path("folder").symlink_to(jets.parent)
    for name in ("jets.npz", "./jets.npz", "link.npz", "hard.npz", "folder/jets.npz", str(jets)):
        with pytest.raises(ConfigError, match=r"is jets.npz, an input file; choose another name"):
            check_target(Path(name), "--out", overwrite=True, inputs=[Path("jets.npz")])


def test_what_cannot_be_written_is_refused_and_nothing_is_left(jets: Path):
    Path("folder.npz").mkdir()
    Path("gone.npz").symlink_to("nowhere.npz")
    Path("gone").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    before = sorted(jets.parent.iterdir())
    for name, said in (
        ("folder.npz", "is a folder"),
        ("jets.npz", "exists; choose another name, or replace it with --overwrite"),
        ("gone.npz", "exists"),
        ("jets.npz/a.npz", "cannot be written: Not a directory"),
        ("gone/a.npz", "cannot be written: No such file or directory"),
        ("loop/a.npz", "cannot be written: Too many levels of symbolic links"),
        ("a" * 300 + ".npz", "cannot be written: File name too long"),
        ("/proc/a.npz", "cannot be written"),
        ("/proc/no/such/a.npz", "cannot be written"),
    ):
        with pytest.raises(ConfigError, match=f"^--out .*{said}"):
            check_target(Path(name), "--out", overwrite=False)
    with pytest.raises(ConfigError, match="not a regular file"):
        check_target(Path("/dev/null"), "--out", overwrite=True)
    check_target(Path("new/folder/a.npz"), "--out", overwrite=False)
    assert sorted(jets.parent.iterdir()) == before


def test_convert_and_export_replace_only_with_overwrite(jets: Path, capsys: pytest.CaptureFixture):
    whole = jets.read_bytes()
    convert = ["data", "convert", "qg", "--input", "jets.npz", "--out"]
    assert main([*convert, "jets.npz", "--overwrite"]) == 2
    assert main([*convert, "a.npz"]) == 0
    assert main([*convert, "a.npz"]) == 2
    assert "--out a.npz exists" in capsys.readouterr().err
    assert main([*convert, "a.npz", "--overwrite"]) == 0
    assert main(["data", "export", "qg", "--out", "jets.npz"]) == 2
    assert main(["data", "generate", "qg", "--out", "/proc/a.arrow"]) == 2
    assert jets.read_bytes() == whole


def test_nothing_is_written_beside_the_files_that_are_read(jets: Path):
    folder = jets.parent / "mine"
    folder.mkdir()
    jets.rename(folder / "jets.npz")
    assert main(["data", "convert", "qg", "--input", "mine/jets.npz", "--out", "mine.arrow"]) == 0
    assert main(["data", "convert", "qg", "--input", "mine.arrow", "--out", "other/again.npz"]) == 0
    assert [path.name for path in folder.iterdir()] == ["jets.npz"]
    assert sorted(path.name for path in jets.parent.iterdir()) == ["mine", "mine.arrow", "other"]
    with np.load("other/again.npz") as again, np.load(folder / "jets.npz") as given:
        np.testing.assert_array_equal(again["X"], given["X"])


def test_a_disk_that_is_full_is_one_line_and_leaves_nothing(jets: Path, monkeypatch, capsys: pytest.CaptureFixture):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "Error writing bytes to file")

    monkeypatch.setattr(arrow_file, "_record_batch", full)
    assert main(["data", "convert", "qg", "--input", "jets.npz", "--out", "a.arrow"]) == 1
    assert "error: --out a.arrow cannot be written: No space left on device" in capsys.readouterr().err
    assert list(jets.parent.iterdir()) == [jets]


def test_what_a_killed_command_left_is_removed_before_its_file_is_written_again(tmp_path: Path):
    nobody = 2**22 + 7  # no process has a number above 2^22
    left = [f".scores.{nobody}.part.h5", f".scores.{nobody}.part.arrow"]
    others = [f".scores.{nobody}.part.npz", f".more.{nobody}.part.h5", f".scores.{os.getppid()}.part.h5", ".scores.h5"]
    for name in [*left, *others]:
        (tmp_path / name).touch()
    check_target(tmp_path / "scores.h5", "--out", overwrite=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
