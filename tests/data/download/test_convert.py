"""A conversion that is interrupted, or for which there is no space, leaves nothing that the next one takes or keeps."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from hepexp.cli.main import main
from hepexp.data.download.convert import convert, convert_all
from hepexp.data.find import find_info
from hepexp.errors import DataError, Interrupted
from hepexp.interrupts import Interrupts
from tests.data import small
from tests.data.datasets.user_files import write

N = 40
NOBODY = 2**22 + 7  # no process has a number above 2^22
CONFIG = """\
defaults: [files, _self_]
files: [jets.npz]
p4: {px: con_x, py: con_y, pz: con_z, energy: con_e}
"""


@pytest.fixture
def info(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("conf/dataset").mkdir(parents=True)
    write(Path("jets.npz"), small.top(N))
    Path("conf/dataset/mine.yaml").write_text(CONFIG)
    return find_info("mine", [Path("conf")])


def files(info) -> list[str]:
    return sorted(path.name for path in info.store_folder.glob("*")) if info.store_folder.is_dir() else []


@pytest.mark.parametrize("number", Interrupts.SIGNALS)
def test_an_interrupted_conversion_leaves_nothing_and_the_next_one_is_whole(info, number):
    (part,) = info.parts(None)
    with pytest.raises(Interrupted), Interrupts():
        convert(info, part, lambda n: signal.raise_signal(number))
    assert files(info) == []
    (made,) = convert_all(info, [part])
    assert files(info) == [made.name]


def test_what_a_killed_conversion_left_is_removed_and_what_another_one_writes_is_not(info, capsys):
    (part,) = info.parts(None)
    info.store_folder.mkdir(parents=True)
    killed, alive, other = (
        info.store_folder / f".{name}.{pid}.part.arrow"
        for name, pid in ((part.name, NOBODY), (part.name, os.getppid()), ("another", NOBODY))
    )
    for draft in (killed, alive, other):
        draft.write_bytes(b"ARROW1")
    assert main(["data", "convert", "mine", "--config-dir", "conf"]) == 0
    assert files(info) == sorted([alive.name, other.name, f"{part.name}.arrow"])


def test_a_full_disk_is_one_line_and_leaves_nothing(info):
    (part,) = info.parts(None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # bytes of a file; Python ignores the signal
    try:
        with pytest.raises(DataError, match=rf"{part.name}.arrow: cannot be written: File too large; free some"):
            convert(info, part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(info) == []


KEYS = ("data.files=[jets.npz]", "data.p4={px: con_x, py: con_y, pz: con_z, energy: con_e}", "data.label=truth")
CLASSES = "data.classes={light: 0, heavy: 1}"


@pytest.mark.parametrize("words", [("files", *KEYS, CLASSES), ("mine", "--config-dir", "conf", *KEYS[2:], CLASSES)])
def test_verbs_take_the_keys_that_train_takes(info, words, capsys):
    assert main(["data", "convert", *words]) == 0
    assert main(["data", "verify", *words]) == 0
    assert main(["data", "show", *words, "--no-pictures"]) == 0
    said = capsys.readouterr().out
    labels = small.top(N).label
    assert ["jets", f"{(labels == 0).sum()}", f"{(labels == 1).sum()}"] in [line.split() for line in said.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("files", *KEYS, "data.clases={}"), "dataset.clases is not an option of files; did you mean classes?"),
        (("files", *KEYS, "data.selection=3"), "dataset.selection: expected text or null, got 3"),
        (("files", KEYS[1]), "dataset.files needs a value: dataset.files=..."),
        (("data=files", *KEYS), "data=files: expected NAME, the data set alone, and keys of it, data.KEY=VALUE"),
        (("qg", "data.batch_size=3"), "qg has the same files whatever its keys are; leave out data.KEY=VALUE"),
        (("files",), "or keys as in hepexp data verify files 'data.files=[data/*.root]'"),
    ],
)
def test_wrong_keys_are_one_line(info, words, expected, capsys):
    assert main(["data", "verify", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
