"""Overhead of `hepexp train` over a bare PyTorch loop with the same model, jets, batches, optimiser and validation.

Our epoch consists of training, validation, learning-rate schedule, progress display, both checkpoints and MLflow; the
bare loop has only the first three. The ratio of their times is at least one.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np
import torch
from omegaconf import OmegaConf

from hepexp.config.compose import Composer
from hepexp.evaluation.evaluators.classification import auc
from hepexp.interrupts import Interrupts
from hepexp.learning.components import Components, build_components
from hepexp.learning.fit import fit
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder


def rows(model: str = "lorentznet", n_train: int = 1024, repeats: int = 5) -> list[dict]:
    """Training jets per second over a whole epoch: medians, alternating between ours and the bare loop.

    Parameters
    ----------
    model : option of the group `model`.
    n_train : number of training jets.
    repeats : number of epochs of each, after one for warm-up.
    """
    values = {"model": model, "++dataset.n_train": n_train, "++dataset.n_val": 256, "++dataset.n_test": 64}
    values |= {"++trainer.max_epochs": repeats + 1, "++trainer.patience": "null"}
    config = Composer([]).compose([f"{key}={value}" for key, value in values.items()])
    OmegaConf.set_struct(config, False)
    bare = _bare_epochs(build_components(config))
    seconds: dict[str, list[float]] = {"hepexp": [], "bare-loop": []}
    started = 0.0

    def after_epoch(row: dict[str, float], epoch: int) -> None:
        nonlocal started
        run.log_metrics(row, epoch)
        ours = time.perf_counter() - started
        with torch.enable_grad():
            theirs = next(bare)
        if epoch:
            seconds["hepexp"].append(ours)
            seconds["bare-loop"].append(theirs)
        started = time.perf_counter()  # the checkpoints of this epoch count in the next one

    with scratch_runs():
        folder = RunFolder.create("bench", "overhead")
        run = MlflowRun.start("bench", "overhead", {}, {}, folder.path)
        fit(build_components(config), folder, Interrupts(), after_epoch)
        run.finish("FINISHED")
    return [
        {"case": "overhead", "implementation": name, "per_second": n_train / median(s)} for name, s in seconds.items()
    ]


def _bare_epochs(components: Components) -> Iterator[float]:
    """Duration in seconds of successive epochs of a plain loop."""
    module, data = components.module, components.data
    model, clip = module.model, components.trainer.gradient_clip
    loader, validation = data.train_dataloader(), data.val_dataloader()
    optimizer, schedule = module.optimizer.build(model.parameters(), len(loader) * components.trainer.max_epochs)
    loss_of = torch.nn.functional.cross_entropy
    while True:
        start = time.perf_counter()
        model.train()
        for batch in loader:
            optimizer.zero_grad()
            loss_of(model(batch), batch.label).backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            scores = [(model(batch).softmax(dim=1).numpy(), batch.label.numpy()) for batch in validation]
        auc(np.concatenate([score for score, _ in scores]), np.concatenate([label for _, label in scores]))
        yield time.perf_counter() - start


@contextmanager
def scratch_runs() -> Iterator[None]:
    """A temporary runs folder for the duration of a measurement."""
    before = os.environ.get("HEPEXP_RUNS_DIR")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEPEXP_RUNS_DIR"] = scratch
        try:
            yield
        finally:
            del os.environ["HEPEXP_RUNS_DIR"]
            if before is not None:
                os.environ["HEPEXP_RUNS_DIR"] = before
