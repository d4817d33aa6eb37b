"""The class that a user's file gives each particle stays with it, on every way from the file to a model."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hepexp.data.datasets.files import stand_in
from hepexp.data.datasets.files.keys import keys_of
from hepexp.errors import ConfigError, HepexpError
from tests.data.datasets.user_files import ready

N = 60
PIDS = np.array([22, 211, -211, 130])
KEYS = {
    "p4": {"pt": "pt", "eta": 0, "phi": 0, "mass": 0},
    "classes": {"few": 0, "many": 1},
    "element_label": "pid",
    "element_classes": {"photon": 22, "pion": [211, -211], "kaon": 130},
}
CLASS_OF = {22: 0, 211: 1, -211: 1, 130: 2}


@pytest.fixture(autouse=True)
def own_folder(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def events(**other) -> dict[str, list]:
    """One to five particles, whose pT tells what they are: 22.5 GeV for a photon, 211.25 for a positive pion ..."""
    random = np.random.default_rng(0)
    pid = [random.choice(PIDS, 1 + event % 5).tolist() for event in range(N)]
    pt = [[abs(one) + (0.25 if one > 0 else 0.5) for one in row] for row in pid]
    return {"pid": pid, "pt": pt, "truth": [event % 2 for event in range(N)]} | other


def written(given: dict, path: str = "a.parquet") -> Path:
    lists = {name: column for name, column in given.items() if isinstance(column[0], list)}
    longest = max(map(len, given["pt"]))
    padded = {name: np.array([row + [0] * (longest - len(row)) for row in column]) for name, column in lists.items()}
    if path.endswith(".parquet"):
        pq.write_table(pa.table(given), path)
    elif path.endswith(".npz"):
        np.savez(path, **{**given, **padded})
    else:
        with h5py.File(path, "w") as file:
            for name, column in {**given, **padded}.items():
                file[name] = column
    return Path(path)


def opened(given: dict, path: str = "a.parquet", **keys):
    return ready([str(written(given, path))], batch_size=N, **{**KEYS, **keys})


def whole(data):
    return data.splits["train"][range(len(data.splits["train"]))]


def expected(pt: torch.Tensor) -> torch.Tensor:
    """The classes of particles of these transverse momenta, -1 for padding."""
    sign = torch.where(pt % 1 == 0.5, -1, 1)
    return torch.tensor([[CLASS_OF.get(one, -1) for one in row] for row in (sign * pt.floor().long()).tolist()])


@pytest.mark.parametrize("path", ["a.parquet", "a.npz", "a.h5"])
def test_labels_are_those_of_the_same_particles_and_padding_has_none(path):
    data = opened(events(), path)
    batch = whole(data)
    assert torch.equal(batch.element_label[..., 0], expected(batch.p4[..., 1]))
    assert {*batch.element_label.flatten().tolist()} == {-1, 0, 1, 2}
    (target,) = data.spec.targets
    assert (target.kind, target.of, target.class_names) == ("class", "element", ("photon", "pion", "kaon"))
    assert data.offers == {("example", "class"), ("element", "class")}


def test_they_stay_with_the_particles_that_are_selected():
    """In graphs, too; a particle that is left out, or that of an example that is, need not be of a class."""
    pid = events()["pid"]
    pid[4] = [0, *pid[4][1:]]  # pT stays
    keys = {"particle_selection": "pid != 22 and pid != 0", "selection": "count(pt) > 1"}
    given = events(pid=[[0] if len(row) == 1 else row for row in pid])
    batch = whole(opened(given, **keys))
    assert torch.equal(batch.element_label[..., 0], expected(batch.p4[..., 1]))
    assert {*batch.element_label.flatten().tolist()} == {-1, 1, 2}
    graph = whole(opened(given, **keys, representation="graph"))
    assert torch.equal(
        graph.element_label[:, 0], expected(torch.exp(graph.x[:, None, 2].double()).round(decimals=2))[:, 0]
    )


def test_classes_may_be_conditions_and_other_particles_have_none():
    conditions = {"charged": "abs(pid) == 211", "photon": "pid == 22"}
    batch = whole(opened(events(), element_label=None, element_classes=conditions))
    assert torch.equal(batch.element_label[..., 0], torch.tensor([1, 0, -1, -1])[expected(batch.p4[..., 1])])


def test_a_class_and_a_real_number_of_each_particle_go_together():
    data = opened(events(), element_targets={"twice": "2 * pt"})
    batch = whole(data)
    assert torch.equal(batch.element_target[..., 0], 2 * batch.p4[..., 1].float())
    assert torch.equal(batch.element_label[..., 0], expected(batch.p4[..., 1]))
    assert [(target.kind, target.of) for target in data.spec.targets] == [("real", "element"), ("class", "element")]


BAD_ROW = {"pid": [*events()["pid"][:7], [22, 211, 7], *events()["pid"][8:]]}


@pytest.mark.parametrize(
    ("given", "keys", "words"),
    [
        (
            events(**BAD_ROW),
            {},
            (
                "a.parquet: row 7 has a particle with pid = 7; ",
                "expected 22 for photon, 211 or -211 for pion, 130 for kaon",
            ),
        ),
        (
            events(),
            {"element_label": None, "element_classes": {"any": "pid != 0", "photon": "pid == 22"}},
            ("has a particle of class any and photon; expected one of them",),
        ),
        (events(), {"element_classes": None}, ("dataset.element_label needs dataset.element_classes", "photon: 22")),
        (events(), {"element_label": None}, ("dataset.element_classes.photon must be a condition", "no element_label")),
        (events(), {"element_classes": {"a": 22, "b": [22, 3]}}, ("element_classes must have different values",)),
        (events(), {"element_classes": {"a": "x"}}, ("element_classes.a must be a number", "'x'")),
        (events(), {"element_label": "truth"}, ("dataset.element_label", "'truth' has one value", "each particle")),
        (events(), {"element_label": "pdi"}, ("dataset.element_label: no column 'pdi'", "did you mean pid?")),
        (events(pid=[[22]] * N), {}, ("values of 'pt' but 1 of 'pid'", "expected the same number")),
        (events(), {"p4": None, "features": ["truth"]}, ("dataset.element_classes needs dataset.p4",)),
    ],
)
def test_what_is_no_class_is_refused(given, keys, words):
    with pytest.raises(HepexpError) as error:
        opened(given, **keys)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_they_enter_the_fingerprint_and_other_keys_keep_theirs():
    without = {"p4": {"pt": "pt", "eta": "eta", "phi": "phi", "mass": 0}, "label": "truth", "classes": {"a": 0, "b": 1}}
    assert keys_of(without | {"element_classes": None, "element_label": None}).fingerprint == "5c240bc90cc7"
    given = [("pid", {"a": 1, "b": 2}), ("pid", {"a": 2, "b": 1}), ("kind", {"a": 1, "b": 2})]
    assert len({keys_of({**without, "element_label": of, "element_classes": to}).fingerprint for of, to in given}) == 3


def test_files_with_other_labels_or_without_any_are_scored():
    data = opened(events())
    some = {name: column[5:9] for name, column in events(**BAD_ROW).items()}
    written(some, "other.parquet")
    written({"pt": some["pt"]}, "none.parquet")
    Path("a.parquet").unlink()
    alone = ready(["gone.parquet"], **{**KEYS, **stand_in.keys_to_score(Path("none.parquet"))})
    assert alone.spec == data.spec
    for its in (data, alone):
        for name in ("other", "none"):
            (batch,) = (batch for loader in its.loaders_of_file(Path(f"{name}.parquet")) for batch in loader)
            assert len(batch) == 4
            if name == "none":
                assert batch.element_label is None
            else:
                labels = batch.element_label[batch.index == 2, :, 0]
                assert labels.flatten()[:3].tolist() == [0, 1, -1]


def test_a_registered_model_needs_no_files(tmp_path):
    data = opened(events())
    keys = data.portable_keys(tmp_path)
    alone = ready(["gone.parquet"], **{**KEYS, **keys, "stand_in": str(tmp_path / keys["stand_in"])})
    assert alone.spec == data.spec


def test_a_name_like_that_of_the_stored_column_is_refused():
    with pytest.raises(ConfigError, match="class of the particle"):
        keys_of({**KEYS, "element_targets": {"class of the particle": "pt"}})
