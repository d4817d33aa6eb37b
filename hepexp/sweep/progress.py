"""The progress of a sweep: a bar on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hepexp.console import PlainConsole
from hepexp.evaluation.rounding import number
from hepexp.sweep.lost_trials import is_lost
from hepexp.sweep.study import completed, counted, plan_of
from hepexp.sweep.summary import best_values, reason

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

PERIOD = 1.0  # seconds between looks into the storage


def follow(study: Study, are_going: Callable[[], bool]) -> None:
    """Show the trials as they end, until the workers and the trials of other machines have ended."""
    plan = plan_of(study)
    console = PlainConsole(stderr=True)
    columns = [
        TextColumn("sweep"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials, {task.fields[running]} running,"),
    ]
    columns += [TextColumn("best {task.fields[best]}"), TextColumn("left"), TimeRemainingColumn()]
    said = {trial.number for trial in counted(study) if trial.state.is_finished()}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=plan.trials, completed=len(said), running=0, best="")
        while True:
            going = are_going()
            trials = counted(study)
            running = [trial for trial in trials if trial.state.name == "RUNNING"]
            for trial in trials:
                if trial.state.is_finished() and trial.number not in said:
                    said.add(trial.number)
                    console.print(_line(trial, plan.metrics), soft_wrap=True)
            bar.update(task, completed=len(said), running=len(running), best=_best(study))
            if not going and all(is_lost(trial) for trial in running):
                return
            time.sleep(PERIOD)


def _line(trial: FrozenTrial, metrics: list[str]) -> str:
    tried = " ".join(f"{key}={value}" for key, value in trial.params.items())
    values = " ".join(f"{m} {number(v)}" for m, v in zip(metrics, trial.values or (), strict=False))
    state = "" if trial.state.name == "COMPLETE" else f"{trial.state.name.lower()} "
    return f"trial {trial.number}: {tried}: {state}{values}{reason(trial)}"


def _best(study: Study) -> str:
    if not completed(study):
        return "–"
    if len(study.directions) > 1:
        return f"{len(study.best_trials)} on the front"
    return " ".join(f"{metric} {number(value)}" for metric, value in best_values(study).items())
