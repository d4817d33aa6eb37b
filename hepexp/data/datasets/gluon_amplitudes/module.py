"""Squared matrix elements of gluons, to be learnt from momenta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Literal

import numpy as np

from hepexp.batch import DataSpec
from hepexp.data.datasets.gluon_amplitudes.info import INFO
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform


class Gluons(Transform):
    """The gluons of an event, each with one scalar: 1 if it is incoming, 0 if not."""

    scalar_names = ("incoming",)
    own_scalars = True

    def __call__(self, events: Ragged) -> Ragged:
        p4 = np.stack([events[name].astype(np.float64) for name in ("E", "px", "py", "pz")], axis=1)
        return with_particles(events, p4, np.asarray(events["incoming"])[:, None])


class GluonAmplitudes(JetDataModule):
    """Events of g g -> 2, 3 or 4 g, flat in phase space at 1 TeV, with gluons of pT > 60 GeV and Delta R > 0.4.

    The target `log_m2` is exact: ln(|M|^2 s^(n-4)) of all n gluons, incoming ones included, summed over colours and
    helicities. It is symmetric in the outgoing gluons and invariant under Lorentz transformations of all.

    Parameters
    ----------
    classes : numbers of outgoing gluons, gg_2g, gg_3g and gg_4g; null for all.
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    classes: Sequence[str] | None = None
    targets: Sequence[str] = ("log_m2",)
    n_generate: int = 6000
    n_files: None = field(default=None, init=False)

    @property
    def spec(self) -> DataSpec:
        # the incoming gluons are along the beams, but particles like the others: no reference that breaks a symmetry
        return replace(super().spec, has_beams=False)

    def particle_inputs(self) -> Gluons:
        return Gluons()
