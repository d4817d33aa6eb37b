"""Files of one's own: the same batches as from a data set that is shipped, and one clear line for what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.batch import Batch
from hepexp.cli.main import main
from hepexp.data.datasets.files.inputs import missing_files
from hepexp.data.datasets.files.module import Files
from hepexp.data.datasets.files.splits import by_hash, hash_of
from hepexp.data.datasets.files.stand_in import keys_to_score
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.store.ragged import Ragged, pad
from hepexp.errors import ConfigError, HepexpError
from tests.data import small
from tests.data.datasets.user_files import CLASSES, P4, ready, write

N = 40


@pytest.fixture(scope="module")
def jets() -> Ragged:
    return small.top(N)


@pytest.fixture(autouse=True)
def own_folder(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def assert_equal(one: Batch, other: Batch) -> None:
    for name, values in one.tensors().items():
        assert torch.equal(values, getattr(other, name)), name


def by_split(jets: Ragged, suffix: str) -> dict[str, list[str]]:
    parts = {"train": jets.take(slice(0, 24)), "val": jets.take(slice(24, 32)), "test": jets.take(slice(32, 40))}
    return {name: [str(write(Path(f"{name}{suffix}"), part))] for name, part in parts.items()}


@pytest.mark.parametrize("representation", ["particles", "image", "graph", "features"])
@pytest.mark.parametrize("suffix", P4)
def test_the_batches_are_those_of_the_data_set_that_has_the_same_jets(suffix, representation, jets, monkeypatch):
    data = ready(by_split(jets, suffix), suffix, representation)
    monkeypatch.setattr(TopTagging, "_rows", lambda self, split, labels: data.split_store.splits[split])
    monkeypatch.setattr("hepexp.data.loading.split_store.open_sample", lambda info: small_store(info, jets))
    shipped = TopTagging(source="mini", seed=1)
    shipped.represent_as(representation)
    shipped.setup()
    for split in ("train", "val", "test"):
        assert_equal(data.splits[split][range(8)], shipped.splits[split][range(8)])


def small_store(info, jets: Ragged):
    from hepexp.data.store.store import Store

    return Store(info.layout, [jets], metadata=[{}])


def test_further_files_move_no_event_to_another_split(jets):
    first, second = jets.take(slice(0, 25)), jets.take(slice(25, 40))
    write(Path("a.npz"), first), write(Path("b.npz"), second)
    fractions = {"train": 0.5, "val": 0.25, "test": 0.25}
    alone = ready(["a.npz"], fractions=fractions)
    both = ready(["[ab].npz"], fractions=fractions)
    for split in ("train", "val", "test"):
        rows = both.split_store.splits[split]
        assert sorted(rows[rows < 25]) == sorted(alone.split_store.splits[split])


def test_a_split_has_its_share_of_the_events_and_all_rows_of_each():
    event = hash_of(np.arange(20_000) // 2)
    rows = by_hash(event, {"train": 0.7, "val": 0.1, "test": 0.2})
    assert sorted(np.concatenate(list(rows.values()))) == list(range(20_000))
    for split, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert abs(len(rows[split]) / 20_000 - share) < 5 * (share * (1 - share) / 10_000) ** 0.5
        assert set(rows[split]) == set(rows[split] ^ 1)  # both rows of an event


def test_a_number_of_an_event_has_one_hash_whatever_its_type():
    number = np.array([0, 1, 2**40, 77])
    for kind in (np.int64, np.uint64, np.float64):
        assert (hash_of(number.astype(kind)) == hash_of(number)).all()


def test_classes_follow_from_files_conditions_or_a_label_alike(jets):
    both = write(Path("both.npz"), jets, heavy=(jets.label == 1).astype(np.float32))
    of_class = {
        name: str(write(Path(f"{name}.npz"), jets.take(np.flatnonzero(jets.label == i))))
        for i, name in enumerate(CLASSES)
    }
    labels = [
        ready([str(both)]).store.label,
        ready([str(both)], label=None, classes={"light": "~(heavy == 1)", "heavy": "heavy"}).store.label,
    ]
    assert (labels[0] == jets.label).all()
    assert (labels[1] == jets.label).all()
    divided = ready(of_class, label=None, classes=None)
    assert divided.class_names == ("light", "heavy")
    assert (divided.store.label == np.sort(jets.label)).all()


def test_scalars_are_standardised_over_the_training_examples_and_clipped(jets):
    write(Path("a.npz"), jets)
    data = ready(
        ["a.npz"], scalars=["log(con_e)", {"expr": "con_x", "clip": [-0.5, 0.5]}, {"expr": "con_y", "scale": 2}]
    )
    batch = data.splits["train"][range(len(data.splits["train"]))]
    scalars = batch.scalars[batch.mask].double()
    assert scalars[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert scalars[:, 0].std(correction=0) == pytest.approx(1, rel=1e-6)
    assert scalars[:, 1].abs().max() == 0.5
    assert torch.equal(scalars[:, 2], (batch.p4[batch.mask][:, 2] / 2).float().double())
    state = data.state_dict()
    data.load_state_dict({**state, "scalars.mean": state["scalars.mean"] + 1})
    again = data.splits["train"][range(3)]
    assert torch.equal(again.mask, batch.mask[:3, : again.mask.shape[1]])
    assert not torch.equal(again.scalars[..., 0], batch.scalars[:3, : again.mask.shape[1], 0])


def test_heavy_tails_leave_the_other_values_their_width_unless_nothing_is_clipped(jets):
    """As of impact parameters: of a Cauchy distribution the spread is that of its few largest values."""
    d0 = np.random.default_rng(0).standard_cauchy(len(jets["E"]))
    d0[:3] = 1e6, -1e7, 1e8
    write(Path("a.npz"), jets, d0=pad(d0, jets.counts))
    data = ready(["a.npz"], scalars=["d0", {"expr": "d0", "clip": None}, {"expr": "d0", "shift": 0, "scale": 1}])
    batch = data.splits["train"][range(len(data.splits["train"]))]
    clipped, free, given = batch.scalars[batch.mask].double().numpy().T
    low, high = np.quantile(clipped, (0.16, 0.84))
    assert 0.8 < high - low < 2  # of a normal distribution, 2
    assert (clipped.min(), clipped.max()) == (-5, 5)
    assert free.std() == pytest.approx(1, rel=1e-5)
    assert np.ptp(np.quantile(free, (0.16, 0.84))) < 1e-3
    assert given.max() > 1000


def test_the_cut_flow_counts_what_each_selection_leaves(jets):
    write(Path("a.npz"), jets, w=np.arange(N).astype(float))
    data = ready(["a.npz"], selection="w >= 10", particle_selection="con_e > 0", n_train=3)
    assert data.provenance()["cut_flow"] == {"in the files": N, "selection: w >= 10": N - 10, "with particles": N - 10}


def test_features_alone_need_no_particles(jets):
    write(Path("a.npz"), jets, w=np.arange(N).astype(float))
    data = ready(["a.npz"], p4=None, representation="features", features=["w", "count(con_e)"])
    batch = data.splits["train"][range(len(data.splits["train"]))]
    assert batch.features.shape == (len(batch), 2)
    assert batch.features.mean(0).abs().max() < 1e-6


def test_each_file_is_converted_once_and_again_when_it_has_changed(jets, caplog):
    path = write(Path("a.npz"), jets)
    data = ready(["a.npz"])
    stored = data.store.paths[0]
    before = stored.stat().st_mtime_ns
    ready(["a.npz"])
    assert stored.stat().st_mtime_ns == before
    write(path, jets.take(slice(0, 30)))
    assert len(ready(["a.npz"]).store) == 30
    assert f"data: {path.absolute()} has changed since it was converted; converting it again" in caplog.text


BAD = {
    "no file": ({"files": ["none*.npz"]}, "dataset.files: no file matches 'none*.npz'"),
    "missing column": (
        {"scalars": ["con_w"]},
        "a.npz: dataset.scalars: no column 'con_w' in 'con_w'; did you mean con_z?",
    ),
    "missing label": ({"label": "trut"}, "a.npz: dataset.label: no column 'trut' in 'trut'; did you mean truth?"),
    "missing class": (
        {"label": None, "classes": {"a": "~ligt", "b": "lit"}},
        "a.npz: dataset.classes.a: no column 'ligt' in '~ligt'",
    ),
    "of an example": (
        {"scalars": ["w"], "p4": {**P4[".npz"], "px": "w"}},
        "dataset.p4.px: 'w' has one value for each ex",
    ),
    "of particles": ({"extras": ["con_e"]}, "dataset.extras: 'con_e' has a value for each particle"),
    "empty selection": ({"selection": "w > 1000"}, "no example that fulfils dataset.selection, 'w > 1000' in"),
    "class without events": ({"selection": "truth == 0"}, "no example of class heavy in"),
    "unknown label": ({"classes": {"light": 0, "heavy": 2}}, "row 1 has truth = 1; expected 0 for light, 2 for heavy"),
    "two classes": (
        {"label": None, "classes": {"a": "w < 5", "b": "w < 3"}},
        "row 0 is of class a and b; expected one",
    ),
    "weight": ({"weight": "bad"}, "a.npz: row 7 has bad = nan; expected a finite number"),
    "function": ({"selection": "open(w)"}, "dataset.selection: 'open(w)' calls open(), which is no function"),
    "basis": ({"p4": {"pt": "con_e"}}, "dataset.p4 must have the components of one of"),
    "energy": ({"p4": {**P4[".npz"], "energy": "con_e / 2"}}, "row 0 has a particle with |p| ="),
    "fractions": (
        {"fractions": {"train": 1, "test": 0.1}},
        "dataset.fractions must be fractions > 0 of train, val, te",
    ),
}


@pytest.mark.parametrize(("keys", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_one_line(keys, message, jets):
    w = np.arange(N).astype(float)
    write(Path("a.npz"), jets, w=w, bad=np.where(w == 7, np.nan, w))
    with pytest.raises(HepexpError) as error:
        ready(**{"files": ["a.npz"], **keys})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_differ_are_refused(jets):
    write(Path("a.npz"), jets, w=np.zeros(N))
    write(Path("b.npz"), jets)
    write(Path("c.npz"), jets, w=np.zeros(N, np.int32))
    for files, message in ((["a.npz", "b.npz"], "no column 'w'"), (["a.npz", "c.npz"], "'w' is int32, but float64")):
        with pytest.raises(HepexpError, match=message):
            ready(files, observers=["w"])


def test_an_event_in_the_files_of_two_splits_is_refused(jets):
    for i, name in enumerate(("train", "val", "test")):
        write(Path(f"{name}.npz"), jets, evt=np.arange(N) + i * (N - 1))
    files = {name: [f"{name}.npz"] for name in ("train", "val", "test")}
    with pytest.raises(HepexpError, match="1 events are in the files of train and of val, such as evt of example 39"):
        ready(files, event_id="evt")


def test_a_constant_scalar_is_warned_of(jets, caplog):
    write(Path("a.npz"), jets)
    ready(["a.npz"], scalars=["con_e * 0"])
    assert "dataset.scalars: 'con_e * 0' is 0 for all training examples looked at" in caplog.text


def test_missing_values_are_padded_and_have_no_part_in_the_scales(jets):
    gaps, w = jets["px"].copy(), np.arange(N).astype(float)
    gaps[::3], w[::4] = np.nan, np.inf
    write(Path("a.npz"), jets, gaps=pad(gaps, jets.counts), w=w)
    keys = {
        "scalars": [{"expr": "gaps", "pad": -9, "clip": None}, "con_e"],
        "extras": [{"expr": "w", "pad": 0.5, "clip": [-1, 1]}],
    }
    data = ready(["a.npz"], **keys)
    batch = data.splits["train"][range(len(data.splits["train"]))]
    scalars, is_there = batch.scalars[batch.mask][:, 0], batch.scalars[batch.mask][:, 0] != -9
    assert 0.3 < is_there.double().mean() < 0.9
    assert scalars[is_there].double().mean() == pytest.approx(0, abs=1e-6)
    missing = data.store.take(batch.index.numpy()).extras["w"] == np.inf
    assert (batch.extras[torch.from_numpy(missing), 0] == 0.5).all()
    assert batch.extras.abs().max() == 1
    with pytest.raises(HepexpError, match="row 0 has w = inf; expected a finite number"):
        ready(["a.npz"], **{**keys, "extras": ["w"]})


def test_an_example_without_particles_is_left_out_of_the_batches_but_not_of_the_rows(jets, monkeypatch):
    data = ready([str(write(Path("a.npz"), jets))])
    few = jets.take(slice(0, 6))
    few = few.keep(np.repeat([True, False, True, True, False, True], few.counts))
    monkeypatch.setattr("hepexp.data.loading.loaders._ROWS_TO_SCORE", 3)
    first, second = data.loaders_of_file(write(Path("few.npz"), few))
    for loader, scored, unscored in ((first, [0, 2], [1]), (second, [3, 5], [4])):
        assert sorted(torch.cat([batch.index for batch in loader]).tolist()) == scored
        assert loader.dataset.unscored.index.tolist() == unscored
        assert loader.dataset.unscored.label.tolist() == few.label[unscored].tolist()
    with pytest.raises(HepexpError, match=r"none.npz: no jet has any particles; expected"):
        list(data.loaders_of_file(write(Path("none.npz"), few.keep(np.zeros(len(few["E"]), bool)))))


def test_a_label_without_classes_is_refused():
    with pytest.raises(ConfigError, match=r"dataset\.label needs dataset\.classes"):
        Files(files=["a.npz"], p4=P4[".npz"], label="truth", seed=1)


def test_a_configuration_of_one_s_own_is_a_data_set_to_every_verb(jets, capsys):
    write(Path("a.root"), jets)
    Path("conf/dataset").mkdir(parents=True)
    lines = ["defaults: [files, _self_]", "files: [a.root]", f"p4: {json.dumps(P4['.root'])}", "label: truth"]
    Path("conf/dataset/mine.yaml").write_text("\n".join([*lines, f"classes: {json.dumps(CLASSES)}"]))
    own = ["--config-dir", "conf"]
    assert main(["data", "convert", "mine", *own]) == 0
    stored = Path(capsys.readouterr().out.strip())
    assert main(["data", "verify", "mine", *own]) == 0
    found = capsys.readouterr().out.split()
    assert (found.count("ok"), str(stored) in found) == (2, True)
    assert main(["data", "list", *own]) == 0
    listed = capsys.readouterr().out
    assert "light (0), heavy (1)" in listed
    assert main(["data", "show", "mine", "--no-pictures", *own]) == 0
    assert f"{N} (train" in capsys.readouterr().out
    Path("a.root").unlink()
    assert main(["data", "list", *own]) == 0
    assert "no file matches 'a.root'" in capsys.readouterr().out


@pytest.mark.parametrize("representation", ["particles", "image", "graph", "features"])
def test_examples_are_scored_alike_without_the_files_of_the_training(representation, jets):
    keys = {"scalars": ["log(con_e)"], "extras": ["seen"], "targets": {"number": "w", "mass": "mass"}}
    keys |= {"observers": ["evt"], "element_targets": {"side": "con_x"}}
    cut = {"weight": "w", "selection": "w > 1", "balance": "classes"}
    more = {"w": np.arange(N) + 1.0, "evt": np.arange(N), "seen": np.arange(N) * 2.0}
    data = ready([str(write(Path("all.npz"), jets, **more))], representation=representation, **keys, **cut)
    alone = write(Path("alone.npz"), jets.take([3]), truth=None, seen=more["seen"][3:4])
    Path("all.npz").unlink()
    other = ready(["all.npz"], representation=representation, **{**keys, **cut, **keys_to_score(alone)})
    assert [other.spec.class_names, other.spec.n_extras] == [data.spec.class_names, data.spec.n_extras]
    other.load_state_dict(data.state_dict())
    targets = [[(one.name, one.of, one.mean, one.std) for one in its.spec.targets] for its in (data, other)]
    assert targets[0] == targets[1]
    assert replace(other.spec, targets=()) == replace(data.spec, targets=())
    for one, same in zip(*(scored(its, alone) for its in (data, other)), strict=True):
        assert_equal(one, same)
        assert one.target is None


def scored(data: Files, path: Path) -> list[Batch]:
    return [batch for loader in data.loaders_of_file(path) for batch in loader]


def test_missing_files_are_named_with_their_folders(jets):
    write(Path("a.npz"), jets)
    files = {"train": {"light": ["a.npz", "b.npz"], "heavy": "*.root"}, "test": ["[ab].npz"]}
    assert missing_files(files) == [str(Path("b.npz").absolute()), str(Path("*.root").absolute())]


@pytest.mark.parametrize("suffix", P4)
def test_files_with_no_more_than_the_model_needs_are_scored_in_their_order(suffix, jets):
    keys = {"weight": "w", "targets": {"number": "w"}, "selection": "w > 1", "event_id": "evt", "observers": ["seen"]}
    more = {"w": np.arange(N) + 1.0, "evt": np.arange(N), "seen": np.arange(N) * 2}
    data = ready([str(write(Path(f"all{suffix}"), jets, **more))], suffix, **keys)
    alone = write(Path(f"alone{suffix}"), jets, truth=None, seen=more["seen"])
    (loader,) = data.loaders_of_file(alone)
    batches = list(loader)
    rows = torch.cat([batch.index for batch in batches])
    assert sorted(rows.tolist()) == list(range(N))  # none is dropped by the selection
    assert all((batch.label == -1).all() and batch.weight is None and batch.target is None for batch in batches)
    seen = loader.dataset.observed(rows.numpy())
    assert list(seen) == ["seen"]
    assert (seen["seen"] == 2 * rows.numpy()).all()
    known = {row: p4 for batch in batches for row, p4 in zip(batch.index.tolist(), batch.p4, strict=True)}
    batch = data.splits["train"][[0]]
    row = int(data.store.take(batch.index.numpy()).extras["evt"][0])
    assert torch.equal(known[row][: batch.p4.shape[1]], batch.p4[0])
