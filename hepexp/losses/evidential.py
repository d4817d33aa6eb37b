"""Evidential classification: the network predicts a Dirichlet distribution of the class probabilities."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Dirichlet, kl_divergence

from hepexp.errors import ConfigError
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.sampled import entropy
from hepexp.losses.weighted import weighted_mean


class Evidential(CrossEntropy):
    """E[-ln p(class)] under Dirichlet(alpha), alpha = 1 + softplus(z), plus a penalty on evidence for other classes.

    With S the sum of the alphas the first term is psi(S) - psi(alpha_y). The penalty is weight times the divergence of
    Dirichlet(alpha'), alpha' = alpha but 1 for the true class, from the uniform one. The scores are the means
    alpha / S; `aleatoric` is the expected entropy, sum_c alpha_c / S (psi(S + 1) - psi(alpha_c + 1)), and `epistemic`
    the entropy of the mean less that, in nats. Its size depends on the penalty: it ranks examples rather than
    measuring a spread of trainings (V. Bengs et al., arXiv:2203.06102).

    Parameters
    ----------
    kl_weight : of the penalty, once it is fully on.
    annealing_steps : over which its weight rises from 0, so that evidence can be found first; 0 for at once.

    Raises
    ------
    ConfigError : a negative weight or number of steps.

    References
    ----------
    M. Sensoy, L. Kaplan, M. Kandemir, arXiv:1806.01768, equations 4 and 5.
    """

    takes_mixtures = False
    steps: Tensor

    def __init__(self, kl_weight: float = 0.1, annealing_steps: int = 500) -> None:
        super().__init__()
        if not kl_weight >= 0:
            raise ConfigError(f"loss.kl_weight must be >= 0, got {kl_weight}")
        if annealing_steps < 0:
            raise ConfigError(f"loss.annealing_steps must be >= 0, got {annealing_steps}")
        self.kl_weight, self.annealing_steps = kl_weight, annealing_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))  # saved: a resumed run does not start over

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return of_dirichlet(self._alpha(model, batch))

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        alpha = self._alpha(model, batch)
        of_class = F.one_hot(batch.label, alpha.shape[1]).bool()
        risk = torch.digamma(alpha.sum(1)) - torch.digamma(alpha[of_class])
        flat = Dirichlet(torch.ones_like(alpha), validate_args=False)
        penalty = kl_divergence(Dirichlet(torch.where(of_class, 1.0, alpha), validate_args=False), flat)
        each = risk + self.kl_weight * self._share() * penalty
        if self.training:
            self.steps += 1
        outputs = {name: value.detach() for name, value in of_dirichlet(alpha).items()}
        return {"loss": weighted_mean(each, batch.weight)}, {**outputs, "loss": each.detach()}

    def _alpha(self, model: nn.Module, batch) -> Tensor:
        return 1 + F.softplus(self._logits(model, batch))

    def _share(self) -> Tensor | float:
        """Of the penalty's weight, in [0, 1]."""
        return (self.steps / self.annealing_steps).clamp(max=1) if self.annealing_steps else 1.0


def of_dirichlet(alpha: Tensor) -> dict[str, Tensor]:
    """Mean, and expected and remaining entropy in nats, of Dirichlet distributions (B, C)."""
    total = alpha.sum(1, keepdim=True)
    mean = alpha / total
    aleatoric = (mean * (torch.digamma(total + 1) - torch.digamma(alpha + 1))).sum(1)
    return {"scores": mean, "aleatoric": aleatoric, "epistemic": (entropy(mean) - aleatoric).clamp(min=0)}
