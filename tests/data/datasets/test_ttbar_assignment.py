"""Events in the two layouts of SPANet, damaged ones, and simulated ones whose tops weigh what a top weighs."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from hepexp.data.datasets.ttbar_assignment.info import INFO, ROLES
from hepexp.data.datasets.ttbar_assignment.module import TaggedJets
from hepexp.data.datasets.ttbar_assignment.reader import read
from hepexp.data.physics.kinematics import invariant_mass, sums
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

N, WIDTH = 5, 8
PLACES = {  # of the decay products of each event
    "t1": {"q1": [0, -1, 2, 6, 1], "q2": [1, 3, -1, 5, 0], "b": [2, 0, -1, 0, 4]},
    "t2": {"q1": [3, 1, 0, 1, -1], "q2": [5, 2, 1, 2, -1], "b": [4, 4, 3, 4, -1]},
}


def write(path: Path, second: bool = True, **changed: np.ndarray) -> Path:
    random = np.random.default_rng(0)
    counts = np.array([6, 6, 6, 7, 8])
    mask = np.arange(WIDTH) < counts[:, None]
    columns = {
        "pt": random.uniform(25, 200, (N, WIDTH)),
        "eta": random.uniform(-2.4, 2.4, (N, WIDTH)),
        "phi": random.uniform(-3.1, 3.1, (N, WIDTH)),
        "mass": random.uniform(-1e-6, 20, (N, WIDTH)),
        "btag": random.integers(0, 2, (N, WIDTH)),
    }
    columns = {name: np.where(mask, values, 0).astype(np.float32) for name, values in columns.items()}
    columns["MASK" if second else "mask"] = mask
    inputs, targets = ("INPUTS/Source", "TARGETS/") if second else ("source", "")
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[f"{inputs}/{name}"] = changed.get(name, values)
        for top, places in PLACES.items():
            for product, values in places.items():
                file[f"{targets}{top}/{product}"] = changed.get(f"{top}/{product}", np.array(values))
            if not second:
                file[f"{top}/mask"] = np.ones(N, bool)
    return path


@pytest.mark.parametrize("second", [True, False])
def test_places_become_the_top_and_role_of_each_jet(tmp_path: Path, second: bool):
    (events,) = read(write(tmp_path / "a.h5", second))
    assert events.counts.tolist() == [6, 6, 6, 7, 8]
    top, role = (np.split(events[name], events.offsets[1:-1]) for name in ("top", "role"))
    assert top[0].tolist() == [1, 1, 1, 2, 2, 2]
    assert role[0].tolist() == [1, 1, 2, 1, 2, 1]
    assert top[4].tolist() == [1, 1, 0, 0, 1, 0, 0, 0]
    assert top[2].tolist() == [2, 2, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"t1/q1": np.array([6, -1, 2, 6, 1])}, r"row 0 has 't1/q1' at a place without a jet"),
        ({"t2/b": np.array([4, 4, 3, 4, 9])}, r"row 4 has a 't2/b' that is no place of a jet"),
        ({"t2/b": np.array([3, 4, 3, 4, -1])}, r"row 0 has 't2/b' at the jet of another decay product"),
        ({"pt": np.full((N, WIDTH), np.nan)}, r"event 0 has a jet with pt = nan; expected"),
        ({"btag": np.full((N, WIDTH), 0.5)}, r"event 0 has a jet with btag = 0.5; expected a whole number from 0 to 1"),
        ({"eta": np.zeros((N, 3))}, r"key 'eta' has shape \(5, 3\), expected \(5, 8\)"),
        ({"MASK": np.zeros((N, WIDTH))}, r"key 'MASK' has type float64 .*expected true or false"),
        ({"MASK": np.zeros((N, WIDTH), bool)}, r"row 0 has 't1/q1' at a place without a jet"),
    ],
)
def test_what_is_no_event_is_one_line(tmp_path: Path, changed: dict, message: str):
    with pytest.raises(DataError, match=message):
        list(read(write(tmp_path / "a.h5", **changed)))


def test_another_file_or_a_link_out_of_it_is_refused(tmp_path: Path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(DataError, match=r"key source missing, found x"):
        list(read(tmp_path / "b.h5"))
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["INPUTS"] = h5py.ExternalLink("a.h5", "INPUTS")
    with pytest.raises(DataError, match=r"key 'INPUTS' is no group of arrays stored in this file"):
        list(read(tmp_path / "c.h5"))


def top_masses(events: Ragged) -> tuple[np.ndarray, np.ndarray]:
    """Masses in GeV of the complete first tops, and of their W."""
    p4, own = TaggedJets()(events)["p4"], events["top"] == 1
    complete = sums(own.astype(np.float64), events) == 3
    quarks = own & (events["role"] == ROLES.index("quark"))
    return tuple(invariant_mass(sums(p4 * chosen[:, None], events))[complete] for chosen in (own, quarks))


def test_the_sample_has_tops_and_ws_of_their_masses():
    from hepexp.data.loading.split_store import open_sample

    store = open_sample(INFO)
    events = store.take(np.arange(2000))
    top, w = top_masses(events)
    assert 155 < np.median(top) < 175
    assert 74 < np.median(w) < 84
    assert (events.counts >= 6).all()
    assert (sums(events["btag"].astype(np.float64), events) >= 2).all()


def test_the_simulation_is_the_same_for_the_same_seed():
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.ttbar_assignment import generate

    one, two = (INFO.check(generate.make_block("ttbar", 3, 0, 8), "simulation", 0) for _ in range(2))
    for name in INFO.layout.elements:
        np.testing.assert_array_equal(one[name], two[name])
    assert (one["pt"] > 24.9).all()
    assert (abs(one["eta"]) < 2.5001).all()
    assert (one.counts >= 6).all()
