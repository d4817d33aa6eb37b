"""The scalars of each particle, made in the exported network of the columns that the data set has."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.data.datasets.files.particles import FileParticles, Standardised
from hepexp.data.physics import species
from hepexp.data.transforms.four_momenta import FourMomentumParticles, JetClassParticles, PdgParticles
from hepexp.data.transforms.transform import Transform
from hepexp.export.tensors import BATCH, PARTICLES, TensorSpec, of_particles

MILLIMETRES = ("d0val", "d0err", "dzval", "dzerr")


class Scalars(nn.Module):
    """Base: scalars (B, N, S) of the four-momenta p4 (B, N, 4) and of `columns`, (B, N) each; of padding, anything."""

    columns: tuple[TensorSpec, ...] = ()

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        raise NotImplementedError


class MassScalars(Scalars):
    """(psi(m), 0) with m = sqrt|p^2| in GeV, arXiv:2201.08187, section 4."""

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        psi = (p4[..., 0].square() - p4[..., 1:].square().sum(-1)).abs().sqrt().log1p()
        return torch.stack([psi, torch.zeros_like(psi)], dim=-1)


class ConstantScalars(Scalars):
    """The constant 1, where a data set has nothing but kinematics."""

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        return torch.ones_like(p4[..., :1])


class PdgScalars(Scalars):
    """What follows from the PDG number of a particle, from a table of all numbers that are known."""

    columns = (of_particles("pdgid", "int64", meaning="PDG number, with its sign"),)
    table: Tensor

    def __init__(self, inputs: PdgParticles) -> None:
        super().__init__()
        self.largest = max(species.TABLE) + 1  # stands for all that are not in the table
        numbers = np.arange(-self.largest, self.largest + 1, dtype=np.int32)
        self.register_buffer("table", torch.from_numpy(np.asarray(inputs.features(numbers), np.float32)))

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        (pdgid,) = columns
        return self.table[pdgid.clamp(-self.largest, self.largest) + self.largest]


class JetClassScalars(Scalars):
    """Charge, one-hot type, and with `full` the impact parameters, arXiv:2202.03772, table 2."""

    def __init__(self, full: bool) -> None:
        super().__init__()
        names = ("charge", "type", *(MILLIMETRES if full else ()))
        kinds = "charged hadron, neutral hadron, photon, electron, muon"
        said = {"charge": "in units of the positron's", "type": f"0 to 4: {kinds}"}
        self.columns = tuple(
            of_particles(
                name, "int64" if name == "type" else "float32", "mm" * (name in MILLIMETRES), said.get(name, "")
            )
            for name in names
        )

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        charge, kind, *impact = (column.float() for column in columns)
        found = [charge, *((kind == number).float() for number in range(5))]
        for value, error in zip(impact[::2], impact[1::2], strict=True):
            found += [value.tanh(), error.clamp(0, 1)]
        return torch.stack(found, dim=-1)


class StandardisedValues(nn.Module):
    """`Standardised` values (..., F), with the scales of the training examples."""

    mean: Tensor
    std: Tensor
    low: Tensor
    high: Tensor
    pad: Tensor

    def __init__(self, scaling: Standardised) -> None:
        super().__init__()
        for name, values in scaling.steps.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, np.float64)))
        self.pads = bool(torch.isfinite(self.pad).any())

    def forward(self, values: Tensor) -> Tensor:
        scaled = (values - self.mean) / self.std
        scaled = torch.minimum(torch.maximum(scaled, self.low), self.high)
        return torch.where(values.isfinite() | self.pad.isnan(), scaled, self.pad) if self.pads else scaled


class FileScalars(Scalars):
    """Columns of a user's files, shifted, scaled and clipped as in the training."""

    def __init__(self, scaling: Standardised) -> None:
        super().__init__()
        self.scale = StandardisedValues(scaling)
        self.columns = tuple(
            of_particles(one.expr, "float64", meaning="as in the files of the training; scaled inside")
            for one in scaling.inputs
        )

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        return self.scale(torch.stack(columns, dim=-1))


class GivenScalars(Scalars):
    """Scalars as the data set makes them, where nothing is known about how it does."""

    def __init__(self, n: int) -> None:
        super().__init__()
        axes = (BATCH, PARTICLES, n)
        self.columns = (TensorSpec("scalars", "float32", axes, meaning="as the data set makes them of its files"),)

    def forward(self, p4: Tensor, *columns: Tensor) -> Tensor:
        return columns[0]


def scalars_of(inputs: Transform, n: int) -> Scalars:
    """What makes the n scalars that a transform of a data set makes."""
    match inputs:
        case PdgParticles():
            return PdgScalars(inputs) if inputs.pid and inputs.scalars != "kin" else ConstantScalars()
        case JetClassParticles():
            return ConstantScalars() if inputs.scalars == "kin" else JetClassScalars(inputs.scalars == "full")
        case FourMomentumParticles():
            return ConstantScalars() if inputs.scalars == "kin" else MassScalars()
        case FileParticles():
            return FileScalars(inputs.scalars) if inputs.scalars.inputs else MassScalars()
    return GivenScalars(n)
