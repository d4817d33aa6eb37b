"""Explains some examples of a split, and judges the explanations by deletion."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec, GraphBatch, ImageBatch, JetBatch
from hepexp.data.loading.dataset import SplitDataset
from hepexp.data.physics.kinematics import polar, wrapped
from hepexp.explanation import deletion
from hepexp.explanation.attention_maps import attention_maps
from hepexp.explanation.elements import OfElements, of_elements
from hepexp.explanation.methods import ATTENTION, METHODS
from hepexp.explanation.names import column_names

EXAMPLES_AT_ONCE = 16
PAIRS_AT_ONCE = 6000  # of particles: some networks hold as many messages of each layer in memory


@dataclass
class Explained:
    """Explanations of n examples, in the order of their index.

    Parameters
    ----------
    index, label, which : (n,) row in the data set, class, and the class whose output is explained.
    group : (n,) the class over which means are taken: the explained one, or the true one if all explain the same.
    output : (n,) that is explained; total : (n,) the sum of the relevances; reference : (n,) what that should be.
    relevance : of each example, (N,) of its elements, without beams.
    whole : (n,) relevance of beams, and of no single element.
    columns : by name, (n,) relevance of each column that the network reads.
    momenta : of each example, pT [GeV], rapidity and azimuth [rad] relative to the jet axis (N, 3), if it is a jet.
    curves : by order, (n, shares) the score of that class after removal.
    """

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    which: NDArray[np.int64]
    group: NDArray[np.int64]
    output: NDArray[np.float64]
    total: NDArray[np.float64]
    reference: NDArray[np.float64]
    whole: NDArray[np.float64]
    relevance: list[NDArray[np.float64]]
    columns: dict[str, NDArray[np.float64]]
    momenta: list[NDArray[np.float64]]
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


class Explainer:
    """Explains the outputs of a classifier.

    Parameters
    ----------
    model : the network; it is not changed.
    scores : gives the scores (B, C) of a batch, such as the objective's outputs.
    spec, dataset : names of the data, and the examples.
    method : a name in METHODS, or `attention`.
    target : class whose output is explained; None for the one that the network predicts.
    seed : of the random orders of removal.
    """

    def __init__(
        self,
        model: nn.Module,
        scores: Callable[[Batch], Tensor],
        spec: DataSpec,
        dataset: SplitDataset,
        method: str,
        target: int | None = None,
        seed: int = 0,
    ) -> None:
        # float64, so that what is not conserved is due to the network and not to rounding
        self.model = copy.deepcopy(model).eval().double().requires_grad_(False)
        self.scores, self.spec, self.dataset = scores, spec, dataset
        self.method, self.target, self.seed = method, target, seed
        self.names = column_names(model, spec, dataset.representation)
        self.n_beams = 2 if spec.has_beams else 0
        self.empty: Tensor | float = torch.tensor(spec.empty_pixel).view(-1, 1, 1) if spec.empty_pixel else 0.0

    def explain(
        self, positions: Sequence[int] | NDArray[np.int64], done: Callable[[int], None] = lambda n: None
    ) -> Explained:
        """Explain the examples at these positions of the data set.

        Parameters
        ----------
        done : is told how many more have been explained.
        """
        parts = []
        for batch in groups(self.dataset, positions):
            parts.append(self._of_batch(batch))
            done(len(batch))
        order = np.argsort(np.concatenate([part.index for part in parts]), kind="stable")

        def joined(name: str) -> NDArray:
            return np.concatenate([getattr(part, name) for part in parts])[order]

        def listed(name: str) -> list[NDArray]:
            found = [each for part in parts for each in getattr(part, name)]
            return [found[i] for i in order] if found else []

        def by_name(name: str) -> dict[str, NDArray]:
            found = [getattr(part, name) for part in parts]
            keys = dict.fromkeys(key for each in found for key in each)
            # a single particle has no pairs: what belongs to them is not read
            columns = {
                key: [each.get(key, np.zeros(len(part))) for each, part in zip(found, parts, strict=True)]
                for key in keys
            }
            return {key: np.concatenate(values)[order] for key, values in columns.items()}

        flat = ("index", "label", "which", "group", "output", "total", "reference", "whole")
        return Explained(
            **{name: joined(name) for name in flat},
            relevance=listed("relevance"),
            columns=by_name("columns"),
            momenta=listed("momenta"),
            curves=by_name("curves"),
        )

    def _of_batch(self, batch: Batch) -> Explained:
        with torch.no_grad():
            scores = self.scores(batch)
        which = scores.argmax(1) if self.target is None else torch.full((len(batch),), self.target)
        found, output, reference = self._relevance(batch, which)
        momenta = self._momenta(batch)
        orders = {"relevance": found.each}
        if momenta is not None:
            orders["pT"] = momenta[..., 0]
        elif isinstance(batch, ImageBatch):
            orders["intensity"] = batch.image.abs().sum(1).flatten(1)

        def score(changed: Batch) -> Tensor:
            with torch.no_grad():
                return self.scores(changed).gather(1, which[:, None])[:, 0]

        curves = deletion.curves(score, batch, self._removable(batch, found.each), orders, self.empty, self.seed)
        beams, each = found.each.tensor_split([self.n_beams], dim=1)
        return Explained(
            batch.index.numpy(),
            batch.label.numpy(),
            which.numpy(),
            (which if self.target is None else batch.label).numpy(),
            output.numpy(),
            (found.each.sum(1) + found.whole).numpy(),
            reference.numpy(),
            (found.whole + beams.sum(1)).numpy(),
            list(each.numpy()),
            {name: values.numpy() for name, values in found.columns.items()},
            [] if momenta is None else list(momenta[:, self.n_beams :].numpy()),
            curves,
        )

    def _relevance(self, batch: Batch, which: Tensor) -> tuple[OfElements, Tensor, Tensor]:
        if self.method == ATTENTION:
            n = _n_elements(batch)
            each = attention_maps(self.model, batch, n)
            with torch.no_grad():
                output = self.model(_double(batch)).gather(1, which[:, None])[:, 0]
            return OfElements(each, torch.zeros(len(batch), dtype=each.dtype)), output, each.sum(1)
        relevance = METHODS[self.method](self.model, batch, which)
        return of_elements(relevance, batch, self.names), relevance.output, relevance.reference

    def _momenta(self, batch: Batch) -> Tensor | None:
        """pT [GeV], rapidity and azimuth [rad] of particles relative to their sum, (B, N, 3), zero for beams."""
        if isinstance(batch, GraphBatch):
            names = getattr(self.dataset.representation, "column_names", ())
            if names[:3] != ("delta y", "delta phi", "ln pT"):
                return None
            dy, dphi, ln_pt = batch.x[:, :3].double().view(len(batch), -1, 3).unbind(-1)
            return torch.stack([ln_pt.exp(), dy, dphi], dim=-1)
        if not isinstance(batch, JetBatch):
            return None
        p4 = batch.p4[:, self.n_beams :].numpy()
        pt, y, phi = polar(p4)
        _, axis_y, axis_phi = polar(p4.sum(1, keepdims=True))
        found = torch.from_numpy(np.stack([pt, y - axis_y, wrapped(phi - axis_phi)], axis=-1))
        return F.pad(found, (0, 0, self.n_beams, 0))

    def _removable(self, batch: Batch, each: Tensor) -> Tensor:
        if isinstance(batch, ImageBatch):
            lit = (batch.image != self.empty).any(1).flatten(1)
            return lit | ~lit.any(1, keepdim=True)
        real = torch.ones_like(each, dtype=torch.bool)
        real[:, : self.n_beams] = False
        return real


def groups(dataset: SplitDataset, positions: Sequence[int] | NDArray[np.int64]) -> Iterator[Batch]:
    """Batches of examples that have the same number of elements, so that none of them has padding."""
    places = np.asarray(positions)
    order = places[np.argsort(dataset.counts[places], kind="stable")]
    for start in range(0, len(order), EXAMPLES_AT_ONCE):
        some = order[start : start + EXAMPLES_AT_ONCE]
        batch = dataset[some.tolist()]
        counts = _counts(batch)
        for n in np.unique(counts[counts > 0]):
            equal = some[counts == n]
            step = max(1, PAIRS_AT_ONCE // int(n) ** 2) if isinstance(batch, JetBatch) else len(equal)
            for first in range(0, len(equal), step):
                yield dataset[equal[first : first + step].tolist()]


def _counts(batch: Batch) -> NDArray[np.int64]:
    match batch:
        case JetBatch():
            return batch.mask.sum(1).numpy()
        case GraphBatch():
            return torch.bincount(batch.graph, minlength=len(batch)).numpy()
    return np.ones(len(batch), np.int64)


def _n_elements(batch: Batch) -> int:
    return batch.image[0, 0].numel() if isinstance(batch, ImageBatch) else int(_counts(batch)[0])


def _double(batch: Batch) -> Batch:
    changed: dict[str, Any] = {name: t.double() if t.is_floating_point() else t for name, t in batch.tensors().items()}
    return type(batch)(**changed)
