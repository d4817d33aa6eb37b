"""The result of an audit as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from hepexp.config.expected import counted
from hepexp.evaluation.rounding import with_error
from hepexp.text_table import Column, TextTable

IN_FULL = 3  # checks of which every strength is shown
COLOURS = {"kept": "green", "broken": "bold red"}


def table(found: Mapping[str, Any], title: str) -> TextTable:
    """A row for each check, at the strength with the largest mean change; or for each strength of a few checks.

    Parameters
    ----------
    found : what `audit` returns.
    """
    checks, has_figures = found["checks"], bool(found["unchanged"])
    columns = [Column("check", "name"), Column("at", "name"), Column("claim", "figure", keep=2)]
    if has_figures:
        columns += [Column("accuracy", "figure"), Column("AUC", "figure"), Column("change of AUC", "figure", keep=1)]
    columns += [Column("largest change", "figure", keep=1), Column("in float64", "figure", keep=1)]
    rows: list[list[str | Text]] = [["as it is", "", "", *_figures(found["unchanged"], with_change=False), "", ""]]
    for name, check in checks.items():
        for point in _shown(check["points"], in_full=len(checks) <= IN_FULL):
            at = f"{check['axis'].partition(' (')[0]} {point['strength']:g}" if check["axis"] else ""
            said = check["verdict"] if point["judged"] else ""
            figures = _figures(point) if has_figures else []
            sizes = [point[f"largest_change_float{bits}"] for bits in (32, 64)]
            changes = [f"{size:.1e}" if size else "0" for size in sizes]
            rows.append([f"{name}: {check['what']}", at, Text(said, COLOURS.get(said, "")), *figures, *changes])
    return TextTable(columns, rows, title=title, notes=list(_notes(found)), more="check.json has all")


def circuits_table(found: Mapping[str, Any]) -> TextTable:
    """A row for each circuit: its size, how its states spread, and its gradients.

    Parameters
    ----------
    found : what `describe` returns.
    """
    headings = ("circuit", "qubits", "layers", "ansatz", "expressibility", "entangling", "Var dZ", "Var dZ..Z")
    rows = []
    for name, its in found.items():
        here = next(p for p in its["gradients"] if (p["n_qubits"], p["n_layers"]) == (its["n_qubits"], its["n_layers"]))
        spread = [with_error(its.get(k), its.get(f"{k}_err")) for k in ("expressibility", "entanglement")]
        kinds = ("variance_local", "variance_global")
        variances = [f"{here[kind]:.1e} ± {here[f'{kind}_err']:.1e}" for kind in kinds]
        rows.append([name, str(its["n_qubits"]), str(its["n_layers"]), its["ansatz"], *spread, *variances])
    notes = (
        "expressibility: divergence from Haar-random states, 0 is best; entangling: mean Meyer-Wallach Q, 0 to 1 "
        "(arXiv:1905.10876)",
        "Var: of derivatives by the trained angles, over random angles, of <Z> of the first qubit and of the product "
        "of all Z; one that falls exponentially with the qubits is a barren plateau (plots/check_circuits_*.png)",
    )
    columns = [Column(heading, "figure" if k else "name") for k, heading in enumerate(headings)]
    return TextTable(columns, rows, notes=notes, turns=True)


def _shown(points: list[dict[str, Any]], in_full: bool) -> list[dict[str, Any]]:
    """All, or the one of largest mean change, and that of those at which a claim is judged."""
    if in_full:
        return points
    judged = [point for point in points if point["judged"]]
    worst = [max(some, key=lambda point: point["mean_change_float32"]) for some in (judged, points) if some]
    return worst[:1] if worst[0] is worst[-1] else worst


def _figures(point: Mapping[str, Any], with_change: bool = True) -> list[str]:
    if not point:
        return []
    found = [with_error(point[name], point[f"{name}_err"]) for name in ("accuracy", "auc")]
    return [*found, with_error(point["auc_change"], point["auc_change_err"]) if with_change else ""]


def _notes(found: Mapping[str, Any]) -> Iterator[str]:
    n, few = found["n"], found["n_float64"]
    yield (
        f"{counted(n, 'test example')}, {few:,} of them in float64 too; errors from a bootstrap over examples, of "
        "changes over the same examples before and after"
    )
    if any(check["verdict"] for check in found["checks"].values()):
        yield (
            f"kept: where the network claims it, no score changes by more than {found['threshold']:g} in "
            "float64; the float32 column is rounding if the float64 one is small"
        )
    if len(found["checks"]) > IN_FULL:
        yield "each check at the strength of largest mean change; check.json and the figures have all strengths"
