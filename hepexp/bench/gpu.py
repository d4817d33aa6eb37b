"""Training steps and inference on one GPU: models vs their references, in float32, in bfloat16, and compiled.

`float32` has TensorFloat-32 off, as `trainer.tf32=false`; `bf16` is autocast as of `trainer.precision=bf16-mixed`;
`compile` is float32 through torch.compile, as of `trainer.compile=true`. Logits are compared before anything is timed:
in float64 with those of the reference, then with those of our model in float32.

Everything must fit a budget of time: a case that fails, hangs, or kills its process is a row that says so, and what
there is no time for is a row too. The two modes that start at once come first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable

from hepexp.bench.gpu_worker import Job, Worker
from hepexp.errors import ConfigError

BUDGET = "7m30s"
WEIGHTS = {"float32": 1, "bf16": 1, "compile": 5}  # of the modes in the time that is left
LEAST = 5.0  # seconds for which no case is begun
ENDING = 5.0  # seconds to end a process and print the table
SHORTEST = 40.0  # seconds after which a case may be ended: its process has to start


def rows(
    device: str | None = None,
    budget: str = BUDGET,
    quick: bool = False,
    names: Iterable[str] | None = None,
    modes: Iterable[str] = tuple(WEIGHTS),
    tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
) -> list[dict]:
    """Examples per second: medians of measurements that alternate between ours and the reference, after a warm-up.

    A row can have besides: memory, the peak of a step in bytes; synchronisations, how often a forward and backward pass
    waits for the GPU, and waits, for what; compile_seconds; difference, of the logits from ours in float32; a note.

    Parameters
    ----------
    device : cpu or cuda; the GPU if there is one.
    budget : time that everything may take, such as 8m.
    quick : measure small models, to try the command.
    names : cases; by default all.
    """
    start = time.monotonic()
    import torch

    from hepexp.bench.gpu_cases import cases
    from hepexp.learning.trainer import seconds

    left = Deadline(start + seconds(budget, "--budget") - ENDING)
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: PyTorch finds no GPU on this machine; use --device cpu to try the command")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda":
        tell(f"on {torch.cuda.get_device_name()}, TensorFloat-32 off, torch {torch.__version__}")
    else:
        tell("on the CPU, in tiny batches: these figures say nothing about a GPU")
    known = cases(quick)
    names = list(known if names is None else names)
    plan = [(name, mode) for mode in modes for name in names if mode != "bf16" or known[name].autocasts]
    found: dict[tuple[str, str], dict] = {}
    worker = Worker()
    try:
        for i, (name, mode) in enumerate(plan):
            share = left.share(WEIGHTS[mode], sum(WEIGHTS[later] for _, later in plan[i:]))
            if left.seconds >= LEAST:
                tell(f"{name}, {mode}: {left.seconds:.0f} s left")
            limit = min(max(2 * share, SHORTEST), left.seconds)
            for row in _rows(worker, Job(name, mode, device, quick, share), limit):
                found[row["case"], row["implementation"]] = row
    finally:
        worker.stop()
    return list(found.values())


class Deadline:
    """The time that is left until a time on the monotonic clock."""

    def __init__(self, end: float) -> None:
        self.end = end

    @property
    def seconds(self) -> float:
        return self.end - time.monotonic()

    def share(self, weight: float, total: float) -> float:
        return max(self.seconds, 0) * weight / total


def _rows(worker: Worker, job: Job, seconds: float) -> Iterable[dict]:
    """The rows of a job; one that says what happened if it has not come to an end."""
    case = f"{job.case} training {job.mode}"
    seen = []
    if seconds < LEAST:
        yield {"case": case, "implementation": "hepexp", "per_second": None, "note": "no time left"}
        return
    try:
        for row in worker.rows(job, seconds):
            seen.append(row)
            yield row
    except (TimeoutError, ChildProcessError) as error:
        last = {"case": case, "implementation": "hepexp", "per_second": None} if not seen else seen[-1]
        where = f"after this, {error}" if seen else str(error)
        yield {**last, "note": "; ".join(filter(None, [last.get("note"), where]))}
