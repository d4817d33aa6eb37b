"""One case of `hepexp bench gpu` in one mode: training steps and inference of a model and its reference, in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import nn

from hepexp.batch import Batch
from hepexp.bench.gpu_cases import Case
from hepexp.bench.synchronisations import synchronisations, total
from hepexp.bench.taggers import Precision, check_logits, gradients, inference, training
from hepexp.errors import HepexpError
from hepexp.precision import allow_tf32

REPEATS, BLOCK = 7, 0.3  # measurements of each, and seconds of one; on a CPU, where the command is only tried:
REPEATS_ON_CPU, BLOCK_ON_CPU = 2, 0.01
MOST = 100  # steps in a measurement
# By which logits may differ from our own in float32: root mean square of the difference over that of the logits.
# bfloat16 has 8 binary digits, so that each product has an error of 0.4 percent.
TOLERANCE = {"bf16": 0.05, "compile": 1e-3}
CHECKED = 8  # examples whose logits are compared


def measure(name: str, case: Case, mode: str, device: torch.device, until: float) -> Iterator[dict]:
    """Rows of `hepexp bench`; a later row of the same case and implementation replaces an earlier one.

    What fails (no memory, a compilation, other logits) is a row without a rate, whose note says why.

    Parameters
    ----------
    mode : float32, bf16, or compile. TensorFloat-32 is off in each of them.
    until : time on the monotonic clock after which no measurement is repeated.
    """
    allow_tf32(False)
    torch._dynamo.reset()
    n = case.n if device.type == "cuda" else case.n_on_cpu
    tagger, sizes = case.tagger, {"hepexp": n, case.tagger.named: min(n, case.n_reference or n)}
    torch.manual_seed(1)
    models: dict[str, nn.Module] = {"hepexp": tagger.ours()}
    if not tagger.package or find_spec(tagger.package):
        models[tagger.named] = tagger.reference(models["hepexp"])
    else:
        yield failed(f"{name} training {mode}", tagger.named, f"{tagger.package} is not installed")
    models = {implementation: model.to(device) for implementation, model in models.items()}
    batches = {implementation: case.batch(sizes[implementation]).to(device) for implementation in models}
    if mode == "float32" and len(models) > 1:
        check_logits(name, tagger, models, case.batch(min(CHECKED, *sizes.values())).to(device))
    expected = {
        implementation: _logits(models["hepexp"], batch, nullcontext) for implementation, batch in batches.items()
    }
    precision: Precision = nullcontext
    if mode == "bf16":
        precision = MixedPrecision("bf16-mixed", device.type).forward_context
    if mode == "compile":
        compiled = {implementation: torch.compile(model) for implementation, model in models.items()}
        models = compiled  # type: ignore[assignment]  # torch only says of a compiled module that it can be called
    differences: dict[str, float] = {}
    seconds: dict[str, float] = {}  # of the first forward pass, which compiles the inference
    for what in ("training", "inference"):
        runs: dict[str, _Run] = {}
        for implementation, model in list(models.items()):
            batch = batches[implementation]
            row: dict[str, Any] = {
                "case": f"{name} {what} {mode}",
                "implementation": implementation,
                "batch": len(batch),
            }
            try:
                if mode in TOLERANCE and implementation not in differences:
                    start = time.monotonic()
                    found = _logits(model, batch, precision)
                    seconds[implementation] = time.monotonic() - start
                    differences[implementation] = _check(mode, expected[implementation], found)
                row |= {"difference": differences[implementation]} if implementation in differences else {}
                runs[implementation] = run = _Run(row, model, batch, case, what, precision, device)
                compiling = run.warm_up()
                if mode == "compile":
                    row["compile_seconds"] = seconds[implementation] if what == "inference" else compiling
                yield run.row()
            except Exception as error:  # of any kind: it is what is to be reported
                runs.pop(implementation, None)
                if isinstance(error, HepexpError):
                    del models[implementation]
                yield failed(row["case"], implementation, reason(error, len(batch)))
                _free(device)
        start = time.monotonic()
        end = start + (until - start) * (0.5 if what == "training" else 1)
        for _ in range(repeats(device)):
            if time.monotonic() > end:
                break
            for run in runs.values():
                run.once()
        for run in runs.values():
            yield run.row()


class _Run:
    """Repeated steps of one implementation.

    Parameters
    ----------
    known : what its row begins with.
    """

    def __init__(
        self,
        known: dict,
        model: nn.Module,
        batch: Batch,
        case: Case,
        what: str,
        precision: Precision,
        device: torch.device,
    ):
        self.known, self.model, self.n, self.device = known, model, len(batch), device
        self.trains = what == "training"
        self.back = gradients(model, batch, case.loss, precision)
        if self.trains:
            self.step = training(model, batch, case.loss, precision)
        else:
            self.step = inference(model, batch, precision)
        self.rates: list[float] = []
        self.steps = 1

    def warm_up(self) -> float:
        """The first steps, then memory, waits, and how many steps are measured at once.

        Returns
        -------
        float : seconds that the first step took longer than later ones, as it compiles and sets up.
        """
        self.model.train(self.trains)
        first = seconds_of(self.step, 1, self.device)
        seconds_of(self.step, 2, self.device)
        typical = seconds_of(self.step, 1, self.device)
        block = BLOCK if self.device.type == "cuda" else BLOCK_ON_CPU
        self.steps = max(1, min(MOST, round(block / max(typical, 1e-9))))
        self.first_rate = self.n / typical
        if self.device.type == "cuda":
            self.known["memory"] = peak_memory(self.step, self.device)
        if self.trains:
            waits = synchronisations(self.back, self.device)
            if waits is not None:
                self.known |= {"synchronisations": total(waits), "waits": dict(waits)}
        return max(first - typical, 0.0)

    def once(self) -> None:
        """One measurement."""
        self.model.train(self.trains)
        self.rates.append(self.n * self.steps / seconds_of(self.step, self.steps, self.device))

    def row(self) -> dict:
        """What is known so far."""
        n = repeats(self.device)
        few = {"note": f"{max(len(self.rates), 1)} of {n} measurements"} if len(self.rates) < n else {}
        return {**self.known, "per_second": median(self.rates or [self.first_rate]), **few}


def repeats(device: torch.device) -> int:
    """Number of measurements of each implementation."""
    return REPEATS if device.type == "cuda" else REPEATS_ON_CPU


def seconds_of(step: Callable[[], None], n: int, device: torch.device) -> float:
    """Duration of n steps, by the clock of the device."""
    if device.type != "cuda":
        start = time.perf_counter()
        for _ in range(n):
            step()
        return time.perf_counter() - start
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    begin.record()
    for _ in range(n):
        step()
    end.record()
    torch.cuda.synchronize(device)
    return begin.elapsed_time(end) / 1000


def peak_memory(step: Callable[[], None], device: torch.device) -> int:
    """Bytes that a step takes on a GPU beside what was there before it."""
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def reason(error: Exception, n: int) -> str:
    """An error in one line."""
    if isinstance(error, torch.OutOfMemoryError):
        return f"out of memory with {n} examples"
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, HepexpError) else f"{type(error).__name__}: {text}"


@torch.no_grad()
def _logits(model: nn.Module, batch: Batch, precision: Precision) -> torch.Tensor:
    model.eval()
    with precision():
        return model(batch).double()


def _check(mode: str, expected: torch.Tensor, found: torch.Tensor) -> float:
    """Root mean square of the difference between logits over that of the logits.

    Raises
    ------
    HepexpError : it is larger than TOLERANCE.
    """
    difference = float((found - expected).square().mean().sqrt() / expected.square().mean().sqrt())
    if not difference <= TOLERANCE[mode]:
        raise HepexpError(
            f"the logits differ from ours in float32 by {difference:.1e} of their size, expected at most "
            f"{TOLERANCE[mode]:.0e}; a time would mean nothing"
        )
    return difference


def failed(case: str, implementation: str, note: str) -> dict:
    """A row without a rate."""
    return {"case": case, "implementation": implementation, "per_second": None, "note": note}


def _free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
