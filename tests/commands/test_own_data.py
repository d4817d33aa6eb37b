"""The how-to on data of one's own, as it is printed there: inspect, train, predict."""

from __future__ import annotations

import shutil
from glob import glob
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from hepexp.cli.main import main
from tests import pages
from tests.commands.shell import hepexp

PAGE = "howto/own_data"
SMALL = ("model=pfn", "trainer=quick", "trainer.max_epochs=1")


def write(path: Path, first: int, n: int = 150, labelled: bool = True) -> None:
    random = np.random.default_rng(first)
    counts = random.integers(4, 12, n)
    m, label = counts.sum(), np.arange(n) % 2
    lists = {"pt": 1 + random.exponential(80, m), "eta": random.normal(0, 0.2, m), "phi": random.normal(0, 0.2, m)}
    lists |= {"d0": random.normal(size=m), "d0err": random.uniform(1, 2, m)}
    lists = {f"part_{name}": ak.unflatten(flat.astype(np.float32), counts) for name, flat in lists.items()}
    flat = {
        "jet_pt": random.uniform(400, 900, n),
        "jet_phi": np.zeros(n),
        "run": np.full(n, 7),
        "event": first + np.arange(n),
    }
    if labelled:
        flat |= {"label_QCD": label == 0, "label_top": label == 1, "gen_weight": random.normal(1, 0.5, n)}
    path.parent.mkdir(exist_ok=True)
    with uproot.recreate(path) as file:
        types = {name: ak.type(one).content for name, one in lists.items()}
        file.mktree("events", types | {name: one.dtype for name, one in flat.items()})
        file["events"].extend(lists | flat)


@pytest.mark.timeout(300)
def test_data_of_one_s_own_as_in_the_how_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for i in (1, 2):
        write(Path(f"data/{i}.root"), 1000 * i)
        write(Path(f"new/{i}.root"), 10_000 * i, labelled=False)
    inspect, train, predict = (
        [one for word in words for one in glob(word) or [word]]
        for words in pages.commands(pages.block_after(PAGE, "to be corrected:"))
    )
    assert hepexp(tmp_path, *inspect).returncode == 0
    guessed = yaml.safe_load(Path("conf/dataset/mine.yaml").read_text())
    assert guessed["p4"] == {"pt": "part_pt", "eta": "part_eta", "phi": "part_phi", "mass": 0}
    assert guessed["classes"] == {"QCD": "label_QCD", "top": "label_top"}
    Path("conf/dataset/mine.yaml").write_text(pages.block_after(PAGE, "`conf/dataset/mine.yaml`, corrected:"))
    result = hepexp(tmp_path, *train, *SMALL)
    assert result.returncode == 0, result.stderr
    result = hepexp(tmp_path, *predict)
    assert result.returncode == 0, result.stderr
    with uproot.open("scores.root") as file:
        scores = file["predictions"].arrays(library="np")
    assert scores.keys() == {"index", "score_QCD", "score_top", "jet_pt", "run", "event"}
    # glob gives the files in any order, and so does the shell of whoever types it; the rows are in that order
    first = [10_000 * int(Path(word).stem) for word in predict if word.endswith(".root") and word.startswith("new")]
    assert scores["event"].tolist() == [start + i for start in first for i in range(150)]
    # without the files of the training, only whose types matter, which the input has too
    shutil.move("data", "gone")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    run = str(next(tmp_path.glob("runs/hepexp/*_mine")))
    inputs = [str(tmp_path / word) for word in predict if word.endswith(".root") and word.startswith("new")]
    assert main(["predict", run, "--input", *inputs, "--out", "scores.npz"]) == 0
    with np.load("scores.npz") as found:
        np.testing.assert_array_equal(found["score_top"], scores["score_top"])
    capsys.readouterr()
    assert main(["evaluate", run]) == 2
    assert f"dataset.files: no such file: {tmp_path}/elsewhere/data/" in capsys.readouterr().err
