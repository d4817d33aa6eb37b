"""What a sweep found: the best command, a table of trials, how much each key mattered, figures."""

from __future__ import annotations

import csv
import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.atomic import write_text
from hepexp.evaluation.rounding import number
from hepexp.figures import about
from hepexp.sweep import figures
from hepexp.sweep.lost_trials import DEATHS, PROCESS
from hepexp.sweep.study import completed, counted, name_of, plan_of
from hepexp.text_table import Column, TextTable

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

COLOURS = {"COMPLETE": "green", "FAIL": "red", "PRUNED": "yellow"}


def best_commands(study: Study) -> list[str]:
    """The command of the best trial; with several metrics those of the Pareto front."""
    plan = plan_of(study)
    return [f"hepexp train {shlex.join(plan.overrides(trial.params))}" for trial in best(study)]


def description(study: Study) -> str:
    """Markdown for the sweep's run in MLflow: how to resume it, and the command of the best trial."""
    commands = "\n".join(f"    {command}" for command in best_commands(study))
    return f"    hepexp sweep --resume {name_of(study)}\n\nBest:\n\n{commands}"


def best(study: Study) -> list[FrozenTrial]:
    """The best completed trial, or those that no other beats in every metric; none if none completed."""
    if not completed(study):
        return []
    return study.best_trials if len(study.directions) > 1 else [study.best_trial]


def best_values(study: Study) -> dict[str, float]:
    """The best value of each metric, in whichever trial it was."""
    plan, trials = plan_of(study), completed(study)
    pick = {"minimize": min, "maximize": max}
    columns = zip(*(trial.values for trial in trials), strict=True)
    return {
        metric: pick[direction](column)
        for metric, direction, column in zip(plan.metrics, plan.directions, columns, strict=False)
    }


def reason(trial: FrozenTrial) -> str:
    """Why a trial failed; empty where it did not."""
    if trial.state.name != "FAIL":
        return ""
    deaths = trial.user_attrs.get(DEATHS, 0) + 1
    return trial.user_attrs.get("error") or f"its process was killed {deaths} times (out of memory?)"


def trials_table(study: Study) -> TextTable:
    """One row a trial: state, values, settings, run, and if there are several its host; below, why trials failed."""
    from rich.text import Text

    plan, trials = plan_of(study), counted(study)
    hosts = [trial.user_attrs.get(PROCESS, {}).get("host", "") for trial in trials]
    several = len(set(hosts) - {""}) > 1
    columns = [Column("trial", "name"), Column("state", "figure", keep=2)]
    columns += [*(Column(name, "figure", keep=2) for name in plan.metrics)]
    columns += [*(Column(name, "figure", keep=1) for name in plan.space)]
    columns += [Column(name, "figure") for name in ("seconds", "run", *(["host"] if several else []))]
    leading = {trial.number for trial in best(study)}
    rows = []
    for trial, host in zip(trials, hosts, strict=True):
        values = [number(value) for value in trial.values or [None] * len(plan.metrics)]
        settings = plan.settings(trial)
        params = [_shown(settings.get(key)) for key in plan.space]
        took = number(trial.duration.total_seconds()) if trial.duration else ""
        state = Text(trial.state.name, COLOURS.get(trial.state.name, ""))
        name = f"{trial.number}{' *' if trial.number in leading else ''}"
        run = trial.user_attrs.get("run", "")
        rows.append([name, state, *values, *params, took, run, *([host] if several else [])])
    styles = ["bold" if trial.number in leading else "" for trial in trials]
    reasons = [Text(f"trial {trial.number}: {reason(trial)}", "red") for trial in trials if reason(trial)]
    return TextTable(columns, rows, styles, notes=reasons, more="trials.csv has them")


def importances(study: Study, metric: int = 0) -> dict[str, float]:
    """Share of the variance of a metric that each key explains (fANOVA); none if it cannot be computed.

    Parameters
    ----------
    metric : its place among those of the plan.

    References
    ----------
    F. Hutter, H. Hoos, K. Leyton-Brown, ICML 2014.
    """
    from optuna import importance

    try:
        judge = importance.FanovaImportanceEvaluator(seed=1)
        return importance.get_param_importances(study, evaluator=judge, target=lambda trial: trial.values[metric])
    except (ValueError, RuntimeError):  # fewer than two finished trials, or all with the same value
        return {}


def write(study: Study, folder: Path) -> list[Path]:
    """Write trials.csv, best.txt and the figures history, importances and parallel_coordinate into a folder."""
    plan = plan_of(study)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "best.txt", "\n".join(best_commands(study)) + "\n")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["trial", "state", *plan.metrics, *plan.space, "seconds", "run", "error"])
    for t in counted(study):
        seconds = t.duration.total_seconds() if t.duration else None
        values = t.values or [None] * len(plan.metrics)
        settings = plan.settings(t)
        params = [settings.get(key) for key in plan.space]
        how = [t.user_attrs.get("run"), reason(t)]
        writer.writerow([t.number, t.state.name, *values, *params, seconds, *how])
    write_text(folder / "trials.csv", out.getvalue())
    return [folder / "best.txt", folder / "trials.csv", *_figures(study, folder)]


def _figures(study: Study, folder: Path) -> list[Path]:
    """Those of the first metric, titled with the command of the sweep; none with fewer than two completed trials."""
    plan, trials = plan_of(study), completed(study)
    if len(trials) < 2:
        return []
    name, direction, shares = plan.metrics[0], plan.directions[0], importances(study)
    settings = [plan.settings(trial) for trial in trials]
    draw = {
        "history": lambda path: figures.history(path, trials, name, direction),
        "parallel_coordinate": lambda path: figures.parallel_coordinate(
            path, trials, settings, plan.dimensions, name, direction
        ),
    }
    if shares:
        draw["importances"] = lambda path: figures.importances(path, shares, name)
    if len(plan.metrics) == 2:
        draw["pareto_front"] = lambda path: figures.pareto_front(path, trials, best(study), plan.metrics)
    with about(f"sweep {study.study_name}: {shlex.join(plan.base)}, {len(trials)} trials"):
        for stem, make in draw.items():
            make(folder / f"{stem}.png")
    return [folder / f"{stem}.png" for stem in draw]


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else str(value if value is not None else "")
