"""`hepexp data` as a user types it."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepexp.cli import data_options
from hepexp.cli.main import main
from hepexp.config import yaml_file
from hepexp.config.paths import conf_dir
from hepexp.data.dataset_info import Part, PublishedFile
from hepexp.data.datasets.electron_photon import info as electron_photon
from hepexp.data.datasets.electron_photon.info import LAYOUT as ELECTRON_PHOTON_LAYOUT
from hepexp.data.datasets.jetclass import info as jetclass
from hepexp.data.datasets.qg import info as qg
from hepexp.data.formats.open_file import open_file
from hepexp.data.store import arrow_file
from hepexp.simulation import simulate
from tests.commands.conftest import Command
from tests.data.datasets import published_formats
from tests.data.download import test_fetch


def test_help_names_every_verb(hepexp: Command):
    done = hepexp("data", "--help")
    assert done.returncode == 0
    for verb in ("list", "show", "download", "generate", "convert", "export", "verify"):
        assert f"  {verb}" in done.stdout
        assert hepexp("data", verb, "--help").returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "unknown verb 'data lst'; did you mean list?"),
        (
            ["show", "files"],
            "files is for files of your own, which a configuration names: hepexp data inspect FILE --write",
        ),
        (["show", "qgg"], "unknown NAME 'qgg'; did you mean qg?"),
        (["show"], "the following arguments are required: NAME"),
        (["show", "qg", "--sorce", "mini"], "unknown argument '--sorce'; did you mean --source?"),
        (["export", "qg", "--split", "tests", "--out", "a.npz"], "did you mean test?"),
        (
            ["export", "qg", "--format", "energyflow", "--out", "a.parquet"],
            "--out must end in .npz for --format energyflow",
        ),
        (["generate", "qg", "--n", "1"], "--n: must be a whole number >= 2, got '1'"),
        (["generate", "qg", "--n", "99999999999999"], "n must be <= 1,000,000,000, got 99999999999999"),
        (["generate", "qg", "--n", "10", "--jobs", "1000000"], "jobs must be <= 10,000, got 1000000"),
        (["generate", "qg", "--out", "jets.txt"], "--out must end in .parquet or .arrow"),
        (["download", "qg", "--files", "0"], "--files: must be a whole number >= 1, got '0'"),
        (["show", "qg", "--views", "--no-pictures"], "--views draws plots, which --no-pictures leaves out"),
        (["show", "qg", "--views", "data.views.rotate=270"], "dataset.views.rotate must be from 0 to 180 degrees, got"),
        (["show", "qg", "data.views.rotate=90"], "qg has the same files whatever its keys are; leave out data.KEY=VAL"),
        (["show", "qg", "data.source=minni"], "unknown --source 'minni'; did you mean mini?"),
        (["show", "qg", "--source", "full", "--files", "21"], "--files must be between 1 and 20, got 21"),
        (["convert", "qg", "--input", "a.npz"], "--input and --out go together"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(hepexp: Command, words: list[str], message: str):
    done = hepexp("data", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_list_and_show_tell_what_there_is(hepexp: Command, tmp_path: Path):
    done = hepexp("data", "list")
    assert done.returncode == 0
    for text in (
        "hepexp data download qg (from Zenodo record 3164691",
        "arXiv:1810.05165",
        "CC BY 4.0",
        "auto is mini",
    ):
        assert text in done.stdout
    assert "\nempty" not in done.stdout  # it has nothing to list
    by_hand = f"into {tmp_path / 'data' / 'qg_images'}: quark-gluon_data-set_n139306.hdf5 or QCDToGGQQ"
    assert by_hand in done.stdout
    done = hepexp("data", "show", "mnist", "--out", "pictures")
    assert done.returncode == 0
    assert "scikit-learn's 1,797 digits" in done.stdout
    assert "pictures: pictures/index.html" in done.stdout
    assert (tmp_path / "pictures" / "distributions.png").is_file()
    done = hepexp("data", "show", "qg", "--no-pictures")
    assert done.returncode == 0
    for text in ("20,000", "train 16,000, val 2,000, test 2,000", "GeV", "sha256"):
        assert text in done.stdout
    (particles,) = [line.split() for line in done.stdout.splitlines() if line.startswith("particles")]
    gluon, quark = float(particles[1]), float(particles[4])
    assert (abs(gluon - 53.7) < 0.6, abs(quark - 34.0) < 0.6) == (True, True)  # as the published sample has


def test_export_writes_the_published_format(hepexp: Command, tmp_path: Path):
    done = hepexp("data", "export", "qg", "--split", "test", "--format", "energyflow", "--out", "qg.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "qg.npz") as file:
        x, y = file["X"], file["y"]
    assert (x.shape[0], x.shape[2], y.shape) == (2000, 4, (2000,))
    assert 33 < (x[y == 1, :, 0] > 0).sum(1).mean() < 35 < 51 < (x[y == 0, :, 0] > 0).sum(1).mean() < 55

    done = hepexp("data", "convert", "qg", "--input", "qg.npz", "--out", "qg.arrow")
    assert done.returncode == 0, done.stderr
    done = hepexp("data", "convert", "qg", "--input", "qg.arrow", "--out", "again.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "again.npz") as file:
        np.testing.assert_array_equal(file["X"], x)
        np.testing.assert_array_equal(file["y"], y)


def test_a_damaged_file_is_one_line_and_exit_code_1(hepexp: Command, tmp_path: Path):
    folder = tmp_path / "data" / "qg"
    folder.mkdir(parents=True)
    (folder / "QG_jets.npz").write_bytes(b"PK\x03\x04 not really")
    done = hepexp("data", "convert", "qg")
    assert done.returncode == 1
    assert "QG_jets.npz: truncated or corrupted" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = hepexp("data", "verify", "qg")
    assert done.returncode == 1
    assert "expected 3f27a02eab06e8b8" in done.stdout


def test_full_and_generate_say_how_to_get_them(hepexp: Command):
    done = hepexp("data", "show", "qg", "--source", "full")
    assert (done.returncode, "hepexp data download qg" in done.stderr) == (1, True)
    done = hepexp("data", "show", "qg", "--source", "generate", "--n", "50", "--seed", "9")
    assert (done.returncode, "hepexp data generate qg --n 50 --seed 9" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["particle_flow", "qg", "trackml"])
def test_generate_makes_the_examples_that_a_training_looks_for(name: str, monkeypatch, capsys, tmp_path: Path):
    """The number and the seed of the data set's own keys, unless they are given."""
    keys = yaml_file.load(conf_dir() / "dataset" / f"{name}.yaml")
    n, seed = keys["n_generate"], keys["generate_seed"]
    made = []
    monkeypatch.setattr(simulate, "check_simulation", lambda info, n, seed, jobs, classes: made.append((n, seed)))
    monkeypatch.setattr(simulate, "simulate", lambda *args: tmp_path)
    for words in ([], ["--n", "7"], ["--seed", "9"]):
        assert main(["data", "generate", name, *words]) == 0
    assert made == [(n, seed), (7, seed), (n, 9)]
    capsys.readouterr()
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(tmp_path))
    assert main(["data", "show", name, "--source", "generate", "--no-pictures"]) == 1
    assert f"hepexp data generate {name} --n {n} --seed {seed}" in capsys.readouterr().err


def test_what_cannot_be_simulated_is_said_whatever_its_number(capsys, tmp_path: Path):
    assert main(["data", "generate", "mnist"]) == 2
    assert "n must be" not in capsys.readouterr().err
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "mine.yaml").write_text("defaults: [particle_flow]\nn_generate: many\n")
    assert main(["data", "generate", "mine", "--config-dir", str(tmp_path)]) == 2
    assert "dataset.n_generate must be a whole number, got 'many'" in capsys.readouterr().err


def test_generate_then_show(hepexp: Command, tmp_path: Path):
    pytest.importorskip("pythia8mc")
    done = hepexp("data", "generate", "qg", "--n", "10", "--seed", "9", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1  # the path, and no banner of FastJet
    done = hepexp("data", "show", "qg", "--source", "generate", "--n", "10", "--seed", "9", "--no-pictures")
    assert done.returncode == 0
    assert "simulated sample made on this machine: hepexp data generate qg --n 10 --seed 9" in done.stdout
    keys = ["data.source=generate", "data.n_generate=10", "data.generate_seed=9"]
    assert hepexp("data", "show", "qg", *keys, "--no-pictures").stdout == done.stdout
    assert not (tmp_path / "runs").exists()
    assert "10 jets, seed 9" in hepexp("data", "list").stdout


# ---- files of another data set, and damaged ones


def garbage(path: Path) -> None:
    path.write_bytes(b"root" + bytes(range(256)) * 8)


def npz(path: Path) -> None:
    np.savez(path, a=np.zeros(3))


def images(path: Path) -> None:
    published_formats.write_qg_hdf5(path, 2)


def crops(path: Path) -> None:
    published_formats.write_electron_photon_hdf5(path, 4)


def labels(path: Path) -> None:
    published_formats.write_idx(path.parent, 12)
    path.write_bytes(path.with_name("train-labels-idx1-ubyte").read_bytes())


WRONG = [
    ("qg", "QG_jets.npz", npz, "QG_jets.npz: key 'y' is missing, found a; expected X and y"),
    (
        "qg_images",
        "a.hdf5",
        crops,
        "a.hdf5: key X_jets, pt, m0 missing, found X, y; expected X_jets, pt, m0, y: is this",
    ),
    (
        "electron_photon",
        "a.h5",
        images,
        "a.h5: key X missing, found X_jets, m0, pt, y; expected X, y: is this the right",
    ),
    ("mnist", "train-images-idx3-ubyte", labels, "magic number 0x00000801, expected 0x00000803"),
    ("top", "a.h5", crops, "a.h5: key table missing, found X, y; expected table: is this the right file"),
    ("jetclass", "HToBB_000.root", garbage, "HToBB_000.root: truncated, corrupted, or not a ROOT file"),
]


@pytest.mark.parametrize(("name", "file", "write", "message"), WRONG, ids=[name for name, *_ in WRONG])
def test_a_file_of_something_else_is_one_line_and_leaves_nothing(
    hepexp: Command, tmp_path: Path, name: str, file: str, write: Callable[[Path], None], message: str
):
    write(tmp_path / file)
    before = set(tmp_path.iterdir())
    done = hepexp("data", "convert", name, "--input", file, "--out", "out.arrow")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {path for path in tmp_path.iterdir() if path.is_file()} <= before


def bad_label(path: Path) -> None:
    published_formats.write_electron_photon_hdf5(path, 9)
    with h5py.File(path, "r+") as file:
        file["y"][7] = 3


def negative_energy(path: Path) -> None:
    published_formats.write_qg_hdf5(path, 9)
    with h5py.File(path, "r+") as file:
        file["X_jets"][5, 60, 60, 1] = -1


def nan_momentum(path: Path) -> None:
    published_formats.write_top(path, 30)
    with h5py.File(path, "r+") as file:
        rows = file["table/table"][:]
        rows["values_block_0"][11, 0] = np.nan
        file["table/table"][:] = rows


def nan_pt(path: Path) -> None:
    x = np.full((9, 3, 4), [10.0, 0.1, 0.2, 211.0])
    x[4, 1, 0] = np.nan
    np.savez(path, X=x, y=np.zeros(9))


def digit_twelve(path: Path) -> None:
    published_formats.write_idx(path.parent, 9)
    file = path.with_name("train-labels-idx1-ubyte")
    changed = bytearray(file.read_bytes())
    changed[8 + 6] = 12
    file.write_bytes(changed)


def infinite_energy(path: Path) -> None:
    counts, particles, jets = published_formats.jetclass_columns(9)
    particles["part_energy"][counts[:3].sum()] = np.inf
    published_formats.write_jetclass_root(path, counts, particles, jets)


DAMAGED = [
    ("qg", "QG_jets.npz", nan_pt, "QG_jets.npz: jet 4 has a particle with pt = nan"),
    ("qg_images", "quark-gluon_data-set_n139306.hdf5", negative_energy, ".hdf5: row 5 "),
    ("electron_photon", "SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5", bad_label, ".hdf5: row 7 "),
    ("mnist", "train-images-idx3-ubyte", digit_twelve, "train-labels-idx1-ubyte: row 6 has a label above 9"),
    ("top", "train.h5", nan_momentum, "train.h5: row 11 has a particle with E = nan"),
    ("jetclass", "train_100M/ZJetsToNuNu_000.root", infinite_energy, "ZJetsToNuNu_000.root: "),
]


@pytest.mark.parametrize(("name", "file", "write", "message"), DAMAGED, ids=[name for name, *_ in DAMAGED])
def test_a_damaged_published_file_is_refused_with_its_row_and_verify_finds_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    name: str,
    file: str,
    write: Callable[[Path], None],
    message: str,
):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(tmp_path / "store"))
    path = tmp_path / "data" / name / file
    path.parent.mkdir(parents=True)
    write(path)
    assert main(["data", "show", name, "--source", "full", "--no-pictures"]) == 1
    said = capsys.readouterr().err
    assert "hepexp: error: " in said
    assert message in said
    assert list((tmp_path / "store" / name).glob("*")) == []
    assert main(["data", "verify", name]) == 1
    assert message.split(": ")[-1] in capsys.readouterr().out


def test_verify_names_file_and_row_of_a_corrupted_store(hepexp: Command, tmp_path: Path):
    folder = tmp_path / "data" / "electron_photon"
    folder.mkdir(parents=True)
    published_formats.write_electron_photon_hdf5(tmp_path / "a.h5", 9)
    store = open_file(electron_photon.INFO, tmp_path / "a.h5")
    examples = store.take(np.arange(9))
    examples.elements["value"][examples.offsets[3]] = np.inf
    arrow_file.write(folder / "Electron.arrow", ELECTRON_PHOTON_LAYOUT, [examples], {})
    done = hepexp("data", "verify", "electron_photon")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "Electron.arrow" in line]
    assert "image 3 has a pixel with value = inf; expected -1e+06 to 1e+06" in line


def test_a_damaged_file_is_not_exported(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    examples = open_file(qg.INFO, qg.INFO.mini).take(np.arange(9))
    file = qg.INFO.generated_path(9, 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    arrow_file.write(file, qg.INFO.layout, [examples], {})
    words = ["data", "export", "qg", "--source", "generate", "--n", "9", "--split", "all", "--out"]
    assert main([*words, str(tmp_path / "whole.npz")]) == 0
    content = bytearray(file.read_bytes())
    content[content.index(examples.elements["pt"][3].tobytes())] ^= 1
    file.write_bytes(content)
    assert main([*words, str(tmp_path / "damaged.npz")]) == 1
    assert "corrupted" in capsys.readouterr().err
    assert not (tmp_path / "damaged.npz").exists()


# ---- download, from a server of this machine


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    with test_fetch.Server() as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


def of_one_file(monkeypatch: pytest.MonkeyPatch, info, file: PublishedFile) -> None:
    """Let the verbs find a info whose only published file is this one."""
    made = replace(info, releases=((Part("part", (file,)),),))
    monkeypatch.setattr(data_options, "known_info", lambda *name: made)


def test_download_fetches_and_prints_the_path(server, monkeypatch, tmp_path: Path, capsys):
    content = test_fetch.CONTENT
    file = PublishedFile("a.hdf5", sha256=hashlib.sha256(content).hexdigest(), urls=(server.url,))
    of_one_file(monkeypatch, electron_photon.INFO, file)
    server.behaviour = ["cut"]
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert main(["data", "download", "electron_photon"]) == 0
    path = tmp_path / "data" / "electron_photon" / "a.hdf5"
    assert capsys.readouterr().out.split() == [str(path)]
    assert path.read_bytes() == content
    assert main(["data", "download", "electron_photon"]) == 0
    assert server.ranges == [None, "bytes=150000-"]  # nothing is fetched again


def test_download_takes_files_out_of_their_archive(server, monkeypatch, tmp_path: Path, capsys):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name in ("val_5M/HToBB_120.root", "val_5M/ZJetsToNuNu_120.root"):
            about = tarfile.TarInfo(name)
            about.size = 9
            tar.addfile(about, io.BytesIO(b"some jets"))
    monkeypatch.setattr(test_fetch, "CONTENT", held.getvalue())
    archive = PublishedFile("val.tar", md5=hashlib.md5(held.getvalue()).hexdigest(), urls=(server.url,))
    of_one_file(monkeypatch, jetclass.INFO, PublishedFile("val_5M/HToBB_120.root", archive=archive))
    assert main(["data", "download", "jetclass"]) == 0
    folder = tmp_path / "data" / "jetclass"
    assert capsys.readouterr().out.split() == [str(folder / "val_5M" / "HToBB_120.root")]
    assert sorted(path.name for path in (folder / "val_5M").iterdir()) == ["HToBB_120.root", "ZJetsToNuNu_120.root"]
    assert not (folder / "val.tar").exists()

    of_one_file(monkeypatch, jetclass.INFO, PublishedFile("val_5M/other.root", archive=archive))
    assert main(["data", "download", "jetclass"]) == 1
    assert "val_5M/other.root: not found in val.tar" in capsys.readouterr().err


def test_download_says_what_no_program_can_fetch(hepexp: Command):
    done = hepexp("data", "download", "qg_images")
    assert done.returncode == 1
    assert "cannot be downloaded automatically; get it by hand, from CERNBox shares of ML4SCI" in done.stderr
    assert len(done.stderr.splitlines()) == 1
