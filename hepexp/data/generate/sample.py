"""A whole sample of jets: blocks made by several processes, kept as they come, joined and shuffled at the end."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hepexp.data import arrow_file
from hepexp.data.generate.settings import CLASSES, pythia_settings
from hepexp.data.jets import Jets
from hepexp.errors import HepexpError

BLOCK = 1000  # jets; a quarter of a minute of work


@dataclass(frozen=True)
class Block:
    """One piece of work, and the name of the file that holds it."""

    kind: str
    seed: int
    number: int
    n: int

    @property
    def file_name(self) -> str:
        return f"{self.kind}_seed{self.seed}_{self.number:05d}_n{self.n}.arrow"


def plan(n: int, seed: int, size: int) -> list[Block]:
    """The blocks of a sample of n jets, half of each class (one gluon more where n is odd)."""
    blocks = []
    for kind, share in zip(CLASSES, (n - n // 2, n // 2), strict=True):
        blocks += [Block(kind, seed, i, min(size, share - i * size)) for i in range(-(-share // size))]
    return sorted(blocks, key=lambda block: block.number)


def generate(
    n: int,
    seed: int,
    jobs: int,
    out: Path,
    report: Callable[[int, bool], None] = lambda jets, kept: None,
    block_size: int = BLOCK,
) -> None:
    """Simulate n jets and write them to out (`.parquet` or `.arrow`), in an order that only the seed decides.

    Finished blocks are kept in `<out>.parts`, so a run that was interrupted goes on where it was.

    Parameters
    ----------
    n : number of jets, half of each class.
    seed : the same seed gives the same jets, whatever the number of processes.
    jobs : number of processes.
    out : file to write.
    report : called with a number of jets that are done, and whether an earlier run had made them.
    block_size : jets in a piece of work; it decides which jets are made, so it is changed in tests only.

    Raises
    ------
    HepexpError : a process died.
    """
    parts = out.with_name(f"{out.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    blocks = plan(n, seed, block_size)
    missing = [block for block in blocks if not (parts / block.file_name).exists()]
    report(n - sum(block.n for block in missing), True)
    if missing:
        _run(missing, parts, min(jobs, len(missing)), report)
    jets = Jets.concatenate(part for block in blocks for part in arrow_file.read(parts / block.file_name)[0])
    order = np.random.default_rng(seed).permutation(n)
    batches = (jets.take(order[i : i + arrow_file.ROWS_A_BATCH]) for i in range(0, n, arrow_file.ROWS_A_BATCH))
    arrow_file.write(out, batches, describe(n, seed))
    shutil.rmtree(parts)


def describe(n: int, seed: int) -> dict:
    """What a reader must know to make the same file again."""
    return {
        "source": "generate",
        "command": f"hepexp data generate qg --n {n} --seed {seed}",
        "n": n,
        "seed": seed,
        "versions": {name: version(name) for name in ("pythia8mc", "fastjet")},
        "settings": {kind: pythia_settings(kind, 0)[1:-2] for kind in CLASSES},
    }


def _run(blocks: list[Block], parts: Path, jobs: int, report: Callable[[int, bool], None]) -> None:
    context = multiprocessing.get_context("spawn")  # Pythia, FastJet, and threads do not survive a fork
    progress = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(progress, report), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(progress,))
    try:
        for done in as_completed([pool.submit(_make, block, parts) for block in blocks]):
            done.result()
    except BrokenProcessPool:
        raise HepexpError(f"a simulation process died (out of memory?); start again to go on from {parts}") from None
    except BaseException:
        for process in list(pool._processes.values()):  # do not wait for blocks in the making
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        progress.put(None)
        listener.join()


def _listen(progress: multiprocessing.SimpleQueue, report: Callable[[int, bool], None]) -> None:
    while (made := progress.get()) is not None:
        report(made, False)


def _start(progress: multiprocessing.SimpleQueue) -> None:
    """In each process: leave Ctrl-C to the parent, and end when the parent has died."""
    global _progress
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _make(block: Block, parts: Path) -> None:
    from hepexp.data.generate.block import make_block

    jets = make_block(block.kind, block.seed, block.number, block.n, _progress.put)
    arrow_file.write(parts / block.file_name, [jets], {})
