"""Graphs whose nodes have the columns of the store as their features."""

from __future__ import annotations

import numpy as np
import torch

from hepexp.batch import GraphBatch
from hepexp.data.representations.edges import all_pairs
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged


class ColumnGraph(Representation[GraphBatch]):
    """Nodes with these columns as they are, each joined to all others of its example.

    Parameters
    ----------
    columns : of the store, one a feature.
    """

    name = "graph"

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns

    @property
    def column_names(self) -> tuple[str, ...]:
        """Of the features of a node."""
        return self.columns

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        x = np.stack([examples[name] for name in self.columns], axis=1).astype(np.float32)
        return GraphBatch(
            **common,
            x=torch.from_numpy(x),
            edge_index=torch.from_numpy(all_pairs(examples)),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
        )
