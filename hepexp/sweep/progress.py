"""How far a sweep is: a bar on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hepexp.evaluation.rounding import number
from hepexp.sweep.study import counted, plan_of

if TYPE_CHECKING:
    from optuna import Study

PERIOD = 1.0  # seconds between looks into the storage


def follow(study: Study, is_running: Callable[[], bool]) -> None:
    """Show the trials as they end, until nothing is running any more."""
    plan = plan_of(study)
    console = Console(stderr=True)
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
            going = is_running()
            trials = counted(study)
            for trial in trials:
                if trial.state.is_finished() and trial.number not in said:
                    said.add(trial.number)
                    tried = " ".join(f"{key}={value}" for key, value in trial.params.items())
                    values = " ".join(
                        f"{m} {number(v)}" for m, v in zip(plan.metrics, trial.values or (), strict=False)
                    )
                    what = values or f"{trial.state.name.lower()} {trial.user_attrs.get('error', '')}".strip()
                    console.print(f"trial {trial.number}: {tried}: {what}", highlight=False, markup=False)
            running = sum(trial.state.name == "RUNNING" for trial in trials)
            bar.update(task, completed=len(said), running=running, best=_best(study, plan.metrics))
            if not going:
                return
            time.sleep(PERIOD)


def _best(study: Study, metrics: list[str]) -> str:
    finished = [trial for trial in counted(study) if trial.values is not None]
    if not finished or len(metrics) > 1:
        return "–" if not finished else f"{len(study.best_trials)} on the front"
    return f"{metrics[0]} {number(study.best_value)}"
