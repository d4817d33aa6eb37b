"""Files of one's own in four formats: inspect, three lines to correct, train, predict, as typed, in one process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from hepexp.cli import main as shell
from hepexp.data.datasets.top.info import INFO as TOP
from hepexp.data.loading.split_store import open_source
from hepexp.data.store.ragged import pad
from tests.commands.own_formats import read, write
from tests.data.datasets.published_formats import write_top_jets

N = 80
FORMATS = (".root", ".h5", ".parquet", ".npz")
QUICK = ("trainer=quick", "trainer.max_epochs=1", "seed=1")
SMALL = ("model=particlenet", "model.k=3", "model.channels=[8]", "model.n_hidden=8", "model.use_scalars=true", *QUICK)
CORRECTED = {
    "  mass: 0 ": "  mass: 0.13957",
    "scalars: []": "scalars: [log(TRACKS.trk_pt), TRACKS.trk_charge]",
    "observers: []": "observers: [JETS.fatjet_pt]",
}


def events(first: int, labelled: bool) -> tuple[np.ndarray, dict, dict]:
    random = np.random.default_rng(first)
    counts, signal = random.integers(4, 9, N), np.arange(N) % 2
    m, width = counts.sum(), 0.2 + 0.2 * np.repeat(signal, counts)
    lists = {"pt": 1 + random.exponential(40, m), "eta": random.normal(0, width), "phi": random.normal(0, width)}
    lists["charge"] = random.integers(-1, 2, m)
    lists = {f"trk_{name}": flat.astype(np.float32) for name, flat in lists.items()}
    numbers = {"evt": first + np.arange(N), "fatjet_pt": random.uniform(300, 900, N).astype(np.float32)}
    return counts, lists, numbers | ({"is_signal": signal.astype(np.int32)} if labelled else {})


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEPEXP_RUNS_DIR", raising=False)
    monkeypatch.delenv("HEPEXP_STORE_DIR", raising=False)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))

    def of(*words: str) -> None:
        code = shell.main(list(words))
        assert code == 0, capsys.readouterr().err

    return of


def correct(path: Path, prefixes: tuple[str, str]) -> int:
    """Edit the guessed configuration as a physicist would; returns the number of lines changed."""
    lines, n = path.read_text().splitlines(), 0
    for i, line in enumerate(lines):
        for guessed, right in CORRECTED.items():
            if line.startswith(guessed):
                lines[i], n = right.replace("TRACKS.", prefixes[0]).replace("JETS.", prefixes[1]), n + 1
    path.write_text("\n".join(lines))
    return n


def test_files_in_four_formats_are_inspected_trained_on_and_scored_alike(run):
    for suffix in FORMATS:
        write(Path(f"old{suffix}"), *events(0, labelled=True))
        write(Path(f"new{suffix}"), *events(1000, labelled=False))
        run("data", "inspect", f"old{suffix}", "--write", f"conf/dataset/{suffix[1:]}.yaml")
        prefixes = ("tracks.", "jets.") if suffix == ".h5" else ("", "")
        assert correct(Path(f"conf/dataset/{suffix[1:]}.yaml"), prefixes) == len(CORRECTED)
    configs = {suffix: yaml.safe_load(Path(f"conf/dataset/{suffix[1:]}.yaml").read_text()) for suffix in FORMATS}
    for suffix in (".parquet", ".npz"):  # the same names, so that one training is enough
        assert configs[suffix] == configs[".root"] | {"files": [f"old{suffix}"]}
    scores = []
    for trained, scored in (
        (".root", {".root": ".h5", ".parquet": ".root", ".npz": ".parquet"}),
        (".h5", {".h5": ".npz"}),
    ):
        run("train", "--config-dir", "conf", f"data={trained[1:]}", *SMALL)
        for suffix, out in scored.items():
            run("predict", "latest", "--input", f"new{suffix}", "--out", f"scores{out}")
            scores.append({name.rpartition(".")[2]: column for name, column in read(Path(f"scores{out}")).items()})
    _, _, numbers = events(1000, labelled=False)
    for found in scores:
        assert set(found) == {"index", "score_background", "score_signal", "fatjet_pt", "evt"}  # no label
        assert found["index"].tolist() == list(range(N))
        for name, column in numbers.items():
            np.testing.assert_array_equal(found[name], column)
        for name in ("score_background", "score_signal"):
            np.testing.assert_array_equal(found[name], scores[0][name])
    assert np.ptp(scores[0]["score_signal"]) > 0


def test_files_of_one_s_own_give_the_auc_of_the_data_set_that_they_are(run, tmp_path):
    """The sample of `top`, written as published: through data=top, and as files that nobody has described."""
    jets = open_source(TOP, "mini").store.take(np.arange(0, 10_000, 25)[np.random.default_rng(0).permutation(400)])
    momenta = np.zeros((len(jets), 200, 4), np.float32)
    found = pad(np.stack([jets[name] for name in ("E", "px", "py", "pz")], axis=1), jets.counts)
    momenta[:, : found.shape[1]] = found
    folder = tmp_path / "data" / "top"
    folder.mkdir(parents=True)
    files = {}
    for split, rows in {"train": slice(0, 200), "val": slice(200, 300), "test": slice(300, 400)}.items():
        files[split] = folder / f"{split}.h5"
        write_top_jets(files[split], momenta[rows], jets.label[rows])
    names = ", ".join(f"{split}: {path}" for split, path in files.items())
    own = (f"data.files={{{names}}}", "data.p4={px: PX, py: PY, pz: PZ, energy: E}", "data.label=is_signal_new")
    measured = []
    for words in (("data=top", "data.source=full"), ("data=files", *own, "data.classes={qcd: 0, top: 1}")):
        run("train", *words, "model=pfn", *QUICK)
        metrics = json.loads(Path("runs/latest/metrics.json").read_text())
        measured.append({key: value for key, value in metrics.items() if key.startswith("test/")})
    assert measured[0] == measured[1]  # to the last digit
    assert 0.5 < measured[0]["test/auc"] < 1
