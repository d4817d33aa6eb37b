"""Files of one's own in four formats: inspect, three lines to correct, train, predict, as typed, in one process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from hepexp.cli import main as shell
from hepexp.config import command_line
from hepexp.config.overrides import compose
from hepexp.data.datasets.top.info import INFO as TOP
from hepexp.data.loading.split_store import open_source
from hepexp.data.store.ragged import pad
from hepexp.errors import DataError
from hepexp.evaluation.predictions import read_predictions
from tests.commands.here import working_in
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


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Path]:
    """A folder with labelled and unlabelled files, their corrected configurations, and no data but these."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder):
        for suffix in FORMATS:
            write(Path(f"old{suffix}"), *events(0, labelled=True))
            write(Path(f"new{suffix}"), *events(1000, labelled=False))
            run("data", "inspect", f"old{suffix}", "--write", f"conf/dataset/{suffix[1:]}.yaml")
            prefixes = ("tracks.", "jets.") if suffix == ".h5" else ("", "")
            assert correct(Path(f"conf/dataset/{suffix[1:]}.yaml"), prefixes) == len(CORRECTED)
        run("train", "--config-dir", "conf", "data=h5", *SMALL, "name=h5")
        run("train", "--config-dir", "conf", "data=root", *SMALL, "name=root", "tracking.register=own")
        yield folder


def run(*words: str) -> None:
    assert shell.main(list(words)) == 0


def correct(path: Path, prefixes: tuple[str, str]) -> int:
    """Edit the guessed configuration as a physicist would; returns the number of lines changed."""
    lines, n = path.read_text().splitlines(), 0
    for i, line in enumerate(lines):
        for guessed, right in CORRECTED.items():
            if line.startswith(guessed):
                lines[i], n = right.replace("TRACKS.", prefixes[0]).replace("JETS.", prefixes[1]), n + 1
    path.write_text("\n".join(lines))
    return n


def test_files_in_four_formats_are_inspected_trained_on_and_scored_alike(home):
    configs = {suffix: yaml.safe_load(Path(f"conf/dataset/{suffix[1:]}.yaml").read_text()) for suffix in FORMATS}
    for suffix in (".parquet", ".npz"):  # the same names, so that one training is enough
        assert configs[suffix] == configs[".root"] | {"files": [f"old{suffix}"]}
    scores = []
    for suffix, out in {".h5": ".npz", ".root": ".h5", ".parquet": ".root", ".npz": ".parquet"}.items():
        (trained,) = Path("runs/hepexp").glob("*_h5" if suffix == ".h5" else "*_root")
        run("predict", str(trained), "--input", f"new{suffix}", "--out", f"scores{out}")
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


def test_every_row_is_written_in_its_order_without_a_score_where_it_has_no_particles(home, monkeypatch):
    counts, lists, numbers = events(1000, labelled=False)
    monkeypatch.setattr("hepexp.data.loading.loaders._ROWS_TO_SCORE", 3)
    empty = np.isin(np.arange(N), [0, 1, 2, 4, N - 1])  # among them all of the first piece
    lists = {name: flat[np.repeat(~empty, counts)] for name, flat in lists.items()}
    write(Path("gaps.root"), np.where(empty, 0, counts), lists, numbers)
    (trained,) = Path("runs/hepexp").glob("*_root")
    for name in ("new", "gaps"):
        run("predict", str(trained), "--input", f"{name}.root", "--out", f"{name}.npz", "--overwrite")
    whole, gaps = read(Path("new.npz")), read(Path("gaps.npz"))
    assert set(whole) == set(gaps)
    for name, column in whole.items():
        expected = np.where(empty, np.nan, column) if name.startswith("score_") else column
        np.testing.assert_allclose(gaps[name], expected, rtol=0, atol=1e-6)


def test_observers_and_labels_that_some_files_lack_are_null_there_and_exact_elsewhere(home, capsys):
    counts, lists, numbers = events(1000, labelled=False)
    write(Path("bare.root"), counts, lists, {name: column for name, column in numbers.items() if name != "evt"})
    (trained,) = Path("runs/hepexp").glob("*_root")
    run("predict", str(trained), "--input", "bare.root", "old.root", "--out", "mixed.parquet")
    assert "bare.root without label, evt: unknown in these rows of mixed.parquet" in capsys.readouterr().err
    run("predict", str(trained), "--input", "old.root", "--out", "alone.parquet")
    found, alone = pq.read_table("mixed.parquet"), pq.read_table("alone.parquet")
    assert found["evt"].null_count == found["label"].null_count == N
    assert found["index"].to_pylist() == list(range(len(found)))
    for name in alone.column_names[1:]:
        assert found[name][N:].to_pylist() == alone[name].to_pylist()
    assert read_predictions("mixed.parquet").label.tolist() == [-1] * N + alone["label"].to_pylist()


@pytest.mark.parametrize("value", ["{mass: fatjet_pt}", "[fatjet_pt]"])
@pytest.mark.parametrize("key", ["targets", "element_targets"])
def test_targets_are_lists_or_names_on_the_command_line(key, value):
    line = command_line.read(["data=files", "data.files=[a.root]", f"data.{key}={value}"])
    assert compose(line).dataset[key] in ({"mass": "fatjet_pt"}, ["fatjet_pt"])


def test_the_class_of_each_particle_is_learnt_and_predicted_where_files_do_not_give_it(home):
    """It follows from the charge, which the network gets."""
    counts, lists, numbers = events(0, labelled=True)
    pid = np.array([-211, 22, 211])[lists["trk_charge"].astype(int) + 1]
    write(Path("pid.npz"), counts, lists | {"trk_pid": pid}, numbers)
    names = ("data=npz", "data.files=[pid.npz]", "data.scalars=[trk_charge]", 'data.particle_selection="trk_pt > 2"')
    label = ("data.element_label=trk_pid", "data.element_classes={photon: 22, pion: [211, -211]}")
    how = ("model=sage", "model.level=node", "loss=element_cross_entropy", "data.batch_size=8")
    how += ("optimizer.lr=0.02", "optimizer.schedule=warmup_restarts")
    run("train", "--config-dir", "conf", *names, *label, *how, "trainer=quick", "trainer.max_epochs=15", "seed=1")
    assert json.loads(Path("runs/latest/metrics.json").read_text())["test/element_accuracy"] == 1
    counts, lists, numbers = events(1000, labelled=False)
    write(Path("no_pid.npz"), counts, lists, numbers)
    run("predict", "latest", "--input", "no_pid.npz", "--out", "found_pid.npz")
    used, event = lists["trk_pt"] > 2, np.repeat(np.arange(N), counts)
    found = read(Path("found_pid.npz"))
    for name, charges in {"photon": [0], "pion": [-1, 1]}.items():
        expected = np.bincount(event[used & np.isin(lists["trk_charge"], charges)], minlength=N)
        np.testing.assert_array_equal(found[f"predicted_{name}"], expected)


def test_the_record_names_files_with_checksums_and_what_was_left_out(home):
    environment = json.loads((next(home.glob("runs/hepexp/*_root")) / "environment.json").read_text())
    (recorded,) = environment["data"]["files"]
    assert recorded["sha256"] == hashlib.sha256(Path("old.root").read_bytes()).hexdigest()
    assert environment["data"]["cut_flow"] == {"in the files": N, "with particles": N}
    # and every verb finds them unchanged
    for verb in ("verify", "convert", "show"):
        run("data", verb, "root", "--config-dir", "conf", *(["--no-pictures"] if verb == "show" else []))


def test_a_registered_model_takes_the_columns_of_the_files_and_needs_no_files(home, monkeypatch, tmp_path):
    """The scores are those that the run recorded, with the label in the table or without."""
    recorded = read(next(home.glob("runs/hepexp/*_root")) / "predictions.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "none"))
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{home}/runs/mlflow.db")
    try:
        model = mlflow.pyfunc.load_model("models:/own@best")
    finally:
        mlflow.set_tracking_uri(before)
    order = np.argsort(recorded["evt"])
    for labelled in (True, False):
        counts, lists, numbers = events(0, labelled)
        columns = {name: np.split(flat, np.cumsum(counts)[:-1]) for name, flat in lists.items()}
        predicted = model.predict(pd.DataFrame(columns | numbers))
        assert list(predicted.columns) == ["score_background", "score_signal"]
        tested = np.isin(numbers["evt"], recorded["evt"])
        assert tested.sum() == len(order) > 0
        for name, column in predicted.items():
            np.testing.assert_allclose(column[tested], recorded[name][order], rtol=0, atol=1e-6)
    gap = {name: [flat[:0], *columns[name][1:5]] for name, flat in lists.items()}
    scores = model.predict(pd.DataFrame(gap | {name: column[:5] for name, column in numbers.items()}))
    assert np.isnan(scores.iloc[0]).all()
    np.testing.assert_allclose(scores[1:], predicted[1:5], rtol=0, atol=1e-6)
    del columns["trk_phi"]
    with pytest.raises(DataError, match=r"the table: dataset\.p4\.phi: no column 'trk_phi'"):
        model._model_impl.predict(pd.DataFrame(columns))


def test_files_of_one_s_own_give_the_auc_of_the_data_set_that_they_are(tmp_path, monkeypatch):
    """The sample of `top`, written as published: through data=top, and as files that nobody has described."""
    jets = open_source(TOP, "mini").store.take(np.arange(0, 10_000, 25)[np.random.default_rng(0).permutation(400)])
    momenta = np.zeros((len(jets), 200, 4), np.float32)
    found = pad(np.stack([jets[name] for name in ("E", "px", "py", "pz")], axis=1), jets.counts)
    momenta[:, : found.shape[1]] = found
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
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
