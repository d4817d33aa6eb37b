"""Hits of charged particles: which of them are of one track?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Literal

from hepexp.data.datasets.trackml.graph import HitGraph
from hepexp.data.datasets.trackml.info import INFO, simulated_by
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Representation


class TrackML(HepDataModule):
    """Events as hits in the pixel layers of a tracker. Two hits belong together if they are of the same `particle`.

    Parameters
    ----------
    element_targets : pt and eta of the particle and layer of each hit, by which tracks are judged.
    pair_targets : the number of the particle.
    graph : which pairs of hits get an edge.
    simulator : with source=generate, `helices` in a pixel tracker, or `acts`: top pairs and pile-up by Pythia 8 in
        TrackML's detector by ACTS's fast simulation, which needs the extras generate and acts. With acts, source=auto
        is generate.
    pileup : with simulator=acts, mean number of further collisions; null for 20. TrackML has 200.

    Raises
    ------
    ConfigError : a value is out of range.

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
    simulator: Literal["helices", "acts"] = "helices"
    pileup: int | None = None
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.info = simulated_by(self.simulator, self.pileup)
        super().__post_init__()

    def make_representations(self) -> list[Representation]:
        return [(self.graph or HitGraph()).with_transforms(*self.carry())]

    def sample_keys(self) -> dict[str, Any]:
        # the sample has fewer events than others have examples, and is of helices
        return super().sample_keys() | {"n_train": None, "simulator": "helices", "pileup": None}
