"""How an objective is evaluated: the figures of every epoch, those of the test, and what is kept of each example."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import Width, mean_of, with_errors
from hepexp.metric import Metric

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

Outputs = dict[str, np.ndarray]
OBSERVED = "observed/"  # before the names of the data set's observers
ELEMENT = "element/"  # before columns with one row for each element of an example, such as element/index, its example
_EXEMPT = ("loss", "gallery/", OBSERVED)  # the mean over a batch, pictures, and what the model has no part in
_REMEDY = "the training diverged (lower optimizer.lr or set trainer.gradient_clip), or examples differ from its own"


def named(split: str, metrics: dict[str, float | str | None]) -> dict[str, float | str | None]:
    """Figures under the keys of a record: `<split>/<name>`; those of the model itself, as symmetry/..., keep theirs.

    A figure that is not finite becomes None.
    """
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in metrics.items()}
    return {name if "/" in name else f"{split}/{name}": value for name, value in finite.items()}


def mean_loss(outputs: Outputs) -> float:
    """The mean over examples, or over batches if the loss is only defined for a batch, with their weights if any.

    As in training, the weighted sum is divided by the sum of the absolute values of the weights; the loss of a batch is
    such a mean itself.
    """
    each = outputs["loss" if "loss" in outputs else "batch_loss"]
    if "weight" not in outputs:
        return float(each.mean(dtype=np.float64))
    weight = outputs["weight"].astype(np.float64)
    return _weighted_mean(each.astype(np.float64), weight if "loss" in outputs else np.abs(weight))


def _weighted_mean(each: np.ndarray, weight: np.ndarray) -> float:
    total = np.abs(weight).sum()
    return float(weight @ each / total) if total else math.nan


def loss_figures(outputs: Outputs, seed: int) -> dict[str, float | str | None]:
    """`loss` with its bootstrap error over examples, or a note if the loss is only defined for a batch."""
    if "loss" not in outputs:
        return {"loss": mean_loss(outputs), "loss_note": "no error: this loss is that of a batch, not of an example"}
    each, weight = outputs["loss"], outputs.get("weight")
    of = mean_of(each) if weight is None else lambda weights: _weighted_mean(each.astype(np.float64), weights)
    return with_errors({"loss": of}, len(each), seed, weight=weight)


def loss_of_parts(outputs: Outputs, seed: int) -> dict[str, float | str | None]:
    """`loss_figures` of parts of examples, `confusion` (n, C, C) of each; no value where none of them has a class."""
    if not outputs["confusion"].any():
        return {"loss": None, "loss_err": None, "loss_note": "no part of these examples has a known class"}
    return loss_figures(outputs, seed)


def refuse_not_finite(outputs: Outputs) -> None:
    """Refuse per-example outputs that contain NaN or infinity.

    Raises
    ------
    HepexpError : names the output, the number of examples concerned, and the first of them.
    """
    for name, values in outputs.items():
        if name.startswith(_EXEMPT) or values.dtype.kind not in "fc" or np.isfinite(values).all():
            continue
        if name.startswith("model/"):
            raise HepexpError(f"the model has learnt {name.removeprefix('model/')} that are NaN or infinite: {_REMEDY}")
        bad = np.any(~np.isfinite(values.reshape(len(values), -1)), axis=1)
        part = next((part for part in ("reference/", "training/", ELEMENT) if name.startswith(part)), "")
        index, things = outputs[f"{part}index"], "elements" if part == ELEMENT else "examples"
        which = "" if bad.all() else f", first for example {index[bad].min()}"  # batches are not in the order of index
        raise HepexpError(
            f"the {name} of {int(bad.sum()):,} of {len(bad):,} {things} are NaN or infinite{which}: {_REMEDY}"
        )


def places(outputs: Outputs) -> NDArray[np.intp]:
    """The row (m,) of the example of each element."""
    return np.searchsorted(outputs["index"], outputs[f"{ELEMENT}index"])


def listed(outputs: Outputs) -> Callable[[NDArray], pa.Array]:
    """What makes a list for each example of values (m,) of the elements."""
    counts = np.bincount(places(outputs), minlength=len(outputs["index"]))
    offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int32))
    return lambda values: pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values)))


def rows_as_lists(values: NDArray) -> pa.ListArray:
    """Each row of (n, m) as a list."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(values).ravel()))


def element_columns(outputs: Outputs, names: Mapping[str, str]) -> dict[str, pa.Array]:
    """Lists of each example of those columns `element/<name>` that there are, by the names that they get."""
    there = {name: to for name, to in names.items() if f"{ELEMENT}{name}" in outputs}
    return {to: listed(outputs)(outputs[f"{ELEMENT}{name}"]) for name, to in there.items()}


class Evaluator(ABC):
    """Turns the per-example outputs of an objective into metrics, files and figures.

    Outputs are columns of equal length: `index`, `label`, `weight` where examples have weights that count, `loss` where
    an example has a loss of its own, else `batch_loss`, that of the batch it was in (see `loss_figures`), what the
    objective names, and what `columns` names; columns `element/<name>` have one row for each element of an example, the
    index of which is `element/index`; and, under `gallery/<name>`, `model/<name>` and `observed/<name>`, what
    it keeps to be drawn, what the model has learnt, and what the data set carries along. One evaluator serves
    every objective that outputs the same columns; the learning loop refers to none of them by name.

    Attributes
    ----------
    references : number of training examples whose outputs are needed too, as columns `reference/<name>`: for evaluators
        that compare with labelled examples, such as nearest neighbours.
    training : whether the test needs those of all training examples too, as columns `training/<name>`.
    fine_tune_steps : of the training of networks with few labels, whose scores of the test examples it needs as
        columns; 0 if it needs none.
    metrics : what `quick` and `final` return, in addition to what base classes declare.
    of_elements : whether its figures follow from columns `element/<name>`; otherwise these are in the table only.
    columns : what else it needs of each example: stored columns, or observables of its particles such as `mass`.
    """

    references: int = 0
    training: bool = False
    fine_tune_steps: int = 0
    metrics: tuple[Metric, ...] = ()
    of_elements: bool = False
    columns: tuple[str, ...] = ()

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        """The same evaluator under the options of a run.

        Raises
        ------
        ConfigError : options that make no sense for these outputs or these classes.
        """
        options.refuse_metrics(type(self).__name__)
        options.refuse_few_labels(type(self).__name__)
        options.refuse_samples(type(self).__name__)
        return copy.copy(self)

    def figures_of_an_epoch(self) -> list[str] | None:
        """The names of what `quick` returns, once the options of the run are known; None if that depends on more."""
        return None

    @abstractmethod
    def quick(self, outputs: Outputs) -> dict[str, float]:
        """Validation metrics of an epoch, without errors."""

    @abstractmethod
    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        """Test metrics, each with `<key>_err` from a bootstrap over examples.

        A metric without a value may have `<key>_bound`, a lower bound, and `<key>_note`, a remark.
        """

    def of_weights(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        """Figures of `final` that follow from the examples, as functions of their weights (n,): those of differences.

        Those of the model itself are not among them.
        """
        if "loss" not in outputs:
            return {}
        each = outputs["loss"].astype(np.float64)
        return {"loss": lambda weight: _weighted_mean(each, weight)}

    def widths(self, outputs: Outputs) -> dict[str, Width]:
        """How the errors of those figures of `of_weights` follow from their replicas; by their spread if not named."""
        return {}

    def doubt(self, figures: Mapping[str, float | str | None]) -> str:
        """One line on figures, of `quick` or `final`, that say that something went wrong; empty if they do not."""
        return ""

    @abstractmethod
    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """What is kept of each example, the columns of predictions.parquet."""

    def predictions(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """The table, with the examples' weights if they have any, and the data set's observers as they are.

        It has no labels where examples have no class.
        """
        table = self.table(outputs, class_names)
        if not class_names and "label" in table.column_names:
            table = table.drop_columns(["label"])
        more = {"weight": outputs["weight"]} if "weight" in outputs else {}
        more |= {name.removeprefix(OBSERVED): v for name, v in outputs.items() if name.startswith(OBSERVED)}
        for name, values in more.items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array(values))
        return table

    @abstractmethod
    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        """Draw the plots of the test into a folder; `seed` is that of the bootstrap."""
