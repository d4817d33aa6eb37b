"""Trials whose process has died, on this machine or another, and how they return to the queue."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hepexp.sweep.study import REPEATS
from hepexp.tracking.process import is_dead, process_tags

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

PROCESS, SEEN, DEATHS = "process", "seen", "deaths"  # attributes of trials
PERIOD, LIMIT = 60.0, 600.0  # seconds between signs of life; without one for so long, another machine counts as gone
MOST_DEATHS = 3  # a trial that needs too much memory kills whoever takes it


@contextmanager
def alive(trial: Trial) -> Iterator[None]:
    """Note which process runs a trial, and regularly that it still does."""
    trial.set_user_attr(PROCESS, process_tags())
    trial.set_user_attr(SEEN, time.time())
    done = threading.Event()

    def beat() -> None:
        while not done.wait(PERIOD):
            with suppress(Exception):  # a storage that is briefly out of reach must not end a training
                trial.set_user_attr(SEEN, time.time())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def is_lost(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial has ended without saying so."""
    process = trial.user_attrs.get(PROCESS, {})
    if process.get("host") == socket.gethostname():
        return is_dead(process)
    assert trial.datetime_start is not None, "it is running"
    seen = trial.user_attrs.get(SEEN) or trial.datetime_start.timestamp()
    return time.time() - seen > LIMIT


def requeue_lost(study: Study) -> list[int]:
    """Queue lost trials again; their numbers. One that was lost too often has failed."""
    from optuna.trial import TrialState

    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_lost(trial):
            deaths = trial.user_attrs.get(DEATHS, 0) + 1
            if deaths >= MOST_DEATHS:
                _end(study, trial.number)
            elif requeue(study, trial.number, trial.params, deaths):
                found.append(trial.number)
    return found


def requeue(study: Study, number: int, params: dict[str, Any], deaths: int = 0) -> bool:
    """End a trial as failed and queue its values as a new one; False where another process did so before.

    Parameters
    ----------
    number : of the trial.
    deaths : how often the process of a trial with these values was lost.
    """
    if not _end(study, number):
        return False
    study.enqueue_trial(params, user_attrs={REPEATS: number, DEATHS: deaths})
    return True


def _end(study: Study, number: int) -> bool:
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    try:
        study.tell(number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    return True
