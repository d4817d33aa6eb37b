"""Evaluator of LieGAN: critic, mismatch of distributions, the generators, and which of them are symmetries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import effective_number, mean, mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Outputs, loss_figures, mean_loss
from hepexp.evaluation.evaluators.generators import GeneratorEvaluator
from hepexp.metric import Metric
from hepexp.symmetry.algebra import Algebra
from hepexp.symmetry.mismatch import Mismatch
from hepexp.symmetry.told_apart import CHANCE, FEWEST, MOST, SYMMETRY, told_apart


class SymmetryEvaluator(GeneratorEvaluator):
    """Evaluates `vectors` and `transformed` (n, K, d), the critic's `logit` and `transformed_logit` (n,), and
    `model/generators` (c, d, d).

    A generator is a symmetry if new critics cannot tell examples that it has moved visibly from others; the metric and
    the algebra are those of the symmetries. See `GeneratorEvaluator` for what follows from the generators alone.

    Parameters
    ----------
    algebra : Lie algebra that the generators are compared with, or None.
    displacement : mean |g x - x| / |x| at which they are judged; None leaves them unjudged, and all count.
    """

    metrics = (
        Metric(
            "mismatch",
            "lower",
            "mismatch",
            "Energy distance between the examples of a class and the transformed ones, times the mean length, over "
            "the mean squared displacement: 0 if their distributions agree (Szekely and Rizzo, J. Stat. "
            "Plan. Inference 143, 1249).",
            range="about 0 for a symmetry; noise may make it negative",
            undefined="the generators move nothing",
        ),
        Metric(
            "critic_accuracy",
            "neither",
            "critic accuracy",
            "Fraction of original and transformed examples that the critic gets right; chance for a symmetry.",
            range="0 to 1; 0.5 is chance",
        ),
        Metric(
            "displacement",
            "neither",
            "displacement",
            "Mean of |g x - x| / |x|: how far the transformations move an example.",
            range=">= 0",
            each_epoch=False,
        ),
        Metric(
            "symmetry/generators_found",
            "neither",
            "generators found",
            "Number of generators that are symmetries of the data: new critics are right for at most 55 % of the test "
            "examples, half of which one generator has moved by loss.test_displacement.",
            range=">= 0",
            column=True,
            whole=True,
            undefined="the generators were not judged",
            no_error="a count",
        ),
        Metric(
            "symmetry/told_apart_{generator}",
            "neither",
            "accuracy of new critics, generator {generator}",
            "Fraction of the test examples of which new critics say rightly whether generator {generator} has moved "
            "them by loss.test_displacement (arXiv:1610.06545); chance for a symmetry.",
            range="0 to 1; 0.5 is chance",
            undefined="the generator vanishes, or cannot move the examples so far",
            values=("1",),
            each_epoch=False,
        ),
    )

    def __init__(self, algebra: Algebra | None, displacement: float | None = None):
        super().__init__(algebra)
        self.displacement = displacement
        self._kept: tuple[tuple | None, list[np.ndarray | None]] = (None, [])

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {
            "loss": mean_loss(outputs),
            "critic_accuracy": mean(_right(outputs), ones(len(outputs["index"]), outputs.get("weight"))),
            "mismatch": _mismatch(outputs).value(outputs.get("weight")),
            **self.angle_of_an_epoch(outputs["model/generators"]),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        mismatch, weight = _mismatch(outputs), outputs.get("weight")
        means = {"critic_accuracy": mean_of(_right(outputs)), "displacement": mean_of(_displacement(outputs))}
        return {
            **loss_figures(outputs, seed),
            **with_errors(means, len(outputs["index"]), seed, weight=weight),
            **with_errors(
                {"mismatch": mismatch.value}, mismatch.n, seed, weight=None if weight is None else weight[: mismatch.n]
            ),
            **self._judged(outputs, seed),
        }

    def _judged(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        """Which generators are symmetries, and the figures of the generators."""
        generators, right = outputs["model/generators"], self._right_of_each(outputs, seed)
        if right is None:
            return {"symmetry/generators_found": None, **self._why_not(outputs), **self.of_generators(generators)}
        weight = outputs.get("weight")
        figures: dict[str, float | str | None] = {}
        for i, one in enumerate(right):
            name = f"symmetry/told_apart_{i + 1}"
            some = None if one is None or weight is None else weight[: len(one)]
            figures |= {name: None} if one is None else with_errors({name: mean_of(one)}, len(one), seed, weight=some)
        found = self._found(right, outputs)
        return {
            "symmetry/generators_found": int(found.sum()),
            "symmetry/generators_found_note": self._verdict(found, figures),
            **figures,
            **self.of_generators(generators, found),
        }

    def _right_of_each(self, outputs: Outputs, seed: int) -> list[np.ndarray | None] | None:
        """What `told_apart` says of each generator; None if they are not judged.

        It is kept for the figures, as critics take a second each.
        """
        if self.displacement is None or _independent(outputs) < FEWEST:
            return None
        key = (seed, outputs["model/generators"].tobytes(), outputs["index"].tobytes())
        if self._kept[0] != key:
            x, label, weight = outputs["vectors"], outputs["label"], outputs.get("weight")
            generators = outputs["model/generators"]
            self._kept = (key, [told_apart(x, label, one, self.displacement, seed, weight) for one in generators])
        return self._kept[1]

    @staticmethod
    def _found(right: list[np.ndarray | None], outputs: Outputs) -> np.ndarray:
        """Which generators (c,) are symmetries."""
        weight = outputs.get("weight")
        accuracies = [
            np.inf if one is None else mean(one, ones(len(one), None if weight is None else weight[: len(one)]))
            for one in right
        ]
        return np.array(accuracies) <= SYMMETRY

    def _why_not(self, outputs: Outputs) -> dict[str, str]:
        """Why generators are not judged."""
        said = "not judged: loss.test_displacement is null"
        if self.displacement is not None:
            said = (
                f"not judged: {FEWEST} independent test examples are needed to tell {SYMMETRY:.0%} from chance, "
                f"there are {_independent(outputs):.0f}"
            )
        return {"symmetry/generators_found_note": said}

    def _verdict(self, found: np.ndarray, figures: dict[str, float | str | None]) -> str:
        """One sentence on which generators are symmetries, and why."""
        seen = [figures[f"symmetry/told_apart_{i + 1}"] for i in range(len(found))]
        at = f"moved by {self.displacement:g} of their length"
        if not found.any():
            moved = [value for value in seen if isinstance(value, float)]
            if not moved:
                return "no symmetry was found: no generator moves the examples"
            return (
                f"no symmetry was found: examples {at} are told from others with an accuracy of {min(moved):.3f} or "
                f"more, for a symmetry it is {SYMMETRY} at most"
            )
        most = max(value for value, one in zip(seen, found, strict=True) if one and isinstance(value, float))
        return (
            f"symmetry found ({found.sum()} of {len(found)} generators): examples {at} are told from others with an "
            f"accuracy of {most:.3f} at most, {CHANCE} by guessing"
        )

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label and displacement of each example, and the critic's scores if the labels are known."""
        columns = {
            "index": outputs["index"].astype(np.int64),
            "label": outputs["label"].astype(np.int64),
            "displacement": _displacement(outputs),
        }
        for name, logit in (("score", "logit"), ("score_transformed", "transformed_logit")):
            if logit in outputs:
                columns[name] = 1 / (1 + np.exp(-outputs[logit].astype(np.float64)))
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        right = self._right_of_each(outputs, seed)
        found = None if right is None else self._found(right, outputs)
        self.draw_generators(outputs["model/generators"], folder, found)
        vectors = {"data": outputs["vectors"], "transformed": outputs["transformed"]}
        plots.transformed_vectors(folder / "transformed.png", vectors, outputs["label"], class_names)


def _independent(outputs: Outputs) -> float:
    """Effective number of the examples by which generators are judged."""
    weight = outputs.get("weight")
    return min(MOST, len(outputs["index"])) if weight is None else effective_number(weight[:MOST])


def _right(outputs: Outputs) -> np.ndarray:
    """Fraction of correct answers of the critic for an example and its transformed copy, 0, 1/2 or 1 (n,)."""
    return ((outputs["logit"] > 0).astype(np.float64) + (outputs["transformed_logit"] <= 0)) / 2


def _displacement(outputs: Outputs) -> np.ndarray:
    """|g x - x| / |x| of each example (n,)."""
    x, moved = (
        outputs[name].reshape(len(outputs["index"]), -1).astype(np.float64) for name in ("vectors", "transformed")
    )
    length = np.linalg.norm(x, axis=1)
    return np.linalg.norm(moved - x, axis=1) / np.where(length > 0, length, 1)


def _mismatch(outputs: Outputs) -> Mismatch:
    return Mismatch(outputs["vectors"], outputs["transformed"], outputs["label"])
