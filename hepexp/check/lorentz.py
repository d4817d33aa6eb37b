"""Boosts and rotations of whole jets, the same for all, along the beam (z) and across it (x)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.check.check import Check
from hepexp.data.views.jet_symmetries import boosted, rotated
from hepexp.data.views.random_view import RandomView
from hepexp.models.claims import ABOUT_BEAM, ALONG_BEAM, LORENTZ

BETAS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
ANGLES = (15.0, 45.0, 90.0, 135.0, 180.0)  # degrees
X, Z = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


class Boost(RandomView[JetBatch]):
    """All four-momenta boosted to a velocity beta along an axis.

    Parameters
    ----------
    beta : in units of c, below 1.
    axis : a unit vector.
    """

    reads = "particles"
    keeps_elements = True

    def __init__(self, beta: float, axis: tuple[float, float, float]) -> None:
        self.rapidity, self.axis = math.atanh(beta), axis

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        return replace(batch, p4=boosted(batch.p4, *_of_all(batch.p4, self.axis, self.rapidity)))


class Rotation(RandomView[JetBatch]):
    """All momenta rotated about an axis.

    Parameters
    ----------
    degrees : angle.
    axis : a unit vector.
    """

    reads = "particles"
    keeps_elements = True

    def __init__(self, degrees: float, axis: tuple[float, float, float]) -> None:
        self.angle, self.axis = math.radians(degrees), axis

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        return replace(batch, p4=rotated(batch.p4, *_of_all(batch.p4, self.axis, self.angle)))


def _of_all(p4: Tensor, axis: tuple[float, float, float], size: float) -> tuple[Tensor, Tensor]:
    """A unit vector (1, 1, 3) and a size (1, 1, 1) that are the same for all jets."""
    return p4.new_tensor(axis)[None, None], p4.new_full((1, 1, 1), size)


def _check(name: str, what: str, change: Callable[[float], RandomView], is_boost: bool, claim: str = LORENTZ) -> Check:
    strengths, axis = (BETAS, "beta") if is_boost else (ANGLES, "angle (degrees)")
    return Check(name, what, change, strengths, axis, claim=claim, beams=True)


CHECKS = (
    _check("boost_along", "boosted along the beam", lambda beta: Boost(beta, Z), True, ALONG_BEAM),
    _check("boost_across", "boosted across the beam", lambda beta: Boost(beta, X), True),
    _check("rotate_about", "rotated about the beam", lambda angle: Rotation(angle, Z), False, ABOUT_BEAM),
    _check("rotate_across", "rotated about an axis across the beam", lambda angle: Rotation(angle, X), False),
)
