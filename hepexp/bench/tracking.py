"""How long a training waits for tracking: opening the store, parameters, metrics of every epoch, artifacts.

The run takes two minutes, with the fastest model and default settings. All time spent in tracking calls is counted,
including the import of MLflow, with a store that already exists.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

from hepexp.bench.overhead import scratch_runs
from hepexp.config.compose import Composer
from hepexp.learning import experiment
from hepexp.learning.experiment import freeze, train
from hepexp.splits import SPLITS
from hepexp.tracking.mlflow_store import MlflowRun

CALLS = ("start", "log_dataset", "log_metrics", "finish")


def rows(minutes: float = 2.0, model: str = "pfn", n_train: int | None = None) -> list[dict]:
    """Epochs per second of the whole run, and the fraction of its wall time spent waiting for tracking.

    Parameters
    ----------
    minutes : length of the training.
    model : option of the group `model`.
    n_train : number of jets in each split; None for all.
    """
    words = [
        f"model={model}",
        "trainer.max_epochs=100000",
        "trainer.patience=null",
        f"trainer.time_limit={60 * minutes:.0f}s",
    ]
    words += [] if n_train is None else [f"dataset.n_{split}={n_train}" for split in SPLITS]
    config = Composer([]).compose(words)
    config = freeze(config, config.hydra.runtime.choices)
    with scratch_runs(), redirect_stdout(StringIO()), _timed() as waited:
        subprocess.run([sys.executable, "-c", "from hepexp.tracking import store; store.connect()"], check=True)
        started = time.perf_counter()
        result = train(config, words)
        seconds = time.perf_counter() - started
    epochs = result.metrics["train/epochs"]
    return [
        {
            "case": "tracking",
            "implementation": "hepexp",
            "per_second": epochs / seconds,
            "waiting": sum(waited) / seconds,
        }
    ]


@contextmanager
def _timed() -> Iterator[list[float]]:
    """The duration in seconds of each tracking call while the block runs."""
    seconds: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **more)
            finally:
                seconds.append(time.perf_counter() - start)

        return call

    before = {name: MlflowRun.__dict__[name] for name in CALLS}
    check = experiment.check_recordable
    try:
        for name, function in before.items():
            is_class_method = isinstance(function, classmethod)
            setattr(MlflowRun, name, classmethod(timed(function.__func__)) if is_class_method else timed(function))
        experiment.check_recordable = timed(check)
        yield seconds
    finally:
        for name, function in before.items():
            setattr(MlflowRun, name, function)
        experiment.check_recordable = check
