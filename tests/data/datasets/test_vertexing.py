"""Jets with vertices: the published files, damaged ones, and simulated ones with the vertices of their flavour."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hepexp.data.datasets.vertexing.info import CLASSES, INFO
from hepexp.data.datasets.vertexing.reader import read
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

COUNTS = [3, 1, 5]


def _branch_type(values):
    return values.type.content if isinstance(values, ak.Array) else values.dtype


def write(path: Path, without: str = "", **changed) -> Path:
    random = np.random.default_rng(0)
    m = sum(COUNTS)
    tracks = {
        "d0": random.normal(0, 0.1, m),
        "z0": random.normal(0, 0.2, m),
        "phi": random.uniform(-3, 3, m),
        "ctgtheta": random.normal(0, 1, m),
        "pt": random.uniform(0.5, 20, m),
        "charge": random.choice([-1, 1], m),
        "vtx_index": random.integers(0, 3, m),
    }
    columns = {f"trk_{name}": ak.unflatten(changed.get(name, values), COUNTS) for name, values in tracks.items()}
    columns |= {f"jet_{name}": random.uniform(20, 100, 3) for name in ("pt", "M")}
    columns |= {f"jet_{name}": random.uniform(-2, 2, 3) for name in ("eta", "phi")}
    columns["jet_flav"] = changed.get("flav", np.array([5, 0, 4]))
    columns = {name: values for name, values in columns.items() if name != without}
    with uproot.recreate(path) as file:
        tree = file.mktree("tree", {name: _branch_type(values) for name, values in columns.items()})
        tree.extend(columns)
    return path


def test_the_published_files_are_read(tmp_path: Path):
    (jets,) = read(write(tmp_path / "a.root", vtx_index=np.arange(9)))
    assert jets.label.tolist() == [CLASSES.index(name) for name in ("bottom", "light", "charm")]
    assert jets.counts.tolist() == COUNTS
    assert jets["vertex"].tolist() == list(range(9))
    (unlabelled,) = read(write(tmp_path / "b.root", without="jet_flav"), needs_label=False)
    assert (unlabelled.label == -1).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"flav": np.array([5, 0, 3])}, r"row 2 has no jet_flav that is 0 for light, 4 for charm, 5 for bottom"),
        ({"pt": np.full(9, -1.0)}, r"jet 0 has a track with pt = -1; expected"),
        ({"d0": np.full(9, np.inf)}, r"jet 0 has a track with d0 = inf; expected"),
        ({"without": "trk_vtx_index"}, r"branch trk_vtx_index missing"),
        ({"without": "jet_flav"}, r"branch jet_flav missing"),
    ],
)
def test_what_is_no_jet_is_one_line(tmp_path: Path, changed: dict, message: str):
    with pytest.raises(DataError, match=message):
        list(read(write(tmp_path / "a.root", **changed)))


def vertices(jets: Ragged) -> np.ndarray:
    """How many vertices each jet has."""
    return np.array([len(np.unique(own)) for own in np.split(jets["vertex"], jets.offsets[1:-1])])


def test_bottom_jets_of_the_sample_have_more_vertices_than_light_ones():
    from hepexp.data.loading.split_store import open_sample

    jets = open_sample(INFO).take(np.arange(3000))
    means = [vertices(jets)[jets.label == c].mean() for c in range(3)]
    assert means[0] < 1.3 < 1.7 < means[1] < 2.2 < means[2]
    is_primary = jets["vertex"] == 0
    assert abs(jets["d0"][is_primary]).mean() < abs(jets["d0"][~is_primary]).mean() / 2


def test_the_simulation_is_the_same_for_the_same_seed():
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.vertexing import generate

    one, two = (INFO.check(generate.make_block("bottom", 3, 0, 12), "simulation", 0) for _ in range(2))
    for name in INFO.layout.names[1:]:
        np.testing.assert_array_equal(one[name], two[name])
    assert (one["jet_pt"] > 19.9).all()
    assert vertices(one).mean() > 1.8
