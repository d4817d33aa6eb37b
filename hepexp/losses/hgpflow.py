"""Particles that share out the energy of tracks and towers: their shares, which of them exist, and their momenta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from hepexp.batch import DataSpec, JetBatch
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.losses.particle_flow_base import (
    ParticleFlowObjective,
    found_columns,
    judged,
    require_weights,
    wanted_of,
)
from hepexp.losses.weighted import weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.flow_elements import feature

if TYPE_CHECKING:
    from hepexp.models.hgpflow import Hypergraph

ANGLE = 0.1  # unit of errors of a direction, about the width of a cell of the HCAL
FAR = -20.0  # ln of the share that a particle is taken to have of an element that it cannot reach


class HGPFlowLoss(ParticleFlowObjective):
    """`incidence` KL(shares) + CE(class) + `regression` (momentum), of an event.

    The share q_pi of a particle p in an element i is the energy that it left there over that of all particles. A
    particle with a track is that of its track. The others are matched one to one to the neutral hyperedges of the
    model, so that the sum of - sum_i q_pi ln I_pi, and of the cross entropies of their existence, is least.

    KL = sum_p q_pi ln(q_pi / I_pi) is averaged over the towers within 0.1 of which, in eta and in azimuth, a track
    leaves the tracker, and over the others, and both count the same, as the first are fewer. Which they are is known
    without the truth, by which weights would pull shares away from their means. The cross entropy, over all hyperedges,
    is that of no particle, which those without a match are, and of the classes. Errors of momenta, averaged over the
    neutral particles, are smooth absolute ones of ln(1 + pT / GeV), ln(1 + E / GeV), and eta, sin phi and cos phi in
    units of 0.1.

    Parameters
    ----------
    incidence, regression : weights.

    Raises
    ------
    ConfigError : a weight that is negative or infinite; from `prepare`, data without deposits, or a model without
        hyperedges.

    References
    ----------
    F. A. Di Bello et al., arXiv:2212.01328.
    """

    option = "hgpflow"
    metrics = (
        Metric(
            "train/incidence",
            "lower",
            "divergence of the shares",
            "Kullback-Leibler divergence of the shares in the energy of a tower.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/classification",
            "lower",
            "cross entropy",
            "Cross entropy of the class of each particle, none included.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/regression",
            "lower",
            "error of momenta",
            "Smooth absolute errors of the momenta of neutral particles, summed.",
            range=">= 0",
            recorded=False,
        ),
    )

    def __init__(self, incidence: float = 1.0, regression: float = 1.0) -> None:
        super().__init__()
        require_weights(incidence=incidence, regression=regression)
        self.incidence, self.regression = incidence, regression

    def prepare(self, model, example, spec: DataSpec) -> None:
        super().prepare(model, example, spec)
        if not callable(getattr(model, "hypergraph", None)):
            raise ConfigError(
                f"loss=hgpflow needs shares of particles in the energy of elements; {type(model).__name__} does not "
                "give them; choose model=hgpflow, or loss=particle_flow"
            )
        if example.deposits is None:
            raise ConfigError("loss=hgpflow needs what each particle left in each tower: set dataset.deposits=true")
        if not example.deposits.any():
            raise ConfigError(
                "loss=hgpflow needs what each particle left in each tower, columns edges.source, edges.target and "
                "edges.energy; the typical event has none"
            )

    def terms(self, model, batch: JetBatch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found = model.hypergraph(batch)
        log_incidence, log_kind = (x if x.element_size() >= 4 else x.float() for x in found[1:3])
        found = found._replace(log_incidence=log_incidence, log_kind=log_kind)
        assert batch.deposits is not None
        assert batch.element_label is not None
        assert batch.element_target is not None
        is_track = feature(batch.scalars, "is_track")[0] > 0
        pid = batch.element_label[..., 0]
        total = batch.deposits.to(log_incidence.dtype).sum(1, keepdim=True)
        share = batch.deposits / total.clamp(min=torch.finfo(total.dtype).tiny)
        of = matched(found, share, pid, is_track, batch.mask)
        label = torch.where(of < 0, 0, pid.gather(1, of.clamp(min=0))).masked_fill(~batch.mask, -1)
        charge, wanted = wanted_of(batch.element_target.to(found.momentum.dtype))
        true = wanted.gather(1, of.clamp(min=0)[..., None].expand_as(wanted))
        known, neutral = label >= 0, (label > 0) & ~is_track
        share_of_tracks = (share * is_track[..., None]).sum(1)
        filled = (total[:, 0] > 0) & batch.mask & ~is_track
        close = found.near.allowed & found.near.of(is_track) & (found.near.pair[..., :2].abs() < 1).all(-1)
        kinds = [filled & close.any(-1), filled & ~close.any(-1)]
        divergence = _divergence(found, share, of)
        of_kinds = torch.stack([_mean(divergence, kind) for kind in kinds])
        n_kinds = torch.stack([kind.any(1) for kind in kinds]).sum(0)
        parts = {
            "incidence": of_kinds.sum(0) / n_kinds.clamp(min=1),
            "classification": _mean(-log_kind.gather(2, label.clamp(min=0)[..., None])[..., 0], known),
            "regression": _mean(_error(found.momentum, true), neutral),
        }
        loss = self.incidence * parts["incidence"] + parts["classification"] + self.regression * parts["regression"]
        terms = {"loss": weighted_mean(loss, batch.weight)}
        terms |= {name: weighted_mean(each.detach(), batch.weight) for name, each in parts.items()}
        outputs = {"loss": loss.detach()}
        if not self.training:
            outputs |= judged(model.of_elements(batch, found).detach(), wanted, charge, batch)
            outputs |= _shares(found, batch)
            outputs[f"{ELEMENT}target_share"] = share_of_tracks.masked_fill(~filled, -1)[batch.mask]
        return terms, outputs

    def outputs(self, model, batch: JetBatch) -> dict[str, Tensor]:
        found = model.hypergraph(batch)
        elements = model.of_elements(batch, found)
        return found_columns(elements, batch) | _shares(found, batch)


def _shares(found: Hypergraph, batch: JetBatch) -> dict[str, Tensor]:
    """The share (m,) of particles with a track in the energy of each tower, -1 for a track."""
    is_track = feature(batch.scalars, "is_track")[0] > 0
    share = found.log_incidence.detach().to(batch.scalars.dtype).exp()
    of_tracks = (share * found.near.of(is_track)).sum(-1).masked_fill(is_track, -1)
    return {f"{ELEMENT}share": of_tracks[batch.mask]}


@torch.no_grad()
def matched(found: Hypergraph, share: Tensor, pid: Tensor, is_track: Tensor, mask: Tensor) -> Tensor:
    """The true particle of each hyperedge (B, N), by its place; -1 where there is none.

    Parameters
    ----------
    share : (B, N, N) of particles (rows) in elements (columns); pid : (B, N) class of each particle, 0 of none,
        negative where it is unknown; is_track, mask : (B, N).
    """
    reached = found.log_incidence.to(share.dtype).clamp(min=FAR)
    log_share = torch.full_like(share, FAR).scatter(2, found.near.place, reached)
    log_none, kind = found.log_kind[:, None, :, 0].to(share.dtype), pid[..., None]
    log_there = torch.log1p(-log_none.exp().clamp(max=1 - 1e-6))
    of_kind = torch.where(kind > 0, log_there - log_none, torch.where(kind < 0, -log_none, 0.0))
    cost = -(share @ log_share) - of_kind  # (B, particles, hyperedges)
    neutral = mask & ~is_track
    of = torch.where(mask & is_track, torch.arange(mask.shape[1], device=mask.device), -1)
    there = neutral & (share.any(2) | (pid != 0))
    found_of, *by_event = (each.cpu().numpy() for each in (of, cost.nan_to_num(), there, neutral))
    for own, costs, particles, edges in zip(found_of, *by_event, strict=True):
        rows, columns = linear_sum_assignment(costs[np.ix_(particles, edges)])
        own[np.flatnonzero(edges)[columns]] = np.flatnonzero(particles)[rows]
    return torch.from_numpy(found_of).to(mask.device)


def _divergence(found: Hypergraph, share: Tensor, of: Tensor) -> Tensor:
    """sum_p q_pi ln(q_pi / I_pi) of each element (B, N); particles whose hyperedge cannot reach it count as one."""
    particle = found.near.of(of)  # (B, N, k)
    true = share.mT.gather(2, particle.clamp(min=0)).masked_fill((particle < 0) | ~found.near.allowed, 0)
    far = (share.sum(1) - true.sum(-1)).clamp(min=0)
    return (torch.xlogy(true, true) - true * found.log_incidence).sum(-1) + torch.xlogy(far, far) - far * FAR


def _error(momentum: Tensor, true: Tensor) -> Tensor:
    """Of momenta (B, N, 5), summed over the five numbers, (B, N)."""
    found, true = (
        torch.cat([p[..., :1].clamp(min=0).log1p(), p[..., -1:].clamp(min=0).log1p(), p[..., 1:4] / ANGLE], -1)
        for p in (momentum, true)
    )
    return F.smooth_l1_loss(found, true, reduction="none", beta=0.1).sum(-1)


def _mean(each: Tensor, chosen: Tensor) -> Tensor:
    """Mean (B,) over the chosen elements of each event, 0 where there is none."""
    return (each * chosen).sum(1) / chosen.sum(1).clamp(min=1)
