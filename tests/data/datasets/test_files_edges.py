"""Edges that a user's files give connect the particles that they name, on every way from the file to a model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hepexp.batch import GraphBatch
from hepexp.data.datasets.files import stand_in
from hepexp.data.datasets.files.keys import keys_of
from hepexp.data.datasets.files.module import Files
from hepexp.data.download.convert import convert_file
from hepexp.data.formats.open_file import open_file
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.errors import ConfigError, DataError, HepexpError
from hepexp.models.gnn import GraphNet
from tests.data.datasets.user_files import ready

N = 60
P4 = {"pt": "pt", "eta": 0, "phi": 0, "mass": 0}
KEYS = {"p4": P4, "classes": {"ring": 0, "star": 1}, "edges": {"from": "src", "to": "dst"}}


@pytest.fixture(autouse=True)
def own_folder(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def events(n: int = N, **other) -> dict[str, list]:
    """Particles in a ring (label 0) or around one of them (1), in random order; `id` tells all of them apart."""
    random = np.random.default_rng(0)
    columns: dict[str, list] = {name: [] for name in ("pt", "id", "src", "dst")}
    for event in range(n):
        order = random.permutation(4 + event // 2 % 4)
        ring = list(pairwise([*order, order[0]]))
        ends = [(order[0], other) for other in order[1:]] if event % 2 else ring
        columns["src"].append([int(a) for a, _ in ends])
        columns["dst"].append([int(b) for _, b in ends])
        columns["id"].append([10.0 * event + i for i in range(len(order))])
        columns["pt"].append([5.0] * len(order))
    return columns | {"truth": [event % 2 for event in range(n)]} | other


def opened(given: dict, suffix: str = ".parquet", **keys) -> Files:
    path = Path(f"a{suffix}")
    if suffix == ".parquet":
        pq.write_table(pa.table(given), path)
    else:
        import awkward as ak
        import uproot

        with uproot.recreate(path) as file:
            file["events"] = {name: ak.Array(column) for name, column in given.items()}
    return ready([str(path)], representation="graph", batch_size=N, **{**KEYS, **keys})


SCALAR = {"scalars": [{"expr": "id", "shift": 0, "scale": 1}]}  # the last feature of a node


def pairs(batch: GraphBatch) -> list[tuple[float, float]]:
    """The ids of both ends of each edge."""
    identity = batch.x[:, -1]
    return sorted(zip(identity[batch.edge_index[0]].tolist(), identity[batch.edge_index[1]].tolist(), strict=True))


def expected(given: dict, rows, kept=lambda event, i: True, directed: bool = False) -> list[tuple[float, float]]:
    found = [
        (given["id"][event][i], given["id"][event][j])
        for event in rows
        for i, j in zip(given["src"][event], given["dst"][event], strict=True)
        if kept(event, i) and kept(event, j)
    ]
    return sorted(found if directed else {*found, *((b, a) for a, b in found)})


def whole(data: Files) -> GraphBatch:
    return data.splits["train"][range(len(data.splits["train"]))]


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
@pytest.mark.parametrize("directed", [False, True])
def test_edges_are_those_of_the_file_in_one_direction_or_in_both(suffix, directed):
    given = events()
    batch = whole(opened(given, suffix, **SCALAR, graph=ParticleGraph(directed=directed)))
    assert len(batch) > 20
    assert batch.edge_index.dtype == torch.int64
    assert (batch.graph[batch.edge_index[0]] == batch.graph[batch.edge_index[1]]).all()
    assert pairs(batch) == expected(given, batch.index.tolist(), directed=directed)


def test_batches_of_splits_that_are_not_cached_are_the_same(monkeypatch):
    cached = opened(events(), **SCALAR)
    monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", 0)
    streamed = opened(events(), **SCALAR)
    for one, other in zip(cached.val_dataloader(), streamed.val_dataloader(), strict=True):
        for name, values in one.tensors().items():
            assert torch.equal(values, other.tensors()[name]), name


def test_an_edge_given_in_both_directions_or_twice_counts_once_and_one_to_itself_not_at_all():
    given = events()
    twice = {"src": [a + b + [1, 1] for a, b in zip(given["src"], given["dst"], strict=True)]}
    twice["dst"] = [b + a + [1, 1] for a, b in zip(given["src"], given["dst"], strict=True)]
    assert pairs(whole(opened({**given, **twice}, **SCALAR))) == pairs(whole(opened(given, **SCALAR)))
    batch = whole(opened({**given, **twice}, **SCALAR, graph=ParticleGraph(directed=True)))
    assert pairs(batch) == pairs(whole(opened(given, **SCALAR)))


def test_edges_follow_their_particles_through_selections():
    given = events()
    given["pt"] = [[float((3 * i + event) % 5 + 1) for i in range(len(row))] for event, row in enumerate(given["pt"])]
    selection = "(truth == 0) | (count(pt) > 4)"
    batch = whole(opened(given, **SCALAR, particle_selection="pt > 1.5", selection=selection))
    rows = np.flatnonzero([given["truth"][event] == 0 or len(given["pt"][event]) > 4 for event in range(N)])
    kept = expected(given, rows[batch.index].tolist(), lambda event, i: given["pt"][event][i] > 1.5)
    assert pairs(batch) == kept
    assert 0 < len(kept) < len(expected(given, rows[batch.index].tolist()))
    given["pt"] = [[1.0 + i for i in range(len(row))] for row in given["pt"]]
    batch = whole(opened(given, **SCALAR, n_particles=3))
    last = [len(row) - 3 for row in given["pt"]]
    assert pairs(batch) == expected(given, batch.index.tolist(), lambda event, i: i >= last[event])


def test_a_network_tells_rings_from_stars_by_their_edges_alone():
    """All particles of all events have the same momentum."""
    data = opened(events())
    torch.manual_seed(1)
    model = GraphNet("gin", (8, 8), 8, n_node_features=data.spec.n_node_features, n_classes=1).double()
    of_neighbours = whole(opened(events(), graph=ParticleGraph(edges="nearest")))
    for batch, is_seen in ((whole(data), True), (of_neighbours, False)):
        counts = torch.bincount(batch.graph)
        with torch.no_grad():
            found = model(batch)[:, 0]
        for n in counts.unique():
            ring, star = (found[(counts == n) & (batch.label == label)] for label in (0, 1))
            assert torch.allclose(ring, ring[:1], atol=1e-9)
            assert torch.allclose(star, star[:1], atol=1e-9)
            assert ((ring[0] - star[0]).abs() > 1e-6) == is_seen


def test_other_representations_and_networks_of_edges_take_the_same_files():
    given = {**events(), "vertex": [[i % 2 for i in range(len(row))] for row in events()["pt"]]}
    data = opened(given, pair_targets=["vertex"])
    model = GraphNet("gin", (8,), 8, level="edge", n_node_features=data.spec.n_node_features, n_classes=1)
    batch = whole(data)
    assert model(batch).shape == (batch.edge_index.shape[1], 1)
    assert batch.element_group.shape == (len(batch.x), 1)
    particles = ready(["a.parquet"], **KEYS)
    assert whole(particles).mask.sum() == len(batch.x)


def test_files_are_scored_as_in_the_training_and_without_its_files():
    given = events()
    data = opened(given, **SCALAR)
    some = {name: column[5:9] for name, column in given.items() if name != "truth"}
    pq.write_table(pa.table(some), "some.parquet")
    Path("a.parquet").unlink()
    instead = stand_in.keys_to_score(Path("some.parquet"))
    alone = ready(["gone.parquet"], representation="graph", **KEYS, **SCALAR, **instead)
    alone.load_state_dict(data.state_dict())
    for its in (data, alone):
        (batch,) = (batch for loader in its.loaders_of_file(Path("some.parquet")) for batch in loader)
        assert pairs(batch) == expected(given, range(5, 9))
    rows = data.info.examples_of(some)
    assert rows.edges.counts.tolist() == [len(row) for row in some["src"]]
    pq.write_table(pa.table({name: column for name, column in some.items() if name != "dst"}), "no_dst.parquet")
    with pytest.raises(HepexpError, match=r"no_dst\.parquet: dataset\.edges\.to: no column 'dst'"):
        list(data.loaders_of_file(Path("no_dst.parquet")))


def test_a_registered_model_brings_examples_with_edges_and_files_are_converted_with_them():
    given = events()
    data = opened(given, **SCALAR)
    keys = data.portable_keys(Path())
    there = ready(["gone.parquet"], representation="graph", **{**KEYS, **SCALAR, **keys})
    assert there.info.layout == data.info.layout
    assert len(pairs(whole(there))) > 0
    convert_file(data.info, Path("a.parquet"), Path("b.parquet"))
    again = open_file(data.info, Path("b.parquet"))
    for end, column in (("source", "src"), ("target", "dst")):
        np.testing.assert_array_equal(again.chunks[0].edges[end], np.concatenate(given[column]))
    table = data.info.first_rows(data.store, 3)
    assert table["dst"][2].tolist() == given["dst"][2]


NEITHER = {"src": True, "dst": np.nan}


def changed(column: str, row: int, values: list) -> dict[str, list]:
    found = events()
    found[column][row] = values
    return found


@pytest.mark.parametrize(
    ("given", "keys", "said"),
    [
        (changed("src", 7, [0]), {}, ("a.parquet: row 7 has 1 values of 'src' but 6 of 'dst'", "one for each edge")),
        (changed("dst", 8, [0, 1, 2, 4]), {}, ("a.parquet: row 8", "dst = 4", "from 0 to 3")),
        (changed("src", 8, [0, 1, 2, -1]), {}, ("a.parquet: row 8", "src = -1", "the place of one of its particles")),
        (
            events(src=[[0.5] * len(row) for row in events()["src"]]),
            {},
            ("a.parquet: row 0 has an edge with src = 0.5", "also row 1 (src)"),
        ),
        (
            events(
                src=[[True] * len(row) for row in events()["src"]], dst=[[np.nan] * len(row) for row in events()["src"]]
            ),
            {},
            ("a.parquet: row 0 has an edge with dst = nan",),
        ),
        (events(), {"edges": {"from": "src", "to": "dest"}}, ("dataset.edges.to: no column 'dest'", "mean dst?")),
        (events(), {"edges": {"from": "src", "to": "truth"}}, ("one value for each example", "one for each edge")),
        (events(), {"edges": {"src": "src", "dst": "dst"}}, ("dataset.edges", "{from: ..., to: ...}", "src, dst")),
        (
            events(same=[[0, 1, 2, *row[3:]] for row in events()["src"]]),
            {"edge_targets": {"track": "same"}},
            ("a.parquet: row 0 has an edge with same = 2; expected 1, 0, or a negative number",),
        ),
        (
            events(same=[[*row, 0] for row in events()["src"]]),
            {"edge_targets": ["same"]},
            ("row 0 has 4 values of 'src' but 5 of 'same', expected one for each edge",),
        ),
        (events(), {"edges": None, "edge_targets": ["src"]}, ("dataset.edge_targets needs dataset.edges", "src")),
        (events(), {"p4": None, "features": ["count(pt)"]}, ("dataset.edges needs dataset.p4",)),
        (events(), {"edges": None, "graph": ParticleGraph("given")}, ("dataset.graph.edges=given", "no edges")),
        (events(), {"graph": ParticleGraph("all", directed=True)}, ("dataset.graph.directed=true", "edges=all")),
    ],
)
def test_edges_that_are_none_are_refused_with_file_row_and_column(given, keys, said):
    with pytest.raises(HepexpError) as error:
        opened(given, **keys)
    assert all(part in str(error.value) for part in said), str(error.value)
    assert "\n" not in str(error.value)


def test_an_event_that_is_not_used_may_have_any_edges_and_one_of_no_particles_none():
    given = changed("dst", 8, [0, 1, 2, 4])
    data = opened(given, selection="count(pt) > 4")
    assert len(data.store) < N
    for name in ("pt", "id", "src", "dst"):
        given[name][8] = []
    assert len(opened(given).store) == N - 1


def test_edges_enter_the_fingerprint_and_others_keep_theirs():
    without = {"p4": {"pt": "pt", "eta": "eta", "phi": "phi", "mass": 0}, "label": "truth", "classes": {"a": 0, "b": 1}}
    assert keys_of(without).fingerprint == "5c240bc90cc7"
    prints = [keys_of({**without, "edges": edges}).fingerprint for edges in (None, {"from": "a", "to": "b"})]
    prints += [keys_of({**without, "edges": {"from": "b", "to": "a"}}).fingerprint]
    assert prints[0] == "5c240bc90cc7"
    assert len({*prints}) == 3


def test_expressions_may_count_from_one():
    given = events()
    given |= {name: [[i + 1 for i in row] for row in given[name]] for name in ("src", "dst")}
    data = opened(given, **SCALAR, edges={"from": "src - 1", "to": "dst - 1"})
    batch = whole(data)
    assert pairs(batch) == expected(events(), batch.index.tolist())
    with pytest.raises(ConfigError, match=r"dataset\.edges\.from"):
        Files(files=["a.parquet"], seed=1, **{**KEYS, "edges": {"from": "src -", "to": "dst"}})


@pytest.mark.parametrize("fill", [0, -1])
def test_padded_edges_end_where_they_are_filled_up(fill):
    """With zeros, which are no edges as they would run from a particle to itself, or -1, which is no particle."""
    given = events()
    lengths = {"pt": (8, 0), "id": (8, 0), "src": (12, fill), "dst": (12, fill)}
    arrays = {
        name: np.array([row + [pad] * (length - len(row)) for row in given[name]])
        for name, (length, pad) in lengths.items()
    }
    np.savez("a.npz", **arrays, truth=given["truth"])
    batch = whole(ready(["a.npz"], representation="graph", batch_size=N, **KEYS, **SCALAR))
    assert pairs(batch) == expected(given, batch.index.tolist())
    np.savez("a.npz", **{**arrays, "src": arrays["src"][:, :8], "dst": arrays["dst"][:, :8]}, truth=given["truth"])
    with pytest.raises(ConfigError, match=r"dataset\.edges\.from: 'src' is padded to 8 in .*, so that 'id' would"):
        ready(["a.npz"], representation="graph", **KEYS)


def labelled() -> dict[str, list]:
    """Edges that are real where the numbers of their ends have an even sum, or of which nobody knows."""
    given = events()
    sums = [[i + j for i, j in zip(*ends, strict=True)] for ends in zip(given["src"], given["dst"], strict=True)]
    return given | {"same": [[-7.0 if n == 5 else 1.0 - n % 2 for n in row] for row in sums]}


@pytest.mark.parametrize("directed", [False, True])
def test_targets_of_edges_stay_with_them(directed):
    graph = ParticleGraph(directed=directed)
    data = opened(labelled(), **SCALAR, edge_targets=["same"], particle_selection="pt + id > 6", graph=graph)
    batch = whole(data)
    place = batch.x[:, -1] % 10
    n = place[batch.edge_index].sum(0)
    assert batch.edge_label.shape == (len(n), 1)
    assert torch.equal(batch.edge_label[:, 0], torch.where(n == 5, -1, 1 - n.long() % 2))
    assert {*batch.edge_label.flatten().tolist()} == {-1, 0, 1}
    assert [(one.name, one.kind, one.of) for one in data.spec.targets] == [("same", "class", "pair")]
    assert data.offers == {("example", "class"), ("pair", "class")}


def test_an_edge_that_is_real_in_one_direction_is_so_in_both():
    given = events()
    row = {"src": [0, 1, 1, 2, 2, 3], "dst": [1, 0, 2, 1, 3, 2], "same": [1, 0, 0, -1, np.nan, -1]}
    data = opened(given | {name: [values] * N for name, values in row.items()}, edge_targets=["same"])
    batch = data.splits["train"][[0]]
    found = dict(zip(map(tuple, batch.edge_index.T.tolist()), batch.edge_label[:, 0].tolist(), strict=True))
    assert found == {(0, 1): 1, (1, 0): 1, (1, 2): 0, (2, 1): 0, (2, 3): -1, (3, 2): -1}


@pytest.mark.parametrize(
    "row", [{"src": [0, 1], "dst": [0, 1], "same": [1, 0]}, {"src": [0, 1], "dst": [1, 2], "same": [-1, np.nan]}]
)
def test_edges_from_which_nothing_can_be_learnt_are_refused(row):
    given = events() | {name: [values] * N for name, values in row.items()}
    with pytest.raises(DataError, match="target same: there is nothing to learn, as no training example has an edge"):
        opened(given, edge_targets=["same"])


def test_files_without_targets_of_edges_are_scored():
    given = labelled()
    data = opened(given, edge_targets=["same"])
    some = {name: column[5:9] for name, column in given.items() if name in ("pt", "src", "dst")}
    pq.write_table(pa.table(some), "some.parquet")
    Path("a.parquet").unlink()
    alone = ready(
        ["gone.parquet"],
        representation="graph",
        edge_targets=["same"],
        **{**KEYS, **stand_in.keys_to_score(Path("some.parquet"))},
    )
    assert alone.spec == data.spec
    for its in (data, alone):
        (batch,) = (batch for loader in its.loaders_of_file(Path("some.parquet")) for batch in loader)
        assert batch.edge_label is None
