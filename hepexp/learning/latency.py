"""How long a trained model takes on a CPU, one example at a time and in large batches."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import nn

from hepexp.batch import Batch
from hepexp.errors import HepexpError
from hepexp.metric import NOTE, OTHERWISE, Metric

METRICS = (
    Metric(
        "model/latency_1",
        "lower",
        "CPU ms/example, batch 1",
        "Time of the model on the CPU for one typical example, without reading it from disk: median of several passes "
        "in evaluation mode, on `model/latency_threads` threads.",
        range=">= 0",
        no_error="a median of several passes",
        undefined="the model does not run on the CPU",
    ),
    Metric(
        "model/latency_512",
        "lower",
        "CPU ms/example, batch 512",
        "Time of the model on the CPU for a batch of 512 examples of typical size, divided by 512; otherwise as "
        "model/latency_1. Where such a batch takes too long or too much memory, they are smaller, and a note says so.",
        range=">= 0",
        no_error="a median of several passes",
        undefined="the model does not run on the CPU",
    ),
    Metric(
        "model/latency_threads",
        "neither",
        "threads",
        "Number of CPU threads with which the latencies were measured.",
        range=">= 1",
        no_error="a count",
        whole=True,
    ),
)
BATCH = 512
SHARE, LEAST = 0.05, 0.1  # of the time of the training that the measurement may take, and seconds that it always may
ENOUGH = 3.0  # seconds after which passes are not repeated any more
PASSES = {1: 20, BATCH: 7}  # at most, of which the median is taken
GROWTH, AFFORDED = 8, 4  # sizes of batches are tried in such steps, where so many passes can be afforded
MEMORY, ALIVE = 2**30, 4  # bytes that a batch may take, if so many of the largest tensors are alive at once


def latency(
    model: nn.Module, examples: Callable[[int], Batch], seconds: float, widest: int, n: int = BATCH
) -> dict[str, Any]:
    """The latencies of a copy of the model, on the CPU and in evaluation mode; no random number is used up.

    Parameters
    ----------
    model : trained, on any device.
    examples : gives a batch of so many examples of typical size.
    seconds : that the training took; the measurement takes a small part of it.
    widest : bytes of the largest tensor in a pass of one example.
    n : examples in the large batch.
    """
    one, many = "model/latency_1", f"model/latency_{n}"
    stopwatch = _Stopwatch(max(LEAST, SHARE * seconds))
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model = copy.deepcopy(model).cpu().eval()
            alone, size, batched, why = _measured(model, examples, stopwatch, widest, n)
    except (HepexpError, RuntimeError, NotImplementedError) as error:  # a trained run does not fail because of this
        reason = f"not measured: {(str(error).splitlines() or [type(error).__name__])[0]}"
        return {one: None, f"{one}{NOTE}": reason, many: None, f"{many}{NOTE}": reason}
    note = {} if size == n else {f"{many}{NOTE}": f"{OTHERWISE} {size}, as {n} {why}"}
    return {
        one: 1000 * alone,
        many: 1000 * batched / size,
        **note,
        "model/latency_threads": torch.get_num_threads(),
    }


def _measured(
    model: nn.Module, examples: Callable[[int], Batch], stopwatch: _Stopwatch, widest: int, n: int
) -> tuple[float, int, float, str]:
    """Seconds of one example, a size of batches, seconds of a batch of that size, and why they are not larger."""
    batch = examples(1)
    stopwatch.once(model, batch)  # allocates, fills caches
    alone = stopwatch.typical(model, batch, PASSES[1], stopwatch.budget / 5)
    fitting = max(1, min(n, MEMORY // (ALIVE * max(widest, 1))))
    size, took, why = 1, alone, "at once may take more than 1 GiB of memory"
    while size < fitting:
        larger = min(GROWTH * size, fitting)
        if AFFORDED * took * larger / size > stopwatch.left:
            why = "take too long beside this short training"
            break
        size, batch = larger, examples(larger)
        took = stopwatch.once(model, batch)
    batched = stopwatch.typical(model, batch, PASSES[BATCH], stopwatch.left) if size > 1 else alone
    return alone, size, batched, why


class _Stopwatch:
    """Times passes, and what is left of a budget in seconds."""

    def __init__(self, budget: float) -> None:
        self.budget, self.start = budget, time.perf_counter()

    @property
    def left(self) -> float:
        return self.budget - (time.perf_counter() - self.start)

    def once(self, model: nn.Module, batch: Batch) -> float:
        start = time.perf_counter()
        model(batch)
        return time.perf_counter() - start

    def typical(self, model: nn.Module, batch: Batch, most: int, budget: float) -> float:
        """The median of up to so many passes, at least one, that take no longer than a budget together."""
        times = [self.once(model, batch)]
        while len(times) < most and sum(times) + times[-1] <= min(budget, ENOUGH):
            times.append(self.once(model, batch))
        return median(times)
