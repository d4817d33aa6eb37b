"""Figures to compare a run with: published ones with their sources, exact ones, or those of an earlier record."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, isclose
from typing import Any

from hepexp.config.expected import Expected, Figure, Publication
from hepexp.evaluation.conditions import Conditions
from hepexp.evaluation.rounding import number

ROUNDING = 1e-6  # relative difference of two evaluations in single precision that sum in a different order

# by metric: texts of the figure beside it and of the difference; several where several documents have one
Beside = Mapping[str, list[tuple[str, str]]]


def published(metrics: Mapping[str, Any], expected: Expected, run: Conditions) -> Beside:
    """Published figures with the number of their source, then exact ones.

    The difference from a published figure is given if the run meets the document's conditions: in standard deviations
    if the run's figure has an error, combined with the document's error if it gives one. The difference from an exact
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
    """For each document: its reference, its conditions and its address, and how the run's conditions differ."""
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
    """The document, its conditions, a note, and its address, in one line."""
    said = f"{publication.document}: {publication.conditions}"
    if publication.note:
        said += f"; {publication.note}"
    return f"{said}; {publication.link or 'no public link known'}"


def shown(figure: Figure) -> str:
    """With the digits that the document gives, except trailing zeros."""
    value = f"{figure.value:,.6g}"
    return value if figure.error is None else f"{value} ± {figure.error:.6g}"


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
