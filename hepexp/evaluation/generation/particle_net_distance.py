"""Frechet ParticleNet distance: how far generated jets are from JetNet's, as a published classifier sees them.

The weights of the classifier, and the moments of its 256 activations for 50,000 jets of JetNet, are files of the
package `jetnet`, which is not imported: it needs others that do not work beside ours. They come from its wheel,

    pip install --no-deps jetnet

References
----------
R. Kansal et al., arXiv:2106.11535, section 4; the package JetNet 0.2.5.
"""

from __future__ import annotations

import pickle
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hepexp.errors import DataError
from hepexp.evaluation.generation.physics_distances import frechet_of_moments

KINDS = {"gluon": "g", "quark": "q", "top": "t"}  # of which there are moments, and the letters of their files
N_PARTICLES, MOST = 30, 50_000
MISSING = "not computed: jetnet's files are not installed; pip install --no-deps jetnet"
OTHER_LENGTH = f"not computed: the published network reads jets of {N_PARTICLES} particles"
TOO_FEW = "not computed: a covariance needs two jets"
_SHIFT, _LARGEST = (0.0, 0.0, -0.5), (1.6211985349655151, 0.520724892616272, 0.8934717178344727)  # jetnet's fpnd_norm
_NEIGHBOURS, _LAYERS, _BLOCKS = 16, 3, 3
_WIDTH, _REPLICAS, _JETS_AT_ONCE = 256, 20, 100
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def folder() -> Path | None:
    """Where the files of the package are, or None where it is not installed."""
    found = find_spec("jetnet")  # which does not import it
    places = [Path(place) for place in found.submodule_search_locations or ()] if found else []
    there = [place / "evaluation" / "fpnd_resources" / "jetnet" / f"{N_PARTICLES}_particles" for place in places]
    return next((place for place in there if place.is_dir()), None)


class ParticleNetDistance:
    """The distance of jets from those of JetNet, in the activations of the published ParticleNet.

    Parameters
    ----------
    resources : folder with `pnet_state_dict.pt`, `g_mu.txt`, `g_sigma.txt` and so on.

    Raises
    ------
    DataError : a file is missing, or is not what the package has.
    """

    def __init__(self, resources: Path) -> None:
        self.resources = resources
        path = resources / "pnet_state_dict.pt"
        try:
            self.weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
            activations(torch.zeros(1, N_PARTICLES, 3), self.weights)
        except (OSError, KeyError, TypeError, AttributeError, RuntimeError, ValueError, pickle.UnpicklingError):
            raise DataError(f"{path}: expected the weights of ParticleNet of jetnet 0.2.5; install it again") from None

    def moments(self, kind: str) -> Moments:
        """Mean (256,) and covariance (256, 256) of the activations of JetNet's jets of a kind."""
        found = []
        for name, shape in (("mu", (_WIDTH,)), ("sigma", (_WIDTH, _WIDTH))):
            path = self.resources / f"{KINDS[kind]}_{name}.txt"
            try:
                values = np.array(path.read_text(encoding="utf-8").split(), np.float64)
            except (OSError, ValueError):
                values = np.zeros(0)
            if values.size != np.prod(shape) or not np.isfinite(values).all():
                raise DataError(f"{path}: expected {shape} finite numbers, as in jetnet 0.2.5; install it again")
            found.append(values.reshape(shape))
        return found[0], found[1]

    @torch.no_grad()
    def of(self, cloud: NDArray, kind: str, seed: int = 0) -> tuple[float, float]:
        """The distance of jets of a kind, and its standard deviation over bootstrap replicas of them.

        It is biased upwards by an amount that falls as one over the number of jets; published values have 50,000.

        Parameters
        ----------
        cloud : (n, N, 3) as (eta_rel, phi_rel, pt_rel), at most 30 particles each, zero for padding.
        kind : an entry of `KINDS`.
        """
        x = torch.from_numpy(np.pad(cloud[:MOST], ((0, 0), (0, N_PARTICLES - cloud.shape[1]), (0, 0))))
        parts = [activations(part, self.weights) for part in normalised(x).float().split(_JETS_AT_ONCE)]
        found, (mean, covariance) = torch.cat(parts).double().numpy(), self.moments(kind)
        random = np.random.default_rng(seed)

        def distance(rows: NDArray | slice) -> float:
            some = found[rows]
            return frechet_of_moments(mean, covariance, some.mean(0), np.cov(some, rowvar=False))

        replicas = [distance(random.integers(0, len(found), len(found))) for _ in range(_REPLICAS)]
        return distance(slice(None)), float(np.std(replicas, ddof=1))


def fpnd(cloud: NDArray, kind: str, seed: int = 0) -> tuple[float, float] | str:
    """The distance of jets and its error, as in `ParticleNetDistance.of`, or why it has no value."""
    if (resources := folder()) is None:
        return MISSING
    if cloud.shape[1] > N_PARTICLES:
        return OTHER_LENGTH
    return published(resources).of(cloud, kind, seed) if len(cloud) > 1 else TOO_FEW


@cache
def published(resources: Path) -> ParticleNetDistance:
    """The distance with the files of a folder, which are read once."""
    return ParticleNetDistance(resources)


def normalised(cloud: Tensor) -> Tensor:
    """Jets (n, 30, 3) as the published network reads them, padding and all."""
    return cloud / cloud.new_tensor(_LARGEST) + cloud.new_tensor(_SHIFT)


def activations(x: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """What the published ParticleNet makes of jets (n, N, 3) before its last layer: (n, 256).

    Three blocks of edge convolutions over the 16 nearest neighbours, in the angles at first and then in all features;
    the mean over neighbours, beside what the block has read; the mean over particles; a linear layer.

    Parameters
    ----------
    weights : of the network, by the names of its package.
    """
    near = x[..., :2]
    for block in range(_BLOCKS):
        apart = (near[:, :, None] - near[:, None]).square().sum(-1)
        apart.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        neighbour = apart.topk(_NEIGHBOURS, largest=False).indices  # (n, N, 16)
        n, of = len(x), x.shape[-1]
        first = weights[f"edge_nets.{block}.model.0.weight"]
        # W (x_i, x_j - x_i) = (W_1 - W_2) x_i + W_2 x_j, of each particle and not of each pair
        own, other = x @ (first[:, :of] - first[:, of:]).T, x @ first[:, of:].T
        chosen = other.gather(1, neighbour.reshape(n, -1, 1).expand(-1, -1, other.shape[-1]))
        y = own[:, :, None] + chosen.unflatten(1, neighbour.shape[1:]) + weights[f"edge_nets.{block}.model.0.bias"]
        for layer in range(_LAYERS):
            name = f"edge_nets.{block}.model.{3 * layer}"
            if layer:
                y = F.linear(y, weights[f"{name}.weight"], weights[f"{name}.bias"])
            y = _standardised(y, f"edge_nets.{block}.model.{3 * layer + 1}", weights).relu()
        near = x = torch.cat([y.mean(2), x], -1)
    return F.linear(x.mean(1), weights["fc1.0.weight"], weights["fc1.0.bias"])


def _standardised(y: Tensor, name: str, weights: dict[str, Tensor]) -> Tensor:
    """Batch normalisation by the moments of the training."""
    mean, variance, scale, shift = (
        weights[f"{name}.{end}"] for end in ("running_mean", "running_var", "weight", "bias")
    )
    return (y - mean) * (scale / (variance + 1e-5).sqrt()) + shift
