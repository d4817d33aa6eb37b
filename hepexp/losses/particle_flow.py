"""The particle of each track and tower: cross entropy of its class, squared errors of its momentum and charge."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.losses.element_outputs import sums
from hepexp.losses.particle_flow_base import ParticleFlowObjective, judged, outputs_of, require_weights, wanted_of
from hepexp.losses.weighted import weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.flow_elements import divided

ENERGY_UNIT = 1000.0  # GeV


class ParticleFlowLoss(ParticleFlowObjective):
    """CE(class) + `regression` MSE(pT, eta, sin phi, cos phi, E / TeV) + `charge` MSE(q), of an event.

    The cross entropy is averaged over all elements, also those without a particle; the squared errors, pT in GeV, over
    those with one, summed over the five numbers.

    Parameters
    ----------
    regression, charge : weights of the squared errors.

    Raises
    ------
    ConfigError : a weight that is negative or infinite; from `prepare`, data that are no tracks and towers, or a model
        without these outputs.

    References
    ----------
    J. Pata et al., arXiv:2101.08578, section 4.
    """

    option = "particle_flow"
    metrics = (
        Metric(
            "train/classification",
            "lower",
            "cross entropy",
            "Cross entropy of the class of each element.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/regression",
            "lower",
            "squared error",
            "Squared errors of pT / GeV, eta, sin phi, cos phi and E / TeV, summed.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/charge",
            "lower",
            "squared error of the charge",
            "Squared error of the charge.",
            range=">= 0",
            recorded=False,
        ),
    )

    def __init__(self, regression: float = 1.0, charge: float = 1.0e-3) -> None:
        super().__init__()
        require_weights(regression=regression, charge=charge)
        self.regression, self.charge = regression, charge

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found = outputs_of(model, batch)
        logits, charge, momentum = divided(found)
        example = torch.arange(len(batch), device=found.device)[:, None].expand_as(batch.mask)
        pid = batch.element_label[..., 0]
        known = batch.mask & (pid >= 0)
        there = known & (pid > 0)
        true_charge, wanted = wanted_of(batch.element_target.to(found.dtype))
        scale = found.new_ones(wanted.shape[-1])
        scale[-1] = 1 / ENERGY_UNIT
        entropy = F.cross_entropy(logits[known], pid[known], reduction="none")
        squares = ((momentum[there] - wanted[there]) * scale).square().sum(-1)
        of_charge = (charge[there] - true_charge[there]).square()

        def mean(each: Tensor, chosen: Tensor) -> Tensor:
            return sums(each, example[chosen], len(batch)) / chosen.sum(1).clamp(min=1)

        parts = {
            "classification": mean(entropy, known),
            "regression": mean(squares, there),
            "charge": mean(of_charge, there),
        }
        loss = parts["classification"] + self.regression * parts["regression"] + self.charge * parts["charge"]
        terms = {"loss": weighted_mean(loss, batch.weight)}
        terms |= {name: weighted_mean(each.detach(), batch.weight) for name, each in parts.items()}
        outputs = {"loss": loss.detach()}
        if not self.training:
            outputs |= judged(found.detach(), wanted, true_charge, batch)
        return terms, outputs
