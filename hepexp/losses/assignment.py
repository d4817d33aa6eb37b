"""Cross entropy of the jets of two tops, whichever is called the first."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.assignment import AssignmentEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean
from hepexp.models.layers.jet_triplets import triplets

COLUMNS = ("top", "role")
ROLES = ("none", "quark", "bottom")
N_TOPS = 2
CANDIDATES = 64  # triplets of each top among which the best two that share no jet are sought


class Assignment(Objective):
    """min over the order of the tops of -sum_t ln p_t(its jets), p_t = softmax over all triplets of an event's jets.

    Tops of which a jet is missing do not count; events without a complete top have no loss. A prediction is the pair of
    triplets without a jet in common that has the largest p_1 p_2.

    Raises
    ------
    ConfigError : from `prepare`, a data set that does not say of each jet which top (`top`) and what of it (`role`) it
        is, or a model that does not score triplets.

    References
    ----------
    A. Shmakov et al., arXiv:2106.03898, equations 7 and 8.
    """

    monitor = ("val/event_efficiency", "max")
    evaluator: AssignmentEvaluator
    needs = (("element", "class"),)
    takes_weights = True

    def n_outputs(self, spec: DataSpec) -> int:
        return 1

    def check_names(self, spec: DataSpec) -> None:
        names = [target.name for target in spec.targets_of("element", "class")]
        if tuple(names) != COLUMNS or spec.targets_of("element", "class")[1].class_names != ROLES:
            raise ConfigError(
                "loss=assignment needs dataset.element_targets=[top,role], the top of each jet (0 for none, 1, 2) and "
                f"its role (none, quark, bottom); got [{','.join(names)}]"
            )

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.check_names(spec)
        n = example.mask.shape[1] if hasattr(example, "mask") else 0
        with torch.no_grad():
            found = model(example)
        if not isinstance(found, Tensor) or tuple(found.shape) != (1, N_TOPS, n, n, n):
            raise ConfigError(
                f"loss=assignment needs a score of each triplet of jets for two tops; {type(model).__name__} gives "
                "none; choose model=spanet or model=chi2_assignment"
            )
        self.evaluator = AssignmentEvaluator()

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        log_p = _normalised(model(batch))
        return _best(log_p, batch.mask) | {"n_jets": batch.mask.sum(1)}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        log_p = _normalised(model(batch))
        true, complete = _true(batch)  # (B, 2), of the flattened triplets
        each = log_p.flatten(2).gather(2, true[:, None].expand(-1, N_TOPS, -1))
        each = -torch.where(complete[:, None], each, 0)  # (B, top of the network, top of the event)
        either = torch.stack([each[:, 0, 0] + each[:, 1, 1], each[:, 0, 1] + each[:, 1, 0]], 1)
        loss = either.amin(1)
        outputs = {"loss": loss.detach(), "n_jets": batch.mask.sum(1), "complete": complete.long()}
        if not self.training:
            n = batch.mask.shape[1]
            found = _best(log_p.detach(), batch.mask) | {"true": torch.where(complete[..., None], _places(true, n), -1)}
            outputs |= found | _masses(batch, found)
        weight = complete.any(1).to(loss.dtype)
        return {"loss": weighted_mean(loss, weight if batch.weight is None else weight * batch.weight)}, outputs


def _normalised(logits: Tensor) -> Tensor:
    """Logarithms of the probabilities of the triplets of each top, (B, 2, N, N, N)."""
    logits = logits.float() if logits.element_size() < 4 else logits
    return logits.flatten(2).log_softmax(-1).view_as(logits)


def _true(batch) -> tuple[Tensor, Tensor]:
    """The flattened triplet (B, 2) of each top, 0 if it is not complete, and whether it is (B, 2)."""
    top, role = batch.element_label.unbind(-1)
    n = batch.mask.shape[1]
    found, complete = [], []
    for number in range(1, N_TOPS + 1):
        quark, bottom = ((top == number) & (role == ROLES.index(name)) for name in ("quark", "bottom"))
        complete.append((quark.sum(1) == 2) & (bottom.sum(1) == 1))
        place = torch.arange(n, device=top.device)
        i, j = torch.where(quark, place, n).amin(1), torch.where(quark, place, -1).amax(1)
        k = torch.where(bottom, place, -1).amax(1)
        found.append(torch.where(complete[-1], (i * n + j) * n + k, 0))
    return torch.stack(found, 1), torch.stack(complete, 1)


def _places(triplet: Tensor, n: int) -> Tensor:
    """The places (..., 3) of the jets of flattened triplets (...)."""
    return torch.stack([triplet // n**2, triplet // n % n, triplet % n], -1)


def _best(log_p: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The two triplets `found` (B, 2, 3) without a common jet of largest probability, and its logarithm.

    Only the most probable triplets of each top are looked at; where each two of them have a jet in common, the second
    is -1, as it is in an event with fewer than six jets.
    """
    n, flat = log_p.shape[-1], log_p.flatten(2)
    value, triplet = flat.topk(min(CANDIDATES, flat.shape[-1]))  # (B, 2, K)
    jets = _places(triplet, n)
    first, second = jets[:, 0, :, None, :, None], jets[:, 1, None, :, None, :]
    shared = (first == second).flatten(3).any(3)  # (B, K, K)
    lowest = torch.finfo(flat.dtype).min
    possible = triplets(mask).flatten(1)[:, None].expand_as(flat).gather(2, triplet)
    together = value[:, 0, :, None] + value[:, 1, None]
    allowed = ~shared & possible[:, 0, :, None] & possible[:, 1, None]
    together = together.masked_fill(~allowed, lowest)
    k = value.shape[-1]
    best = together.flatten(1).argmax(1)
    fits = allowed.flatten(1).gather(1, best[:, None])[:, 0]
    a, b = torch.where(fits, best // k, 0), torch.where(fits, best % k, 0)
    at = torch.arange(len(log_p), device=log_p.device)
    one, two = jets[at, 0, a], jets[at, 1, b]
    one = torch.where(possible[:, 0, 0, None], one, -1)
    two = torch.where(fits[:, None], two, -1)
    score = torch.where(fits, together.flatten(1).gather(1, best[:, None])[:, 0], value[:, 0, 0])
    return {"found": torch.stack([one, two], 1), "log_probability": score}


def _masses(batch, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Masses in GeV of the W and the top of each found triplet, (B, 2) each, 0 where there is none."""
    jets = found["found"]
    p4 = batch.p4.gather(1, jets.clamp(min=0).flatten(1)[..., None].expand(-1, -1, 4)).view(*jets.shape, 4)
    p4 = p4 * (jets >= 0)[..., None]
    masses = {}
    for name, chosen in (("mass_w", p4[:, :, :2]), ("mass_top", p4)):
        total = chosen.sum(2)
        masses[name] = (total[..., 0] ** 2 - (total[..., 1:] ** 2).sum(-1)).clamp(min=0).sqrt().float()
    return masses
