"""`hepexp data` as a user types it."""

from pathlib import Path

import numpy as np
import pytest

from tests.commands.conftest import Command


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
        (["show", "qgg"], "unknown NAME 'qgg'; did you mean qg?"),
        (["show"], "the following arguments are required: NAME"),
        (["show", "qg", "--sorce", "mini"], "unknown argument '--sorce'; did you mean --source?"),
        (["export", "qg", "--split", "tests", "--out", "a.npz"], "did you mean test?"),
        (["export", "qg", "--out", "a.parquet"], "--out must end in .npz for --format energyflow"),
        (["generate", "qg", "--n", "1"], "n must be >= 2, got 1"),
        (["generate", "qg", "--out", "jets.txt"], "--out must end in .parquet or .arrow"),
        (["download", "qg", "--files", "0"], "--files must be between 1 and 20, got 0"),
        (["show", "qg", "--source", "full", "--files", "21"], "--files must be between 1 and 20, got 21"),
        (["convert", "qg", "--input", "a.npz"], "--input and --out are given together"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(hepexp: Command, words: list[str], message: str):
    done = hepexp("data", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_list_and_show_tell_what_there_is(hepexp: Command):
    done = hepexp("data", "list")
    assert (done.returncode, "mini" in done.stdout, "0 of 20" in done.stdout) == (0, True, True)
    done = hepexp("data", "show", "qg")
    assert done.returncode == 0
    for text in ("20,000", "train 16,000, val 2,000, test 2,000", "GeV", "sha256", "53.36 ± 0.16", "33.67 ± 0.13"):
        assert text in done.stdout


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


def test_generate_then_show(hepexp: Command):
    pytest.importorskip("pythia8mc")
    done = hepexp("data", "generate", "qg", "--n", "10", "--seed", "9", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1  # the path, and no banner of FastJet
    done = hepexp("data", "show", "qg", "--source", "generate", "--n", "10", "--seed", "9")
    assert done.returncode == 0
    assert "generate: hepexp data generate qg --n 10 --seed 9" in done.stdout
