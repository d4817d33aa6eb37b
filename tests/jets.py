"""Synthetic jets for tests: massive particles in a cone, in float64, and the Lorentz group to move them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.check.arrangement import Padded, Permuted

MASSES = torch.tensor([0.13957, 0.49368, 0.93827, 0.000511], dtype=torch.float64)  # pi, K, p, e; GeV


def random_jets(
    n_jets: int = 8,
    n_min: int = 3,
    n_max: int = 12,
    n_scalars: int = 8,
    seed: int = 0,
    multiplicity: Tensor | None = None,
) -> JetBatch:
    """Jets of n_min..n_max (or the given numbers of) particles within about 0.4 of a random axis.

    pT falls from tens of GeV to a few hundred MeV; scalars are one-hot, as a particle type is; labels alternate.
    """
    g = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=g, dtype=torch.float64)

    if multiplicity is None:
        multiplicity = torch.randint(n_min, n_max + 1, (n_jets,), generator=g)
    n_jets, n = len(multiplicity), int(multiplicity.max())
    mask = torch.arange(n) < multiplicity[:, None]
    radius, angle = 0.4 * uniform(n_jets, n).sqrt(), uniform(n_jets, n, high=2 * torch.pi)
    y = uniform(n_jets, 1, low=-1.5, high=1.5) + radius * angle.cos()
    phi = uniform(n_jets, 1, low=-torch.pi, high=torch.pi) + radius * angle.sin()
    pt = 0.3 * torch.exp(5 * uniform(n_jets, n) ** 2)
    mass = MASSES[torch.randint(len(MASSES), (n_jets, n), generator=g)]
    mt = torch.hypot(pt, mass)
    p4 = torch.stack([mt * y.cosh(), pt * phi.cos(), pt * phi.sin(), mt * y.sinh()], dim=-1)
    kind = torch.randint(max(n_scalars, 1), (n_jets, n), generator=g)
    scalars = torch.nn.functional.one_hot(kind, max(n_scalars, 1))[..., :n_scalars].float()
    return JetBatch(
        p4=p4 * mask[..., None],
        scalars=scalars * mask[..., None],
        mask=mask,
        label=torch.arange(n_jets) % 2,
        index=torch.arange(n_jets),
        extras=torch.zeros(n_jets, 0),
    )


def permute(jets: JetBatch, seed: int = 0) -> JetBatch:
    """The particles of each jet in another order; real ones still come first."""
    return Permuted()(jets, torch.Generator().manual_seed(seed))


def pad(jets: JetBatch, n_more: int) -> JetBatch:
    """The same jets with n_more empty places each."""
    return Padded(n_more)(jets, torch.Generator())


def select(jets: JetBatch, rows: list[int]) -> JetBatch:
    """Some of the jets, with no more padding than they need."""
    n = int(jets.mask[rows].sum(1).max())
    padded = {name: getattr(jets, name)[rows, :n] for name in ("p4", "scalars", "mask")}
    return JetBatch(jets.label[rows], jets.index[rows], jets.extras[rows], **padded)


def transform(jets: JetBatch, matrix: Tensor) -> JetBatch:
    """All four-momenta multiplied by a 4 x 4 matrix."""
    return replace(jets, p4=jets.p4 @ matrix.T)


def boost(beta: float, direction: Tensor) -> Tensor:
    """The 4 x 4 boost to velocity beta along a direction (3,)."""
    n = direction / direction.norm()
    gamma = (1 - beta**2) ** -0.5
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[0, 0] = gamma
    matrix[0, 1:] = matrix[1:, 0] = -gamma * beta * n
    matrix[1:, 1:] += (gamma - 1) * torch.outer(n, n)
    return matrix


def rotation(g: torch.Generator) -> Tensor:
    """A random rotation of space, uniform over the group, as a 4 x 4 matrix."""
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=g, dtype=torch.float64))
    q = q * r.diagonal().sign()
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[1:, 1:] = q * q.det()
    return matrix


def random_lorentz(beta: float, seed: int = 0) -> Tensor:
    """A random rotation, then a boost to velocity beta in a random direction."""
    g = torch.Generator().manual_seed(seed)
    return boost(beta, torch.randn(3, generator=g, dtype=torch.float64)) @ rotation(g)
