"""What losses of particle flow have in common: what is predicted of each track and tower, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.evaluation.evaluators.particle_flow import ParticleFlowEvaluator
from hepexp.losses.element_outputs import check_elements
from hepexp.losses.objective import Objective
from hepexp.models.layers.flow_elements import N_OUTPUTS, divided, feature

if TYPE_CHECKING:
    from hepexp.losses.flow_jets import Side

OF_PARTICLES = ("target_charge", "target_pt", "target_eta", "target_phi", "target_energy")


class ParticleFlowObjective(Objective):
    """Base of the losses of particle flow, which have an evaluator and predictions in common.

    A model gives 12 outputs for each element, see `divided`: its class, and the charge and momentum of its particle.

    Attributes
    ----------
    option : how the loss is chosen.

    Raises
    ------
    ConfigError : from `prepare`, data that are no tracks and towers, or a model without these outputs.
    """

    evaluator = ParticleFlowEvaluator()
    needs = (("element", "class"), ("element", "real"))
    takes_weights = True
    option: ClassVar[str]

    def n_outputs(self, spec: DataSpec) -> int:
        return N_OUTPUTS

    def check_names(self, spec: DataSpec) -> None:
        labels, reals = ([one.name for one in spec.targets_of("element", kind)] for kind in ("class", "real"))
        if labels != ["target_pid"] or tuple(reals) != OF_PARTICLES:
            raise ConfigError(
                f"loss={self.option} needs dataset.element_targets=[target_pid,{','.join(OF_PARTICLES)}], as "
                f"data=particle_flow has them; got [{','.join((*labels, *reals))}]"
            )

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.check_names(spec)
        if not hasattr(example, "mask"):
            raise ConfigError(
                f"loss={self.option} needs particles; {type(model).__name__} reads another representation"
            )
        check_elements(model, example, example.element_label, "particles", N_OUTPUTS, f"loss={self.option}")

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return found_columns(outputs_of(model, batch), batch)

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
        found, own = outputs_of(model, batch), batch.mask[0]
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


def require_weights(**weights: float) -> None:
    """Refuse weights of terms, by their keys, that are negative or infinite."""
    for key, value in weights.items():
        if not 0 <= value < float("inf"):
            raise ConfigError(f"loss.{key} must be >= 0 and finite, got {value}")


def outputs_of(model: nn.Module, batch) -> Tensor:
    found = model(batch)
    return found if found.element_size() >= 4 else found.float()


def wanted_of(target: Tensor) -> tuple[Tensor, Tensor]:
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


def found_columns(found: Tensor, batch) -> dict[str, Tensor]:
    """Columns `element/...` (m,) of what is found for the elements (B, N, 12) of a batch."""
    event = torch.arange(len(batch), device=found.device)[:, None].expand_as(batch.mask)[batch.mask]
    columns = {"index": batch.index[event], **_columns(found, batch.mask)}
    return {f"{ELEMENT}{name}": values for name, values in columns.items()}


def judged(found: Tensor, wanted: Tensor, charge: Tensor, batch) -> dict[str, Tensor]:
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
    columns = found_columns(found, batch) | {f"{ELEMENT}{name}": values for name, values in true.items()}
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
