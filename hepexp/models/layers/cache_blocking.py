"""Work on a batch in chunks that stay in the cache of a core: cut it, process the chunks on all threads, multiply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hepexp.exporting import is_exported
from hepexp.memory import keep_freed

# Pairs at a time: with fewer, the calls cost more than the work; with more, the rows leave the cache.
PAIRS = 3500
CPU: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
# Up to Zen 4, AMD splits instructions of 512 bits in two, and MKL is as fast as oneDNN. Zen 5 has avx_vnni.
FULL_WIDTH = CPU.get("avx_vnni", True)
BLAS_IS_FAST = torch.backends.mkl.is_available() and ("Intel" in CPU.get("cpu_name", "") or not FULL_WIDTH)
HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")

C = TypeVar("C")
T = TypeVar("T")


class Chunk(NamedTuple):
    """Sets start to stop of the batch, the first n entries of each."""

    start: int
    stop: int
    n: int


def split(lengths: list[int], pairs: int = PAIRS) -> list[Chunk]:
    """Chunks of neighbouring sets with at most `pairs` pairs together, or one set; lengths in descending order."""
    chunks, start = [], 0
    while start < len(lengths):
        n = max(lengths[start], 1)
        stop = min(start + max(pairs // n**2, 1), len(lengths))
        chunks.append(Chunk(start, stop, n))
        start = stop
    return chunks


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    pool, all_there, before = ThreadPoolExecutor(threads, "hepexp-chunks"), Barrier(threads), torch.get_num_threads()
    list(pool.map(_start_worker, [all_there] * threads))
    torch.set_num_threads(before)  # what other new threads will start with, which the workers have set to 1
    return pool


def _start_worker(all_there: Barrier) -> None:
    torch.get_num_threads()  # a new thread takes the common number at its first use, which would undo the next line
    torch.set_num_threads(1)
    all_there.wait()


def run(job: Callable[[C], T], chunks: list[C]) -> Iterable[tuple[C, T]]:
    """(chunk, job(chunk)) in the order of the chunks, without autograd.

    On a CPU each thread that torch may use processes whole chunks: a chunk is too small to be worth sharing.
    """
    if not torch.compiler.is_compiling():
        keep_freed()
    if len(chunks) == 1:  # as on a GPU: what follows cannot be compiled
        with torch.no_grad():
            return [(chunks[0], job(chunks[0]))]
    threads = torch.get_num_threads()
    inference = torch.is_inference_mode_enabled()  # a setting of this thread alone, so it is passed to the workers

    def alone(chunk: C) -> T:
        with torch.inference_mode(inference), torch.no_grad():
            return job(chunk)

    if threads == 1:
        return zip(chunks, map(alone, chunks), strict=True)
    return zip(chunks, _pool(threads).map(alone, chunks), strict=True)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """x W^T + b, then ReLU if asked, by the fastest product that torch has for a small, tall problem on this device.

    Without autograd, for use inside autograd functions.

    Parameters
    ----------
    x : (E, n_in).
    weight : (n_out, n_in); x and weight may be transposed views.
    bias : (n_out,) or None.
    """
    is_fast = HAS_ONEDNN and not BLAS_IS_FAST and x.device.type == "cpu" and x.dtype == torch.float32
    if is_fast and not (
        torch.compiler.is_compiling() or is_exported()
    ):  # the compiler chooses itself, and knows this product only packed
        # Where instructions of 512 bits are worth it and the BLAS behind F.linear avoids them, oneDNN is twice as fast.
        # Elsewhere it is as fast, but prepares itself anew for each number of rows.
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    y = F.linear(x, weight, bias)
    return y.relu_() if relu else y


def gradient_of_weight(y_grad: Tensor, x: Tensor) -> Tensor:
    """y_grad^T x (n_out, n_in) of tall y_grad (E, n_out) and x (E, n_in), by the fastest product.

    Where the BLAS is fast, it takes half to three quarters of the time of oneDNN, which must transpose both.
    """
    return torch.mm(y_grad.t(), x) if BLAS_IS_FAST else linear(y_grad.t(), x.t())


def add_product(total: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """total + x W, in the place of total (E, n_out), by the fastest product; x (E, n_in), W (n_in, n_out)."""
    return total.addmm_(x, weight) if BLAS_IS_FAST else total.add_(linear(x, weight.t()))
