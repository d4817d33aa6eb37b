"""A figure of merit, declared by what computes it: its name, which direction is better, its heading, its meaning.

A declaration is read from source text, without importing anything, so its arguments are literals, or names of literals
at the top of a module:

    class MyEvaluator(Evaluator):
        metrics = (
            Metric("brier", "lower", "Brier score", "Mean squared error of the probabilities.", range="0 to 2"),
            *SHARED,
        )
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

ERROR, BOUND, NOTE = "_err", "_bound", "_note"  # what accompanies a figure, under its key and one of these
OTHERWISE = "measured in batches of"  # begins the note of a figure whose name promises other conditions
CONFIDENCE = 0.95  # of a lower bound
AT_LEVEL = f"lower bound at {100 * CONFIDENCE:.0f} % CL"


@dataclass(frozen=True)
class Metric:
    """One figure, or several of one kind.

    Parameters
    ----------
    name : as an evaluator or a loss calls it, `auc` for the keys test/auc, val/auc and train/auc; with a slash the key
        itself, `model/flops`. `{word}` stands for what differs among several: `rejection_{eS}`; heading, LaTeX and
        meaning may repeat it.
    better : `higher` or `lower`, which values are better; `neither` for a figure that describes and does not rank.
    heading : in tables and on axes.
    meaning : one sentence, with its formula or reference.
    latex : the heading in LaTeX, where it is not the same.
    range : the values that it can take, e.g. "0 to 1".
    error : what `<key>_err` is.
    no_error : why it has no error; empty if `<key>_err` accompanies it.
    undefined : when it has no value, e.g. "no background example passes"; empty if it always has one.
    each_epoch : whether it is computed on the validation examples after every epoch.
    recorded : whether it is in metrics.json; otherwise it is only in history.json.
    column : whether tables of runs show it by default.
    whole : whether it is an integer that is counted, not measured.
    values : what usually stands for `{word}`, for lists and completion.
    floor : the meaning of `<name>_floor`, the same figure between two samples of the truth; empty if there is none.
    """

    name: str
    better: Literal["higher", "lower", "neither"]
    heading: str
    meaning: str
    latex: str = ""
    range: str = ""
    error: str = "standard deviation over bootstrap replicas of the examples"
    no_error: str = ""
    undefined: str = ""
    each_epoch: bool = True
    recorded: bool = True
    column: bool = False
    whole: bool = False
    values: tuple[str, ...] = ()
    floor: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its name is only a placeholder: it matches every name, so it is only looked up for one loss."""
        return self.name.startswith("{") and self.name.endswith("}")

    @property
    def spelt_out(self) -> int:
        """Number of letters of the name outside `{word}`: of two that match a name, the one with more is meant."""
        return len(re.sub(r"\{\w+\}", "", self.name))

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest possible value, as far as the range gives them in numbers; infinite otherwise."""
        if found := re.match(r"(-?[\d.]+) to (-?[\d.]+)(?=[;,]|$)", self.range):
            return float(found[1]), float(found[2])
        if found := re.match(r">= (-?[\d.]+)(?=[;,]|$)", self.range):
            return float(found[1]), math.inf
        return -math.inf, math.inf

    @property
    def names(self) -> list[str]:
        """The name, or those with the usual values in its place."""
        return [re.sub(r"\{\w+\}", value, self.name) for value in self.values] or [self.name]

    def with_floor(self) -> tuple[Metric, ...]:
        """The metric and, if it has one, its floor, which describes and does not rank."""
        metric = replace(self, floor="")
        floor = replace(
            metric,
            name=f"{self.name}_floor",
            better="neither",
            heading=f"{self.heading}, truth",
            latex=self.latex and f"{self.latex}, truth",
            meaning=self.floor,
            column=False,
        )
        return (metric, floor) if self.floor else (metric,)

    def of(self, name: str) -> Metric | None:
        """The metric of this name, with words in place of `{word}`; None where the name is another's."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return self if name == self.name else None
        texts = {field: getattr(self, field) for field in ("heading", "latex", "meaning", "undefined")}
        for word, value in found.groupdict().items():
            texts = {field: text.replace(f"{{{word}}}", value) for field, text in texts.items()}
        return replace(self, name=name, values=(), **texts)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.name)
        return re.compile("".join(f"(?P<{p}>[^/]+)" if k % 2 else re.escape(p) for k, p in enumerate(parts)))


def in_key(name: str) -> str:
    """A name that a user gave, as part of the name of a figure or a file: `H-_bb` of `H->bb`.

    What MLflow takes, letters, digits, space and - . : _, is unchanged; a slash would begin a folder.
    """
    return re.sub(r"[^\w\-. :]", "_", name)


def is_of_each_epoch(name: str, metrics: Iterable[Metric]) -> bool:
    """Whether a figure of this name is computed after every epoch, as one that none of the metrics declares is."""
    fitting = [metric for metric in metrics if metric.of(name)]
    return not fitting or max(fitting, key=lambda metric: metric.spelt_out).each_epoch


def is_beside(key: str) -> bool:
    """Whether a key of a record is not a figure but the error, the bound or the note of one."""
    return key.endswith((ERROR, BOUND, NOTE))


def without_suffix(key: str) -> str:
    """The figure's key of `<key>_err`, `<key>_bound`, `<key>_note`, or of itself."""
    return next((key.removesuffix(suffix) for suffix in (ERROR, BOUND, NOTE) if key.endswith(suffix)), key)
