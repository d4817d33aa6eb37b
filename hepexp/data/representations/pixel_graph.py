"""Graphs whose nodes are the non-zero pixels of an image."""

from __future__ import annotations

import copy

import numpy as np
import torch

from hepexp.batch import GraphBatch
from hepexp.data.representations.edges import check_k, edges_to, nearest
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import mean_and_spread
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.pixels import lit_pixels, with_blank_pixel
from hepexp.errors import ConfigError


class PixelGraph(Representation[GraphBatch]):
    """Non-zero pixels connected to their nearest neighbours in (row, column).

    The features of a node are the values of all channels, each divided by its standard deviation over the training
    nodes. An image without non-zero pixels becomes a single node at its centre.

    Parameters
    ----------
    k : number of neighbours of each pixel.
    positions : add row and column to the node features, relative to the centre and in units of the image's size.
    n_nodes : maximum number of pixels per image, those with the largest sum over channels; null for no limit.

    Raises
    ------
    ConfigError : k or n_nodes is below 1, or k is above 1000.
    """

    name = "graph"
    scales = ("_std",)
    shape: tuple[int, int, int]  # of the stored images

    def __init__(self, k: int = 8, positions: bool = False, n_nodes: int | None = None) -> None:
        check_k(k)
        if n_nodes is not None and n_nodes < 1:
            raise ConfigError(f"dataset.graph.n_nodes must be >= 1, got {n_nodes}")
        self.k = k
        self.positions = positions
        self.n_nodes = n_nodes
        self._std: np.ndarray | float = 1.0

    def of_shape(self, shape: tuple[int, int, int]) -> PixelGraph:
        """A copy for images of this shape (channels, rows, columns)."""
        made = copy.copy(self)
        made.shape = shape
        return made

    def fit(self, examples: Ragged) -> None:
        self._std = mean_and_spread(examples["value"])[1]

    def encode(self, examples: Ragged) -> Ragged:
        found = with_blank_pixel(lit_pixels(examples, self.shape), self.shape)
        found = found.largest(self.n_nodes, found["value"].sum(1))
        enough = np.min_scalar_type(-self.shape[1] * self.shape[2])  # half the memory of int32 in the cache
        found.elements["near"] = nearest(found["place"], found.offsets, self.k).astype(enough)
        return found

    def plane(self, examples: Ragged) -> np.ndarray:
        row, column = examples["place"].T
        return np.column_stack([column, -row])  # the first row is at the top

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        x = examples["value"] / self._std
        if self.positions:
            x = np.concatenate([x, examples["place"] / np.array(self.shape[1:]) - 0.5], axis=1)
        return GraphBatch(
            **common,
            x=torch.from_numpy(x.astype(np.float32)),
            edge_index=torch.from_numpy(edges_to(examples["near"], examples)),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
        )
