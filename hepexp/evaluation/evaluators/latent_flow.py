"""Evaluator of flows: how many fields leave the oracle unchanged, by how much it changes, and their algebra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Outputs, loss_figures, mean_loss
from hepexp.evaluation.evaluators.generators import INDEPENDENT, GeneratorEvaluator, found_ones, of_structure
from hepexp.metric import Metric
from hepexp.symmetry.algebra import Algebra
from hepexp.symmetry.structure import structure_of_fields


class LatentFlowEvaluator(GeneratorEvaluator):
    """Evaluates of each example the `points` (n, d), the `fields` (n, c, d) and their `brackets` (n, c, c, d), what
    `violation` is made of, and the `change` (n, c) of the oracle along each flow.

    If the fields are linear, `model/generators` (c, d, d), those that were found are evaluated as in
    `GeneratorEvaluator`; otherwise their structure constants follow from the fields.

    Which fields were found is decided on the examples of the evaluation itself, so that `oracle_change` on the test
    examples is that of fields chosen there.

    Parameters
    ----------
    algebra : Lie algebra that the found generators are compared with, or None.
    threshold : largest violation of a field that counts as found.
    """

    metrics = (
        Metric(
            "generators_found",
            "neither",
            "generators found",
            "Number of fields whose violation on the examples of the evaluation is at most loss.threshold.",
            range=">= 0",
            whole=True,
            no_error="a count",
        ),
        Metric(
            "symmetry/generators_found",
            "neither",
            "generators found",
            "Number of fields whose violation on the examples of the evaluation is at most loss.threshold.",
            range=">= 0",
            column=True,
            whole=True,
            no_error="a count",
        ),
        Metric(
            "violation_{field}",
            "lower",
            "violation of field {field}",
            "E (grad phi . xi)^2 of field {field} relative to the mean over random linear fields of the same size: 0 "
            "if it leaves the oracle unchanged, 1 if the oracle changes as much as along a random field.",
            range=">= 0",
            undefined="the field vanishes",
            each_epoch=False,
            values=("1",),
        ),
        Metric(
            "oracle_change",
            "lower",
            "change of the oracle",
            "Mean over examples and found fields of |phi(exp(xi) x) - phi(x)|, over the standard deviation of phi, or "
            "for a quadratic form over the root mean square of grad phi . xi along random linear fields.",
            range=">= 0",
            undefined="no field was found",
            each_epoch=False,
        ),
    )

    def __init__(self, algebra: Algebra | None, threshold: float):
        super().__init__(algebra)
        self.threshold = threshold

    def quick(self, outputs: Outputs) -> dict[str, float]:
        found = self.found(outputs)
        linear = outputs.get("model/generators")
        angle = {} if linear is None else self.angle_of_an_epoch(found_ones(linear, found))
        return {"loss": mean_loss(outputs), "generators_found": int(found.sum()), **angle}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        found, weight, n = self.found(outputs), outputs.get("weight"), len(outputs["index"])
        violations = {f"violation_{a + 1}": _violation(outputs, a) for a in range(len(found))}
        changes = {"oracle_change": mean_of(outputs["change"][:, found].mean(1))} if found.any() else {}
        return {
            **loss_figures(outputs, seed),
            **with_errors(violations, n, seed, weight=weight),
            **({} if changes else {"oracle_change": None}),
            **with_errors(changes, n, seed, weight=weight),
            "symmetry/generators_found": int(found.sum()),
            **({} if "model/generators" in outputs else {"symmetry/generators_found_note": _any_oracle(outputs)}),
            **self._algebra(outputs, found),
        }

    def found(self, outputs: Outputs) -> np.ndarray:
        """Which fields (c,) leave the oracle unchanged."""
        weight = ones(len(outputs["index"]), outputs.get("weight"))
        violations = [_violation(outputs, a)(weight) for a in range(outputs["along2"].shape[1])]
        return np.array([violation <= self.threshold for violation in violations])

    def _algebra(self, outputs: Outputs, found: np.ndarray) -> dict[str, float | str | None]:
        if "model/generators" in outputs:
            return self.of_generators(found_ones(outputs["model/generators"], found))
        fields = outputs["fields"][:, found].transpose(1, 0, 2)
        brackets = outputs["brackets"][:, found][:, :, found].transpose(1, 2, 0, 3)
        length2 = outputs["length2"].astype(np.float64).sum()
        return of_structure(structure_of_fields(fields, brackets, length2, INDEPENDENT))

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, and the change of the oracle along each flow."""
        changes = {f"change_{a + 1}": outputs["change"][:, a] for a in range(outputs["change"].shape[1])}
        return pa.table(
            {"index": outputs["index"].astype(np.int64), "label": outputs["label"].astype(np.int64)} | changes
        )

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        found = self.found(outputs)
        names = [f"field {a + 1}, {'found' if one else 'not found'}" for a, one in enumerate(found)]
        plots.vector_fields(folder / "fields.png", outputs["points"], outputs["fields"], names)
        if "gallery/change" in outputs:
            plots.oracle_along_flows(folder / "flow.png", outputs["gallery/time"], outputs["gallery/change"], names)
        if "model/generators" in outputs:
            self.draw_generators(found_ones(outputs["model/generators"], found), folder)


def _any_oracle(outputs: Outputs) -> str:
    """What to hold against a number of fields that are not linear."""
    n = outputs["points"].shape[1]
    return (
        f"{n} - m fields that are not linear leave any oracle of m < {n} outputs unchanged; they are no evidence of a "
        "symmetry"
    )


def _violation(outputs: Outputs, field: int):
    """The violation of a field as a function of the weights (n,) of the examples; NaN where the field vanishes."""
    along2 = outputs["along2"][:, field].astype(np.float64)
    size2 = np.square(outputs["fields"][:, field].astype(np.float64)).sum(1)
    length2, random2 = (outputs[name].astype(np.float64) for name in ("length2", "random2"))

    def of(weight: np.ndarray) -> float:
        below = (weight @ size2) * (weight @ random2)
        return float((weight @ along2) * (weight @ length2) / below) if below > 0 else float("nan")

    return of
