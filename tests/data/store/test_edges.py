"""Edges stay between the same elements, whatever is done to the examples and wherever they are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.formats.open_file import open_file
from hepexp.data.loading.cache import ExampleCache
from hepexp.data.store import arrow_file
from hepexp.data.store.check import check_columns
from hepexp.data.store.ragged import ENDS, Layout, Ragged, offsets_of, regroup
from hepexp.data.store.store import Store
from hepexp.errors import DataError

LAYOUT = Layout({"name": np.int64}, {"n": np.int64}, edges=ENDS)
INFO = DatasetInfo("graphs", ("ring", "star"), LAYOUT)
# a graph as a user thinks of it: the names of its nodes, and pairs of them
GRAPH = st.lists(st.integers(0, 99), max_size=6, unique=True).flatmap(
    lambda names: st.tuples(
        st.just(names), st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)) if names else st.nothing())
    )
)
GRAPHS = st.lists(GRAPH, min_size=1, max_size=6)
quickly = settings(max_examples=60, deadline=None)


def ragged(graphs) -> Ragged:
    names = [name for nodes, _ in graphs for name in nodes]
    ends = np.array([(nodes.index(a), nodes.index(b)) for nodes, edges in graphs for a, b in edges], np.int32)
    label = (np.arange(len(graphs)) % 2).astype(np.int8)
    source, target = ends.reshape(-1, 2).T
    edges = Ragged(
        label, offsets_of(np.array([len(edges) for _, edges in graphs])), {"source": source, "target": target}
    )
    n = np.array([len(edges) for _, edges in graphs])
    offsets = offsets_of(np.array([len(nodes) for nodes, _ in graphs]))
    return Ragged(label, offsets, {"name": np.array(names, np.int64)}, {"n": n}, edges)


def graphs_of(examples: Ragged) -> list:
    found = []
    for (a, b), (c, d) in zip(pairwise(examples.offsets), pairwise(examples.edges.offsets), strict=True):
        nodes = examples["name"][a:b].tolist()
        ends = zip(examples.edges["source"][c:d], examples.edges["target"][c:d], strict=True)
        found.append((nodes, [(nodes[i], nodes[j]) for i, j in ends]))
    return found


@given(GRAPHS, st.data())
@quickly
def test_edges_are_taken_and_concatenated_with_their_examples(graphs, data):
    rows = data.draw(st.lists(st.integers(0, len(graphs) - 1), min_size=1, max_size=8))
    taken = ragged(graphs).take(rows)
    assert graphs_of(taken) == [graphs[row] for row in rows]
    assert graphs_of(Ragged.concatenate([taken, ragged(graphs)])) == [graphs[row] for row in rows] + graphs
    parts = regroup([taken, ragged(graphs)], 1)
    assert [graph for part in parts for graph in graphs_of(part)] == [graphs[row] for row in rows] + graphs
    assert graphs_of(taken.unlabelled().cast(LAYOUT)) == graphs_of(taken)
    assert taken.without_edges().edges is None
    assert taken.nbytes == taken.without_edges().nbytes + taken.edges.nbytes
    assert graphs_of(ExampleCache([ragged(graphs)]).examples)[:-1] == graphs


@given(GRAPHS)
@quickly
def test_of_some_elements_the_edges_between_them_are_kept(graphs):
    examples = ragged(graphs)
    kept = examples.keep(examples["name"] % 3 > 0)
    assert graphs_of(kept) == [
        ([name for name in nodes if name % 3], [(a, b) for a, b in edges if a % 3 and b % 3]) for nodes, edges in graphs
    ]
    assert {column.dtype.type for column in kept.edges.elements.values()} == {np.int32}


PATHS = [([5, 6, 7], [(5, 6), (6, 7)]), ([1], []), ([3, 9], [(9, 3), (3, 3), (3, 9)]), ([8, 2], [(2, 8)])]


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_edges_are_stored(tmp_path: Path, suffix: str):
    path, examples = tmp_path / f"a{suffix}", ragged(PATHS)
    arrow_file.write(path, LAYOUT, [examples.take([0, 1]), examples.take([2, 3])], {})
    store = Store.open(LAYOUT, path)
    assert graphs_of(store.take([3, 0, 2])) == [PATHS[3], PATHS[0], PATHS[2]]
    assert graphs_of(open_file(INFO, path).take(np.arange(4))) == PATHS
    assert graphs_of(store.take([])) == []
    contents = arrow_file.read(path, LAYOUT)
    assert contents.is_intact(LAYOUT)
    contents.chunks[-1].edges = replace(contents.chunks[-1].edges, offsets=np.array([0, 2, 4]))  # another example's
    assert not contents.is_intact(LAYOUT)


def test_a_checksum_without_edges_is_that_of_earlier_versions(tmp_path: Path):
    layout = Layout({"pt": np.float32}, {"mass": np.float64})
    jets = Ragged(np.array([0, 1], np.int8), np.array([0, 2, 3]), {"pt": np.float32([1, 2, 4])}, {"mass": np.ones(2)})
    arrow_file.write(tmp_path / "a.arrow", layout, [jets], {"seed": 1})
    expected = "b288ad66570bd06a7dd2f4dea0e3a4fce9689bac928553034745ab5252fbbb81"
    assert arrow_file.read(tmp_path / "a.arrow", layout).checksum == expected


def test_tables_and_files_of_others_have_edges_as_lists(tmp_path: Path):
    info, examples = INFO, ragged(PATHS)
    table = info.first_rows(Store(LAYOUT, [examples]), 4)
    assert [row.tolist() for row in table["edges.target"]] == [[1, 2], [], [0, 0, 1], [0]]
    assert graphs_of(info.examples_of(table)) == PATHS
    lists = {name: pa.array(column) for name, column in table.items()} | {"label": pa.array([0, 1, 0, 1])}
    pq.write_table(pa.table(lists), tmp_path / "others.parquet")  # wider types, another order
    assert graphs_of(open_file(info, tmp_path / "others.parquet").take(np.arange(4))) == PATHS


@pytest.mark.parametrize(
    ("column", "row", "said"),
    [
        ("edges.target", [3, 2], "example 0 has an edge with edges.target = 3; expected the place of one of its"),
        ("edges.source", [0, -1], "example 0 has an edge with edges.source = -1; expected .* from 0 to 2"),
        ("edges.source", [0.5, 1], "example 0 has an edge with edges.source = 0.5"),
        ("edges.source", [0], "row 0 has lists of different lengths in edges.source and edges.target"),
    ],
)
def test_an_edge_without_its_elements_is_refused(tmp_path, column, row, said):
    info = replace(INFO, noun="example", check=check_columns(INFO.classes, LAYOUT, "example"))
    table = info.first_rows(Store(LAYOUT, [ragged(PATHS)]), 4)
    table[column] = [np.array(row), *table[column][1:]]
    with pytest.raises(DataError, match=said):
        info.examples_of(table)
    pq.write_table(pa.table({**table, "label": [0] * 4}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=said):
        open_file(info, tmp_path / "a.parquet")
