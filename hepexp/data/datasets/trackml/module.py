"""Hits of charged particles: which of them are of one track?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from hepexp.data.datasets.trackml.graph import HitGraph
from hepexp.data.datasets.trackml.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Representation


class TrackML(HepDataModule):
    """Events as hits in the pixel layers of a tracker. Two hits belong together if they are of the same `particle`.

    Parameters
    ----------
    element_targets : pt and eta of the particle and layer of each hit, by which tracks are judged.
    pair_targets : the number of the particle.
    graph : which pairs of hits get an edge.

    References
    ----------
    S. Amrouche et al., arXiv:1904.06778.
    """

    info = INFO

    batch_size: int = 1
    element_targets: Sequence[str] = ("pt", "eta", "layer")
    pair_targets: Sequence[str] = ("particle",)
    graph: HitGraph | None = None
    n_generate: int = 500
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [(self.graph or HitGraph()).with_transforms(*self.carry())]

    def sample_keys(self) -> dict[str, Any]:
        return super().sample_keys() | {"n_train": None}  # the sample has fewer events than others have examples
