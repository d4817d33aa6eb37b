"""How long a training waits for data: the time of a step with its batch in memory, and the loader's time before it.

Each data set is paired with the fastest model for its representation, for which waiting matters most; the data sets are
measured in turn. Steps run on a single thread, as several threads would wait for one another on a busy machine.
`waiting` is the fraction of time spent waiting if the step ran faster in proportion to the number of cores, which is an
upper limit. It is computed from medians of processor time, which is not affected by other processes; the examples are
in memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import torch

from hepexp.config.compose import Composer
from hepexp.data.find import class_of, data_sets, find_info
from hepexp.learning.components import Components, build_components

FASTEST = {"particles": "pfn", "image": "cnn"}  # model for each representation
_WARM = 2  # warm-up steps


def rows(batches: int = 60, seconds: float = 10.0) -> list[dict]:
    """Batches per second of forward pass, backward pass and optimiser, with and without waiting for the loader.

    Parameters
    ----------
    batches : maximum number of steps with each data set.
    seconds : maximum time for each data set.
    """
    trainings = {dataset: Training(dataset, model) for dataset, model in cases()}
    under_way = list(trainings.values())
    with _one_thread():
        while under_way:
            for training in under_way:
                training.step()
            under_way = [one for one in under_way if len(one.steps) < batches and sum(one.steps) < seconds]
    return [row for dataset, training in trainings.items() for row in training.rows(f"loader {dataset}")]


def cases() -> Iterator[tuple[str, str]]:
    """Each sample of classes as particles or images, with the fastest model for the representation of its default."""
    for dataset in data_sets():
        info = find_info(dataset)
        if info is None or "mini" not in info.sources or len(info.classes) < 2:
            continue
        first = class_of(dataset)(source="mini", seed=0).representations[0]
        if first in FASTEST:
            yield dataset, FASTEST[first]


class Training:
    """Training steps of a model on a data set, each of them timed.

    Parameters
    ----------
    dataset, model : options of these groups.

    Attributes
    ----------
    steps : duration of each step in seconds, except the warm-up steps.
    """

    def __init__(self, dataset: str, model: str) -> None:
        self.components = build_components(
            Composer([]).compose([f"dataset={dataset}", f"model={model}", "dataset.source=mini"])
        )
        self.optimizer = torch.optim.AdamW(self.components.module.parameters(), lr=1e-4)
        self.batches = _epochs(self.components)
        self.waits: list[float] = []
        self.steps: list[float] = []
        self.waits_cpu: list[float] = []
        self.steps_cpu: list[float] = []
        self.warming = _WARM

    def step(self) -> None:
        """Load one batch and train on it."""
        asked, asked_cpu = time.perf_counter(), time.thread_time()
        batch = next(self.batches)
        given, given_cpu = time.perf_counter(), time.thread_time()
        module = self.components.module
        terms, _ = module.objective.terms(module.model, batch)
        self.optimizer.zero_grad()
        terms["loss"].backward()
        self.optimizer.step()
        if self.warming:
            self.warming -= 1
            return
        self.steps.append(time.perf_counter() - given)
        self.steps_cpu.append(time.thread_time() - given_cpu)
        self.waits.append(given - asked)
        self.waits_cpu.append(given_cpu - asked_cpu)

    def rows(self, case: str) -> list[dict]:
        """The two rates, and for ours the fraction of time spent waiting."""
        wait, step, wait_cpu, step_cpu = map(median, (self.waits, self.steps, self.waits_cpu, self.steps_cpu))
        waiting = wait_cpu / (wait_cpu + step_cpu / (os.cpu_count() or 1))
        return [
            {"case": case, "implementation": "hepexp", "per_second": 1 / (wait + step), "waiting": waiting},
            {"case": case, "implementation": "in-memory", "per_second": 1 / step},
        ]


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _epochs(components: Components) -> Iterator[object]:
    """An endless sequence of training batches, reshuffled for each pass."""
    loader = components.data.train_dataloader()
    while True:
        yield from loader
