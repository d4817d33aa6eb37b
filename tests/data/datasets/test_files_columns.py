"""What a file of one's own says of an example arrives in the batch: targets, weights, observers, ids, splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.data.formats.open_file import stores_of
from hepexp.data.loading.reweighting import Reweighting
from hepexp.data.store.ragged import Ragged, pad
from hepexp.errors import DataError
from tests.data import small
from tests.data.datasets.user_files import ready, write

N = 200


@pytest.fixture(scope="module")
def jets() -> Ragged:
    return small.top(N)


@pytest.fixture(scope="module")
def columns(jets) -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    weight = random.normal(1, 1, N)
    return {
        "jm": random.uniform(10, 200, N),
        "w": np.where(weight < 0, weight / 2, weight),  # a quarter of the events, as from a generator at NLO
        "run": np.full(N, 7),
        "evt": np.arange(N) // 2,  # two jets of an event
        "tail": np.where(np.arange(N) % 40 == 0, 1e6, random.uniform(0, 1, N)),
        "seen": random.normal(size=N).astype(np.float32),
    }


@pytest.fixture(scope="module")
def file(jets, columns, tmp_path_factory) -> str:
    return str(write(tmp_path_factory.mktemp("own") / "a.parquet", jets, **columns))


def open_file(file: str, **keys):
    return ready([file], ".parquet", batch_size=1000, **keys)


def whole(data, split: str = "train"):
    """The split as one batch, and the rows of the file that its examples are."""
    batch = data.splits[split][range(len(data.splits[split]))]
    return batch, batch.index.numpy()


def test_targets_are_the_columns_put_in_with_mean_and_spread_of_training(file, columns):
    data = open_file(file, targets={"mass": "jm", "log_mass": "log(jm)"})
    batch, rows = whole(data)
    expected = np.stack([columns["jm"], np.log(columns["jm"])], axis=1)[rows]
    np.testing.assert_array_equal(batch.target, expected.astype(np.float32))
    assert [target.name for target in data.spec.targets] == ["mass", "log_mass"]
    np.testing.assert_allclose([target.mean for target in data.spec.targets], expected.mean(0))
    np.testing.assert_allclose([target.std for target in data.spec.targets], expected.std(0))


def test_the_mass_of_the_particles_is_a_target_that_the_file_need_not_have(file, jets):
    batch, rows = whole(open_file(file, targets=["mass"]))
    e, *p = (np.add.reduceat(jets[name].astype(float), jets.offsets[:-1]) for name in ("E", "px", "py", "pz"))
    mass = np.sqrt(np.maximum(e**2 - np.sum(np.square(p), axis=0), 0))
    np.testing.assert_allclose(batch.target[:, 0], mass[rows], rtol=1e-4, atol=1e-2)


def test_element_targets_are_those_of_the_same_particles(file, jets):
    data = open_file(file, element_targets={"half": "con_e / 2"}, particle_selection="con_e > 1")
    batch, rows = whole(data)
    assert torch.equal(batch.element_target[..., 0], (batch.p4[..., 0] / 2).float())
    kept = jets.keep(jets["E"] > 1)
    kept = kept.take(np.flatnonzero(kept.counts > 0))  # an event without particles is left out
    expected = pad(kept["E"] / 2, kept.counts)[rows, : batch.mask.shape[1]]
    np.testing.assert_array_equal(batch.element_target[..., 0], expected)


def test_groups_of_particles_are_whole_numbers_and_negative_ones_unknown(file):
    cells = {"cell": "where(con_e > 5, 1, -3) + where(con_e > 50, 1, 0)"}
    data = open_file(file, pair_targets=cells, element_targets={"e": "con_e"})
    batch, _ = whole(data)
    energy = batch.element_target[..., 0]
    expected = torch.where(energy > 50, 2, torch.where(energy > 5, 1, -1))
    assert torch.equal(batch.element_group[..., 0], expected.masked_fill(~batch.mask, -1))
    assert [target.of for target in data.spec.targets] == ["element", "pair"]


def test_weights_are_those_of_the_file_and_may_be_negative(file, columns):
    batch, rows = whole(open_file(file, weight="w"))
    np.testing.assert_array_equal(batch.weight, columns["w"][rows].astype(np.float32))
    assert (batch.weight < 0).any()


def test_balanced_classes_have_equal_sums_with_negative_weights(file, columns, jets):
    batch, rows = whole(open_file(file, weight="w", balance="classes"))
    sums = [columns["w"][rows][jets.label[rows] == of].sum() for of in (0, 1)]
    expected = columns["w"][rows] * (np.mean(sums) / np.array(sums))[jets.label[rows]]
    np.testing.assert_allclose(batch.weight, expected, rtol=1e-5)


def test_reweighted_classes_have_the_spectrum_of_the_other(file, columns, jets):
    batch, rows = whole(open_file(file, reweight=Reweighting(["jm"], to="light", n_bins=3)))
    label = jets.label[rows]
    edges = np.quantile(columns["jm"][rows], [1 / 3, 2 / 3])
    place = np.searchsorted(edges, columns["jm"][rows], side="right")
    spectra = [np.bincount(place[label == of], batch.weight.numpy()[label == of]) for of in (0, 1)]
    np.testing.assert_allclose(spectra[1] / spectra[1].sum(), spectra[0] / spectra[0].sum(), rtol=1e-5)
    assert (batch.weight.numpy()[label == 0] == 1).all()


def test_classes_of_which_a_few_examples_count_for_all_are_named(file, columns, jets, caplog):
    """A flat spectrum up to a few far values: only the examples in the last bin, equal ones, count."""
    _, rows = whole(open_file(file, reweight=Reweighting(["tail"], n_bins=20)))
    label, tail = jets.label[rows], columns["tail"][rows]
    last = tail >= np.quantile(tail, 0.95)
    (said,) = (line for line in caplog.messages if "dataset.reweight" in line)
    for of, name in enumerate(("light", "heavy")):
        n, n_last = (label == of).sum(), (last & (label == of)).sum()
        is_named = f"the {n} training examples of {name} count as {n_last:.1f}" in said
        assert is_named == (n_last < 0.1 * n)
    caplog.clear()
    open_file(file, reweight=Reweighting(["jm"], n_bins=3))
    assert not [line for line in caplog.messages if "dataset.reweight" in line]


def test_observers_and_event_ids_are_carried_in_their_own_types(file, columns):
    data = open_file(file, observers=["seen", "jm"], event_id=["run", "evt"])
    _, rows = whole(data, "test")
    seen = data.splits["test"].observed(rows)
    assert list(seen) == ["seen", "jm", "run", "evt"]
    for name, values in seen.items():
        np.testing.assert_array_equal(values, columns[name][rows])


def test_the_jets_of_an_event_are_in_one_split_whichever_files_they_are_in(file, columns, jets, tmp_path):
    """And a further file moves none of them."""
    other = write(tmp_path / "b.parquet", jets.take(slice(0, 50)), **{k: v[:50] for k, v in columns.items()})
    alone = open_file(file, event_id=["run", "evt"])
    both = ready([file, str(other)], ".parquet", event_id=["run", "evt"])
    of = {split: columns["evt"][alone.split_store.splits[split]] for split in ("train", "val", "test")}
    for split, events in of.items():
        rows = both.split_store.splits[split]
        assert set(columns["evt"][rows[rows < N]]) == set(events)
        assert set(columns["evt"][rows[rows >= N] - N]) <= set(events)
    assert sum(len(set(events)) for events in of.values()) == N // 2


def test_files_of_each_split_may_be_divided_by_class(jets, tmp_path):
    files: dict[str, dict[str, str]] = {}
    parts = {"train": slice(0, 120), "val": slice(120, 160), "test": slice(160, 200)}
    for split, rows in parts.items():
        part, files[split] = jets.take(rows), {}
        for of, name in enumerate(("light", "heavy")):
            path = tmp_path / f"{split}_{name}.npz"
            files[split][name] = str(write(path, part.take(np.flatnonzero(part.label == of)), truth=None))
    data = ready(files, label=None, classes=None)
    for split, rows in parts.items():
        label = data.store.label[data.split_store.splits[split]]
        assert np.bincount(label).tolist() == np.bincount(jets.label[rows]).tolist()
        energies = data.store.take(data.split_store.splits[split])["con_e"]
        assert sorted(energies) == sorted(jets.take(rows)["E"])


def test_one_hot_columns_whole_numbers_and_conditions_are_the_same_classes(jets, columns, tmp_path):
    one_hot = {"is_light": jets.label == 0, "is_heavy": (jets.label == 1).astype(np.float32)}
    path = str(write(tmp_path / "a.npz", jets, **one_hot))
    for keys in (
        {"label": "truth", "classes": {"heavy": 1, "light": 0}},
        {"label": None, "classes": {"heavy": "is_heavy", "light": "is_light"}},
        {"label": None, "classes": {"heavy": "truth * 2 > 1", "light": "not (truth * 2 > 1)"}},
    ):
        data = ready([path], **keys)
        assert data.class_names == ("heavy", "light")
        np.testing.assert_array_equal(data.store.label, 1 - jets.label)


def test_examples_that_are_not_selected_need_no_class(jets, columns, tmp_path):
    """As in a file of which a part is unlabelled."""
    truth = np.where(np.arange(N) < 150, jets.label, -1).astype(np.int32)
    path = str(write(tmp_path / "a.npz", jets, truth=truth))
    with pytest.raises(DataError, match="row 150 has truth = -1; expected 0 for light, 1 for heavy"):
        ready([path])
    data = ready([path], selection="truth >= 0")
    np.testing.assert_array_equal(data.store.label, jets.label[:150])
    (loader,) = data.loaders_of_file(Path(path))
    found = {int(row): int(label) for batch in loader for row, label in zip(batch.index, batch.label, strict=True)}
    assert [found[row] for row in range(N)] == truth.tolist()  # scored all the same


def test_columns_that_disagree_on_the_particles_of_an_event_are_refused(jets, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = write(tmp_path / "a.parquet", jets)
    table = pq.read_table(path)
    lists = table["con_x"].to_pylist()
    lists[5] = lists[5][:-1]
    at = table.column_names.index("con_x")
    pq.write_table(table.set_column(at, "con_x", pa.array(lists, table["con_x"].type)), path)
    n = int(jets.counts[5])
    with pytest.raises(DataError) as error:
        ready([str(path)], ".parquet")
    assert str(error.value) == (
        f"{path}: row 5 has {n} values of 'con_e' but {n - 1} of 'con_x', expected the same number"
    )


def test_a_file_of_doubles_is_scored_by_a_model_of_floats_and_ids_keep_their_type(file, jets, columns, tmp_path):
    """NumPy makes doubles by default; the model gets the same numbers, and the ids are not cut."""
    data = open_file(file, scalars=["log(con_e)"], event_id="evt")
    ids = np.arange(N).astype(np.uint64) + 2**63
    double = Ragged(jets.label, jets.offsets, {name: column.astype(float) for name, column in jets.elements.items()})
    (loader,) = data.loaders_of_file(write(tmp_path / "b.parquet", double, truth=None, evt=ids))
    found = next(iter(loader))
    order, seen = torch.argsort(found.index), loader.dataset.observed(np.arange(N))
    (loader,) = data.loaders_of_file(Path(file))
    expected = next(iter(loader))
    assert torch.equal(found.p4[order], expected.p4[torch.argsort(expected.index)])
    assert torch.equal(found.scalars[order], expected.scalars[torch.argsort(expected.index)])
    np.testing.assert_array_equal(seen["evt"], ids)


def test_a_table_in_memory_is_read_as_the_file_is(file, jets, columns, tmp_path):
    """As MLflow hands it over: doubles, lists, and columns that nobody asked for."""
    data = open_file(file, scalars=["con_e / sum(con_e)"], extras=["jm"], particle_selection="con_e > 1")
    rows = np.flatnonzero(jets.keep(jets["E"] > 1).counts)
    some, jm = jets.take(rows), columns["jm"][rows]
    (store,) = stores_of(data.info, write(tmp_path / "b.parquet", some, truth=None, jm=jm))
    expected = store.take(np.arange(len(rows)))
    table = {
        f"con_{new}": [part.tolist() for part in np.split(some[old].astype(float), some.offsets[1:-1])]
        for new, old in zip("exyz", ("E", "px", "py", "pz"), strict=True)
    }
    found = data.info.examples_of(table | {"jm": jm.tolist(), "text": ["a"] * len(rows)})
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    for name, column in expected.elements.items():
        np.testing.assert_array_equal(found[name], column)
        assert found[name].dtype == column.dtype
    np.testing.assert_array_equal(found.extras["jm"], expected.extras["jm"])


def test_a_column_may_have_several_roles(file, columns):
    """`seen` is a scalar of the particles, a feature, and carried into the predictions."""
    data = open_file(file, scalars=["seen"], features=["seen"], observers=["seen"], weight="abs(seen)")
    batch, rows = whole(data)
    np.testing.assert_array_equal(data.splits["train"].observed(rows)["seen"], columns["seen"][rows])
    np.testing.assert_allclose(batch.weight, np.abs(columns["seen"][rows]))
    first = batch.scalars[:, 0, 0].numpy()
    assert np.all(np.diff(first[np.argsort(columns["seen"][rows])]) >= 0)
    assert torch.equal(batch.scalars[..., 0][batch.mask], torch.from_numpy(first).repeat_interleave(batch.mask.sum(1)))
    features = open_file(file, representation="features", scalars=["seen"], features=["seen"])
    assert whole(features)[0].features.shape[1] == 1


def test_files_without_classes_have_targets(file, columns):
    data = open_file(file, label=None, classes=None, targets=["jm"], weight="abs(w)")
    batch, rows = whole(data)
    assert (batch.label == -1).all()
    np.testing.assert_array_equal(batch.target[:, 0], columns["jm"][rows].astype(np.float32))


@pytest.mark.parametrize(("weight", "total"), [("0 * w", "0"), ("-abs(seen)", "-")])
def test_weights_must_add_up_to_something(file, weight, total):
    with pytest.raises(DataError, match=rf"dataset.weight: the weights .* in training add up to {total}.*; expected"):
        open_file(file, weight=weight)
