"""Figures to compare a run with, published, exact or of an earlier record, and whether its conditions allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, isclose
from typing import Any

from hepexp.config.expected import Expected, Figure, Publication, counted
from hepexp.evaluation.rounding import number

ROUNDING = 1e-6  # relative difference of two evaluations in single precision that sum in a different order

# by metric: texts of the figure beside it and of the difference; several where it was published several times
Beside = Mapping[str, list[tuple[str, str]]]
LIKE = 0.1  # largest relative difference in size at which two samples count as equally large
# what changes the network or its training; sizes and source of the data are taken from what was actually read
SETTINGS = ("model", "loss", "backend", "optimizer", "dataset")
SIZES = ("n_train", "n_val", "n_test", "source", "n_files")


@dataclass(frozen=True)
class Conditions:
    """The conditions under which a run obtained its figures.

    Parameters
    ----------
    data : the data set's name.
    source : full, mini, generate, or what a plug-in calls it.
    simulated : whether the examples were simulated by this project.
    sizes : numbers of examples n_train, n_val and n_test, as far as they are known.
    epochs : number of epochs trained.
    changed : settings of the task that were overridden, e.g. `model.n_hidden=8`.
    """

    data: str
    source: str
    simulated: bool = False
    sizes: Mapping[str, int] | None = None
    epochs: int | None = None
    changed: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        environment: Mapping[str, Any],
        metrics: Mapping[str, Any],
        overrides: Sequence[str] = (),
    ) -> Conditions:
        """From a record: its config, environment.json, metrics.json, and the overrides."""
        data = environment.get("data") or {}
        sizes = {name: data[name] for name in ("n_train", "n_val", "n_test") if data.get(name) is not None}
        return cls(
            data=str((config.get("choices") or {}).get("dataset", "")),
            source=str(data.get("source", metrics.get("data/source", ""))),
            simulated=bool(data.get("simulated")),
            sizes=sizes,
            epochs=metrics.get("train/epochs"),
            changed=tuple(typed for typed in overrides if _is_setting(typed)),
        )

    @property
    def sample(self) -> str:
        """The data set and its source, as `qg, source mini (simulated)`."""
        return f"{self.data}, source {self.source}{' (simulated)' if self.simulated else ''}"

    def differences(self, publication: Publication) -> list[str]:
        """What differs from the conditions of a publication, ours against theirs; empty if they agree.

        Fewer epochs count as a difference, more do not. A size that is not published never agrees.
        """
        found = []
        if self.data != publication.data:
            found.append(f"data set {self.data} against {publication.data}")
        if self.source != "full":
            found.append(f"source {self.source}{' (simulated)' if self.simulated else ''} against full")
        sizes = self.sizes or {}
        ours, theirs, of = sizes.get("n_train"), publication.n_train, "training examples"
        if theirs is None and publication.n_total is not None:
            ours, theirs, of = sum(sizes.values()), publication.n_total, "examples in all"
        if theirs is None:
            found.append(f"{_number_of(ours, of)} against a number that is not given")
        elif ours is None or abs(ours - theirs) > LIKE * theirs:
            found.append(f"{_number_of(ours, of)} against {theirs:,}")
        if publication.epochs is not None and self.epochs is not None and self.epochs < publication.epochs:
            found.append(f"{counted(self.epochs, 'epoch')} against {publication.epochs}")
        if publication.differs:
            found.append(publication.differs)
        if self.changed:
            found.append(f"settings of this run: {' '.join(self.changed)}")
        return found


def _number_of(n: int | None, of: str) -> str:
    return f"an unknown number of {of}" if n is None else f"{n:,} {of}"


def _is_setting(typed: str) -> bool:
    key = typed.lstrip("+~").partition("=")[0]
    group, _, rest = key.partition(".")
    return group in SETTINGS and rest not in SIZES


def beside(metrics: Mapping[str, Any], expected: Expected, run: Conditions) -> Beside:
    """Published figures with the number of their source, then exact ones.

    The difference from a published figure is given if the run meets its conditions: in standard deviations if the
    run's figure has an error, combined with the published error if there is one. The difference from an exact
    figure is always given, in absolute terms.
    """
    beside: dict[str, list[tuple[str, str]]] = {name: [] for name in expected.metrics}
    for i, one in enumerate(expected.published):
        comparable = not run.differences(one)
        for name, figure in one.figures.items():
            text = f"{shown(figure)} [{i + 1}]"
            beside[name].append((text, _deviation(metrics, name, figure) if comparable else ""))
    for name, value in expected.exact.items():
        beside[name].append((f"{number(value)} exact", _difference(metrics.get(name), value)))
    return beside


def recorded(metrics: Mapping[str, Any], figures: Mapping[str, Any]) -> Beside:
    """Figures of an earlier evaluation of the same weights, and plain differences.

    Deviations in standard deviations would be wrong, as the two have examples in common.
    """
    return {name: [(number(value), _difference(metrics.get(name), value))] for name, value in figures.items()}


def notes(expected: Expected, run: Conditions) -> list[str]:
    """For each publication: its reference, its conditions and its address, and how the run's conditions differ."""
    lines = []
    for i, one in enumerate(expected.published):
        differing = run.differences(one)
        lines.append(f"[{i + 1}] {source(one)}")
        lines.append(
            f"[{i + 1}] not comparable, this run against the document: {'; '.join(differing)}"
            if differing
            else f"[{i + 1}] comparable; σ is the error {_which(one)}"
        )
    return lines


def source(publication: Publication) -> str:
    """What one would cite, its conditions, a note, and its address, in one line."""
    said = f"{publication.document}: {publication.conditions}"
    if publication.note:
        said += f"; {publication.note}"
    return f"{said}; {publication.link or 'no public link known'}"


def shown(figure: Figure) -> str:
    """With the digits that were published; of records of older versions, except trailing zeros."""
    texts = [_with_commas(text) for text in figure.written]
    numbers = [number for number in (figure.value, figure.error) if number is not None]
    return " ± ".join(texts or [f"{number:,.6g}" for number in numbers])


def _with_commas(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdecimal() else text


def _which(publication: Publication) -> str:
    own = "of this run from its test examples"
    have = [figure.error is not None for figure in publication.figures.values()]
    if all(have):
        return f"{own} and of the document together"
    return f"{own} alone, where the document gives no error" if any(have) else f"{own} alone: the document gives none"


def _deviation(metrics: Mapping[str, Any], name: str, figure: Figure) -> str:
    value, error = metrics.get(name), metrics.get(f"{name}_err")
    if not isinstance(value, int | float):
        return ""
    if not error:
        return _difference(value, figure.value)
    return f"{(value - figure.value) / hypot(error, figure.error or 0):+.1f} σ"


def _difference(value: Any, figure: Any) -> str:
    if not isinstance(value, int | float) or not isinstance(figure, int | float):
        return ""
    same = isclose(value, figure, rel_tol=ROUNDING, abs_tol=0)
    return "0" if same else f"{value - figure:+.3g}"
