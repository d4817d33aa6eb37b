"""Tracks and calorimeter towers of an event: which particle left each of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import JetBatch
from hepexp.data.datasets.particle_flow.info import INFO, PIDS, TOWER, TRACK
from hepexp.data.loading.cache import ExampleCache
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.physics.kinematics import four_momenta
from hepexp.data.representations.representation import Common, Particles, Representation
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform

NAMES = (
    *("is_tower", "is_track", "pt", "eta", "sin_phi", "cos_phi", "energy", "em", "had"),
    *("eta_out", "sin_phi_out", "cos_phi_out", "charge"),
)


class Elements(Transform):
    """Tracks and towers as massless particles, with MLPF's features as scalars.

    Whether it is a tower or a track; pT, eta, sine and cosine of phi, energy (of a track its momentum), energy in the
    ECAL and in the HCAL, 0 for a track; eta, sine and cosine of phi where the track leaves the tracker, and its charge,
    0 for a tower. In GeV, unscaled.
    """

    scalar_names = NAMES
    own_scalars = True

    def __call__(self, events: Ragged) -> Ragged:
        pt, eta, phi = (events[name].astype(np.float64) for name in ("pt", "eta", "phi"))
        return with_particles(events, four_momenta(pt, eta, phi, 0.0), np.stack(self._scalars(events), axis=1))

    @staticmethod
    def _scalars(events: Ragged) -> list[NDArray]:
        kind, phi, phi_out = events["kind"], events["phi"], events["phi_out"]
        is_track = kind == TRACK
        return [
            kind == TOWER,
            is_track,
            events["pt"],
            events["eta"],
            np.sin(phi),
            np.cos(phi),
            *(events[name] for name in ("energy", "em", "had", "eta_out")),
            np.where(is_track, np.sin(phi_out), 0),
            np.where(is_track, np.cos(phi_out), 0),
            events["charge"],
        ]


class ElementsWithDeposits(Particles):
    """Elements, and beside them the energy that each particle left in each of them."""

    @property
    def reads_edges(self) -> bool:
        return True

    def collate(self, examples: Ragged, common: Common) -> JetBatch:
        return self._with_deposits(super().collate(examples, common), examples.given_edges)

    def collate_cached(self, cache: ExampleCache, rows: NDArray[np.int64], common: Common) -> JetBatch:
        return self._with_deposits(super().collate_cached(cache, rows, common), cache.examples.given_edges.take(rows))

    @staticmethod
    def _with_deposits(batch: JetBatch, edges: Ragged) -> JetBatch:
        n, width = batch.mask.shape
        event = np.repeat(np.arange(n), edges.counts)
        place = (event * width + edges["target"]) * width + edges["source"]
        energy = np.bincount(place, edges["energy"], n * width * width).astype(np.float32)
        return replace(batch, deposits=torch.from_numpy(energy.reshape(n, width, width)))


class ParticleFlow(HepDataModule):
    """Top pairs with pile-up as tracks and towers. Each element has at most one particle as its target.

    Parameters
    ----------
    deposits : whether batches have the energy that each particle left in each tower, from which loss=hgpflow learns.
    element_targets : class, charge, pT, eta, phi and energy of the particle of each element.

    References
    ----------
    J. Pata et al., arXiv:2101.08578.
    """

    info = INFO
    element_classes = MappingProxyType({"target_pid": PIDS})

    batch_size: int = 4
    element_targets: Sequence[str] = (
        "target_pid",
        "target_charge",
        "target_pt",
        "target_eta",
        "target_phi",
        "target_energy",
    )
    deposits: bool = False
    n_generate: int = 1000
    generate_seed: int = 2
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    def as_particles(self) -> tuple[Transform, ...]:
        return (Elements(),)

    def make_representations(self) -> list[Representation]:
        elements = ElementsWithDeposits() if self.deposits else Particles()
        return [elements.with_transforms(*self.carry(), Elements())]
