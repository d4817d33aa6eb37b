"""How often the CPU waits for the GPU in a step, as torch's profiler sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile, record_function

STEP = "hepexp: step"
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy")  # calls that wait
LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")
READS = ("aten::_local_scalar_dense", "aten::nonzero")  # that read back a number, or how many there are
COPIES = "Memcpy DtoH"


def synchronisations(step: Callable[[], None], device: torch.device) -> Counter[str] | None:
    """Events of one step in which the CPU waits, by name; None if the profiler sees nothing of the GPU.

    On a GPU: calls that synchronise, and copies to the CPU. On a CPU, where there is nothing to wait for: operations
    that would read from a GPU.

    Parameters
    ----------
    step : what is counted; it should have run before, so that nothing is set up in it.
    """
    is_gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if is_gpu else [])]) as profiler:
        with record_function(STEP):
            step()
        if is_gpu:
            torch.cuda.synchronize(device)
    return count(profiler.events(), is_gpu)


def count(events: Sequence, is_gpu: bool) -> Counter[str] | None:
    """The same of the profiler's events, of which the one named STEP spans the step."""
    on_cpu = [e for e in events if e.device_type == DeviceType.CPU]
    (span,) = (e.time_range for e in on_cpu if e.name == STEP)
    within = Counter(e.name for e in on_cpu if span.start <= e.time_range.start <= span.end)
    if not is_gpu:
        return Counter({name: within[name] for name in READS if within[name]})
    if not any(within[name] for name in LAUNCHES):
        return None
    copies = sum(e.name.startswith(COPIES) for e in events)  # at the time of the GPU, which lags behind
    return +Counter({COPIES: copies, **{name: within[name] for name in WAITS}})


def total(found: Counter[str]) -> int:
    """The number of waits: each copy to the CPU is followed by a call that waits for it, which is counted already."""
    return sum(n for name, n in found.items() if name != COPIES)
