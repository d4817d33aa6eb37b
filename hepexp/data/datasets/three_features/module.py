"""Graphs of nodes with three features, on which an explanation has a known answer."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from hepexp.data.datasets.three_features.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.column_graph import ColumnGraph
from hepexp.data.representations.representation import Representation


class ThreeFeatures(HepDataModule):
    """Graphs of eight nodes, each joined to all others, with three Gaussian features of variance 1.

    The means of the first two are zero. That of the third is negative in the class `below` (label 0) and positive in
    `above` (label 1): an explanation of a classifier should find the third feature, and nothing else.
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    n_generate: int = 8000
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [ColumnGraph(tuple(INFO.layout.elements))]
