"""The particle of each track and tower: cross entropy of its class, squared errors of its momentum and charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.evaluation.evaluators.particle_flow import ParticleFlowEvaluator
from hepexp.losses.element_outputs import check_elements, sums
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.flow_elements import N_OUTPUTS, divided, feature

if TYPE_CHECKING:
    from hepexp.losses.flow_jets import Side

OF_PARTICLES = ("target_charge", "target_pt", "target_eta", "target_phi", "target_energy")
ENERGY_UNIT = 1000.0  # GeV


class ParticleFlowLoss(Objective):
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

    evaluator = ParticleFlowEvaluator()
    needs = (("element", "class"), ("element", "real"))
    takes_weights = True
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
        for key, value in (("regression", regression), ("charge", charge)):
            if not 0 <= value < float("inf"):
                raise ConfigError(f"loss.{key} must be >= 0 and finite, got {value}")
        self.regression, self.charge = regression, charge

    def n_outputs(self, spec: DataSpec) -> int:
        return N_OUTPUTS

    def check_names(self, spec: DataSpec) -> None:
        labels, reals = ([one.name for one in spec.targets_of("element", kind)] for kind in ("class", "real"))
        if labels != ["target_pid"] or tuple(reals) != OF_PARTICLES:
            raise ConfigError(
                f"loss=particle_flow needs dataset.element_targets=[target_pid,{','.join(OF_PARTICLES)}], as "
                f"data=particle_flow has them; got [{','.join((*labels, *reals))}]"
            )

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.check_names(spec)
        if not hasattr(example, "mask"):
            raise ConfigError(
                f"loss=particle_flow needs particles; {type(model).__name__} reads another representation"
            )
        check_elements(model, example, example.element_label, "particles", N_OUTPUTS, "loss=particle_flow")

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return _found(_outputs(model, batch), batch)

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found = _outputs(model, batch)
        logits, charge, momentum = divided(found)
        example = torch.arange(len(batch), device=found.device)[:, None].expand_as(batch.mask)
        pid = batch.element_label[..., 0]
        known = batch.mask & (pid >= 0)
        there = known & (pid > 0)
        true_charge, wanted = _wanted(batch.element_target.to(found.dtype))
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
            outputs |= _judged(found.detach(), wanted, true_charge, batch)
        return terms, outputs

    def of_test(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Jets of true and found particles, which take too long for each epoch; none without FastJet."""
        if find_spec("fastjet") is None:
            return {}
        from hepexp.losses.flow_jets import matched_jets  # FastJet is an optional package

        flat = {name.removeprefix(ELEMENT): values for name, values in outputs.items() if name.startswith(ELEMENT)}
        event = np.searchsorted(outputs["index"], flat["index"])
        true, found = _sides(flat)
        return {"jets": matched_jets(event, true, found, len(outputs["index"]))}

    def gallery(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """The elements, particles and predictions of the first event of a batch, (m, 4): class, pT, eta and phi."""
        batch = replace(batch, **{name: values[:1] for name, values in batch.tensors().items()})
        found, own = _outputs(model, batch), batch.mask[0]
        columns = _columns(found, batch.mask)
        wanted = batch.element_target[0, own]
        is_track, em, pt, eta, sine, cosine = feature(
            batch.scalars[0, own], "is_track", "em", "pt", "eta", "sin_phi", "cos_phi"
        )
        kind = torch.where(is_track > 0, 1, torch.where(em > 0, 2, 3))
        phi = torch.atan2(sine, cosine)
        true_pt, true_eta, true_phi = (wanted[:, OF_PARTICLES.index(f"target_{name}")] for name in ("pt", "eta", "phi"))
        true_kind = batch.element_label[0, own, 0].to(wanted.dtype)
        return {
            "elements": torch.stack([kind.to(phi.dtype), pt, eta, phi], 1),
            "particles": torch.stack([true_kind, true_pt, true_eta, true_phi], 1),
            "found": torch.stack([columns[name].to(phi.dtype) for name in ("pid", "pt", "eta", "phi")], 1),
        }


def _outputs(model: nn.Module, batch) -> Tensor:
    found = model(batch)
    return found if found.element_size() >= 4 else found.float()


def _wanted(target: Tensor) -> tuple[Tensor, Tensor]:
    """Charge (B, N) and (pT, eta, sin phi, cos phi, E) (B, N, 5) of targets (B, N, 5), see OF_PARTICLES."""
    charge, pt, eta, phi, energy = target.unbind(-1)
    return charge, torch.stack([pt, eta, phi.sin(), phi.cos(), energy], -1)


def _columns(found: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Class, charge, pT, eta, phi and E (m,) that are found for real elements."""
    logits, charge, momentum = divided(found[mask])
    pt, eta, sine, cosine, energy = momentum.unbind(-1)
    return {
        "pid": logits.argmax(-1),
        "charge": charge,
        "pt": pt.clamp(min=0),
        "eta": eta,
        "phi": torch.atan2(sine, cosine),
        "energy": energy.clamp(min=0),
    }


def _found(found: Tensor, batch) -> dict[str, Tensor]:
    event = torch.arange(len(batch), device=found.device)[:, None].expand_as(batch.mask)[batch.mask]
    columns = {"index": batch.index[event], **_columns(found, batch.mask)}
    return {f"{ELEMENT}{name}": values for name, values in columns.items()}


def _judged(found: Tensor, wanted: Tensor, charge: Tensor, batch) -> dict[str, Tensor]:
    """What is found and true of each element, and the missing momentum of each event."""
    pt, eta, sine, cosine, energy = wanted[batch.mask].unbind(-1)
    true = {
        "target_pid": batch.element_label[..., 0][batch.mask],
        "target_charge": charge[batch.mask],
        "target_pt": pt,
        "target_eta": eta,
        "target_phi": torch.atan2(sine, cosine),
        "target_energy": energy,
    }
    columns = _found(found, batch) | {f"{ELEMENT}{name}": values for name, values in true.items()}
    event = torch.arange(len(batch), device=found.device)[:, None].expand_as(batch.mask)[batch.mask].cpu().numpy()
    flat = {name.removeprefix(ELEMENT): values.cpu().double().numpy() for name, values in columns.items()}
    missing = [_missing(event, there, pt, phi, len(batch)) for there, pt, _, phi in _sides(flat)]
    columns["missing"] = torch.from_numpy(np.stack(missing, 1))
    return columns


def _sides(flat: Mapping[str, np.ndarray]) -> tuple[Side, Side]:
    """The true and the found particles of elements whose particle is known: which there are, pT, eta and phi (m,)."""
    known = flat["target_pid"] >= 0

    def side(of: str) -> Side:
        return known & (flat[f"{of}pid"] > 0), flat[f"{of}pt"], flat[f"{of}eta"], flat[f"{of}phi"]

    return side("target_"), side("")


def _missing(event: np.ndarray, there: np.ndarray, pt: np.ndarray, phi: np.ndarray, n: int) -> np.ndarray:
    """Minus the sum (n, 2) of the transverse momenta of particles, GeV."""
    parts = (pt * np.cos(phi), pt * np.sin(phi))
    return -np.stack([np.bincount(event[there], part[there], n) for part in parts], 1)
