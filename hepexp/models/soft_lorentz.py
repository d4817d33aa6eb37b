"""A Lorentz-invariant network with a free one beside it, whose share the data decide: a residual pathway prior."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError


class SoftLorentz(nn.Module):
    """f_A(x) + w f_B(x): the logits of a Lorentz-invariant network A, and those of a free one, B, with a learnt weight.

    All weights theta_A and theta_B, w among the latter, have normal priors of mean zero and variances sigma_a^2 and
    sigma_b^2; sigma_b < sigma_a says that the symmetry is likely, not certain. The training minimises the negative
    logarithm of the posterior density over the number N of training examples: the loss, plus

        (|theta_A|^2 / (N sigma_a^2) + |theta_B|^2 / (N sigma_b^2)) / 2.

    With w = 0 it is exactly invariant. Here the pathways meet in the logits alone, in the paper in each layer.

    Parameters
    ----------
    invariant : A, a model of particles that is Lorentz-invariant, such as lorentznet.
    free : B, any other model of particles.
    equivariant_precision : 1 / (N sigma_a^2); 0 for no prior.
    free_precision : 1 / (N sigma_b^2), the larger the less the symmetry is broken; 0 for no prior.
    free_weight : w at the start.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, S); mask (B, N), True for real particles, which come first
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a network that is not invariant in the place of A, one that does not read particles, a negative
        precision or weight.

    References
    ----------
    M. Finzi, G. Benton and A. G. Wilson, arXiv:2112.01388, sections 4 and 5.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        invariant: nn.Module,
        free: nn.Module,
        equivariant_precision: float = 1e-6,
        free_precision: float = 1e-3,
        free_weight: float = 0.1,
    ):
        super().__init__()
        given = {"equivariant_precision": equivariant_precision, "free_precision": free_precision}
        for key, value in (given | {"free_weight": free_weight}).items():
            if not value >= 0:
                raise ConfigError(f"model.{key} must be >= 0, got {value}")
        for key, network in (("invariant", invariant), ("free", free)):
            if network.input != "particles":
                raise ConfigError(f"model.{key} must read particles, {type(network).__name__} reads {network.input}")
        if not getattr(invariant, "lorentz_invariant", False):
            raise ConfigError(
                f"model.invariant must be Lorentz-invariant, {type(invariant).__name__} with these keys is not; "
                "LorentzNet is with metric=minkowski, variant=exact and symmetry_breaking=none"
            )
        self.invariant, self.free = invariant, free
        self.invariant_about_beam = getattr(free, "invariant_about_beam", False)
        self.invariant_along_beam = getattr(free, "invariant_along_beam", False)
        self.free_weight = nn.Parameter(torch.tensor([free_weight]))
        self.precisions = {"invariant": equivariant_precision, "free": free_precision}

    def forward(self, batch: JetBatch) -> Tensor:
        of_invariant, of_free = self.pathways(batch)
        return of_invariant + of_free

    def pathways(self, batch: JetBatch) -> tuple[Tensor, Tensor]:
        """f_A(x) and w f_B(x), both (B, n_classes); the logits are their sum."""
        return self.invariant(batch), self.free_weight * self.free(batch)

    def minus_log_prior(self) -> Tensor:
        """What the priors add to the loss: -ln p(theta) / N, up to a constant."""
        squares = {name: sum(p.square().sum() for p in getattr(self, name).parameters()) for name in self.precisions}
        squares["free"] = squares["free"] + self.free_weight.square().sum()
        return sum(precision * squares[name] for name, precision in self.precisions.items()) / 2
