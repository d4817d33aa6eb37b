"""Examples with the scores of a classifier: what figures of merit are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import ones
from hepexp.evaluation.roc import SIGNAL_EFFICIENCIES, Roc
from hepexp.metric import in_key

SATURATED = 0.999  # scores above have lost digits to their distance from 1


@dataclass(frozen=True)
class Setting:
    """What a figure of merit may know before there are examples.

    Parameters
    ----------
    class_names : name of each class, in the order of the labels.
    background : label of the class against which others are set; of two classes the first; None where there is none.
    working_points : signal efficiencies for each class, by its name.
    """

    class_names: tuple[str, ...]
    background: int | None = None
    working_points: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def signals(self) -> list[int]:
        """Labels of the classes that are set against the background; none if there is none."""
        return [] if self.background is None else [c for c in range(self.n_classes) if c != self.background]

    def points(self, c: int) -> tuple[float, ...]:
        """The signal efficiencies for a class."""
        return self.working_points.get(self.class_names[c], SIGNAL_EFFICIENCIES)

    def key(self, name: str, c: int, at: float | None = None) -> str:
        """The name of a figure of a class: `rejection_0.3` for two classes, `rejection_Hbb_0.3` for more."""
        parts = [
            name,
            *([in_key(self.class_names[c])] if self.n_classes > 2 else []),
            *([] if at is None else [f"{at:g}"]),
        ]
        return "_".join(parts)

    @classmethod
    def of(cls, n_classes: int) -> Setting:
        """Classes without names; two of them are background and signal."""
        return cls(tuple(map(str, range(n_classes))), background=0 if n_classes == 2 else None)


class ScoredExamples:
    """The scores, the true classes and the weights of examples, sorted once for each pair of classes.

    Parameters
    ----------
    scores : (n, C) score per class, e.g. probabilities; with two classes the last column is the signal's.
    label : (n,) int, class of each example.
    weight : (n,), may be negative; None if the examples count alike.
    setting : names of the classes, background and working points.
    columns : other values (n,) of each example, such as its mass, by their names.

    Raises
    ------
    HepexpError : no examples, scores that are NaN, or arrays that do not belong together.
    """

    def __init__(
        self,
        scores: NDArray,
        label: NDArray,
        weight: NDArray | None = None,
        setting: Setting | None = None,
        columns: Mapping[str, NDArray] | None = None,
    ) -> None:
        self.scores, self.label = np.asarray(scores), np.asarray(label)
        self.weight = None if weight is None else np.asarray(weight, np.float64)
        _check(self.scores, self.label)
        self.setting = setting or Setting.of(self.scores.shape[1])
        self.columns = columns or {}
        self._curves: dict[tuple[int, int | None], Roc] = {}

    def __len__(self) -> int:
        return len(self.label)

    @property
    def n_classes(self) -> int:
        return self.scores.shape[1]

    @cached_property
    def weights(self) -> NDArray:
        """(n,) float64, or int64 ones where the examples have no weights."""
        return ones(len(self), self.weight)

    def against_rest(self, c: int) -> Roc:
        """A class against all others, by its own score."""
        return self._curve(c, None)

    def against(self, c: int, other: int) -> Roc:
        """A class against another one, by s_c / (s_c + s_other), among the examples of these two alone."""
        return self._curve(c, None if self.n_classes == 2 and c == 1 else other)

    def against_background(self, c: int) -> Roc:
        """A class against the background."""
        return self.against(c, self.background)

    @property
    def background(self) -> int:
        """Label of the background, which there must be: see `FigureOfMerit.needs_background`."""
        assert self.setting.background is not None
        return self.setting.background

    @property
    def one_vs_rest(self) -> list[Roc]:
        """For two classes the signal, class 1, against the background; for more each class against the others."""
        return [self.against_rest(c) for c in ([1] if self.n_classes == 2 else range(self.n_classes))]

    def discriminant(self, c: int, other: int) -> NDArray:
        """s_c / (s_c + s_other) (n,) in float64; of two classes the score of the signal as it is."""
        if self.n_classes == 2 and c == 1:
            return self.scores[:, 1]
        own, against = self.scores[:, c].astype(np.float64), self.scores[:, other].astype(np.float64)
        total = own + against
        return np.divide(own, total, out=np.full(len(self), 0.5), where=total != 0)

    def ranks(self, c: int, other: int | None) -> NDArray[np.int64]:
        """Ranks (n,) by the score of a class, or by its discriminant against another one; equal ones share a rank.

        Scores in single precision are 1 from about 17 in log-odds on, just where the purest signal is. There, among
        equal scores, the example ranks higher whose score of the other class, or sum of all other scores, is smaller:
        these are small numbers, which keep their digits.
        """
        if other is None:
            own = self.scores[:, c]
            against = np.delete(self.scores, c, axis=1).sum(axis=1, dtype=np.float64)
        else:
            own, against = self.discriminant(c, other), self.scores[:, other].astype(np.float64)
        with np.errstate(divide="ignore"):
            log_against = np.log(np.maximum(against, 0)).round(4)  # equal but for rounding is equal
        finer = np.where(own > SATURATED, -log_against, 0)
        order = np.lexsort((finer, own))
        steps = (own[order][1:] != own[order][:-1]) | (finer[order][1:] != finer[order][:-1])
        ranks = np.zeros(len(self), np.int64)
        ranks[order[1:]] = np.cumsum(steps)
        return ranks

    def _curve(self, c: int, other: int | None) -> Roc:
        if (c, other) not in self._curves:
            own = self.label == c
            among = None if other is None else own | (self.label == other)
            self._curves[c, other] = Roc(self.ranks(c, other), own, among)
        return self._curves[c, other]


def _check(scores: NDArray, label: NDArray) -> None:
    if scores.ndim != 2 or len(scores) != len(label) or scores.shape[1] < 2:
        raise HepexpError(f"scores must be (n, classes) beside n labels, got {scores.shape} and {label.shape}")
    if not len(label):
        raise HepexpError("there are no examples to evaluate")
    bad = int(np.isnan(scores).any(axis=1).sum())
    if bad:
        raise HepexpError(
            f"the scores of {bad} of {len(label)} examples are NaN: the training diverged; lower optimizer.lr or set "
            "trainer.gradient_clip"
        )
