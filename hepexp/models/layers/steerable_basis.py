"""Equivariant 3 x 3 kernels between fields of a finite group of rotations and reflections, from escnn.

They are cached on disk: escnn takes seconds to import and up to half a minute to build them.
"""

from __future__ import annotations

import logging
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hepexp.atomic import atomic
from hepexp.models.layers.escnn_import import VERSION, folder, import_escnn, require_escnn

log = logging.getLogger(__name__)
GROUPS = {"C4": (4, False), "C8": (8, False), "D4": (4, True), "D8": (8, True)}  # rotations, with reflections
SIZE = 3  # rows and columns of a kernel
DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)  # what numpy raises for such a file


@dataclass(frozen=True)
class SteerableBasis:
    """A basis of the kernels K that map one input field to one output field and commute with the group,

        K(g x) = rho_out(g) K(x) rho_in(g)^-1  for all g.

    An output field is regular: one channel for each element of the group. An input field is regular too, or a scalar.

    Parameters
    ----------
    kernels : (K, n_out, n_in, 3, 3) float64, the K kernels; n_out is the order of the group.
    spread : (K,) float64, standard deviation of the initial weights for one input field; for several it is divided by
        the square root of their number.

    References
    ----------
    Weiler and Cesa, arXiv:1911.08251, sections 2.3 and 2.6; the initial weights: Weiler, Hamprecht and Storath,
    arXiv:1711.07289, section 3.
    """

    kernels: Tensor
    spread: Tensor


def order(group: str) -> int:
    """Number of elements of a group."""
    rotations, reflects = GROUPS[group]
    return rotations * (1 + reflects)


@cache
def steerable_basis(group: str, lifts: bool) -> SteerableBasis:
    """The basis of a group: read from disk if an intact file exists, otherwise built and written.

    Two processes that build the same basis write the same file, and a file gets its name only when it is complete. A
    folder that cannot be written costs the time of building, not the run. escnn must be installed in any case, so that
    whether a model runs does not depend on what a previous run left behind.

    Parameters
    ----------
    group, lifts : as for build_basis.

    Raises
    ------
    ConfigError : escnn is not installed.
    """
    require_escnn()
    path = folder() / f"{group}_{'lift' if lifts else 'regular'}_{VERSION}.npz"
    try:
        return _read(path, order(group), 1 if lifts else order(group))
    except FileNotFoundError:
        pass
    except DAMAGED as error:
        log.warning("model: %s is damaged (%s) and is built again", path, error)
    log.info("model: building the kernels of %s", group)
    basis = build_basis(group, lifts)
    try:
        with atomic(path) as temporary:
            np.savez(temporary, kernels=basis.kernels.numpy(), spread=basis.spread.numpy())
    except OSError as error:
        log.warning("model: the kernels of %s cannot be cached, %s: %s", group, path.parent, error)
    return basis


def build_basis(group: str, lifts: bool) -> SteerableBasis:
    """The basis as escnn builds it, in float64 and exact for the symmetries of the pixel lattice.

    escnn samples kernels in float32. Averaging them over the group's rotations by 90 degrees and reflections removes
    the rounding, so that the network commutes with these to all digits of float64; rotations by 45 degrees (C8, D8)
    move pixels off the lattice, and are a symmetry only as far as a 3 x 3 kernel can sample it.

    Parameters
    ----------
    group : a key of GROUPS.
    lifts : whether the input is a scalar field, such as an image; otherwise it is a regular one.

    Raises
    ------
    ConfigError : escnn is not installed.
    """
    escnn = import_escnn()
    rotations, reflects = GROUPS[group]
    space = (escnn.gspaces.flipRot2dOnR2 if reflects else escnn.gspaces.rot2dOnR2)(rotations)
    into, out = space.trivial_repr if lifts else space.regular_repr, space.regular_repr
    types = [escnn.nn.FieldType(space, [field]) for field in (into, out)]
    expansion = escnn.nn.R2Conv(*types, SIZE, padding=1, bias=False, initialize=False).basisexpansion
    identity = torch.eye(expansion.dimension())
    sampled = np.stack([expansion(row).double().numpy() for row in identity])  # (K, n_out, n_in, 9)
    kernels = torch.from_numpy(_average(sampled, space, into, out, expansion.points))
    return SteerableBasis(kernels.unflatten(-1, (SIZE, SIZE)), _spread(expansion))


def _average(kernels: np.ndarray, space, field_in, field_out, points: np.ndarray) -> np.ndarray:
    """Mean over the group's symmetries of the lattice of rho_out(g) K(g^-1 x) rho_in(g)^-1."""
    moved = []
    for g in space.fibergroup.elements:
        rotation = space.basespace_action(g)
        if not np.allclose(rotation, np.rint(rotation)):
            continue
        origin = points @ np.rint(rotation)  # g^-1 x for each point x, as a row
        index = [int(np.flatnonzero((points == x).all(1))[0]) for x in origin]
        out, into = np.rint(field_out(g)), np.rint(field_in(g))  # permutations
        moved.append(np.einsum("ab,kbcx,dc->kadx", out, kernels[..., index], into))
    return np.mean(moved, axis=0)


def _spread(expansion) -> Tensor:
    """He initialisation for kernels of unit norm: each irreducible part of the output gets variance one."""
    elements = list(expansion.get_basis_info())
    parts = [(element["out_irreps_position"], element["in_irrep"]) for element in elements]
    kinds = {output: len({i for o, i in parts if o == output}) for output, _ in parts}
    return torch.tensor([(kinds[part[0]] * parts.count(part)) ** -0.5 for part in parts], dtype=torch.float64)


def _read(path: Path, n_out: int, n_in: int) -> SteerableBasis:
    """A file's basis; the archive's checksums reveal changed bytes, and the shapes a file of another version."""
    with np.load(path, allow_pickle=False) as file:
        kernels, spread = file["kernels"], file["spread"]
    if kernels.shape != (len(spread), n_out, n_in, SIZE, SIZE) or not len(spread):
        raise ValueError(f"kernels of shape {kernels.shape}")
    if kernels.dtype != np.float64 or spread.dtype != np.float64:
        raise ValueError(f"{kernels.dtype} instead of float64")
    return SteerableBasis(torch.from_numpy(kernels), torch.from_numpy(spread))
