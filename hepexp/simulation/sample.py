"""Simulation of a whole sample: blocks are made by several processes, saved as they finish, and merged at the end."""

from __future__ import annotations

import glob
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import refuse_changed
from hepexp.data.store.ragged import Layout, Ragged, regroup
from hepexp.errors import HepexpError
from hepexp.simulation.simulate import simulation


@dataclass(frozen=True)
class Block:
    """One unit of work, and the name of the file that it is saved to."""

    generator: str
    kind: str
    seed: int
    number: int
    n: int

    @property
    def file_name(self) -> str:
        return f"{self.kind}_seed{self.seed}_{self.number:05d}_n{self.n}.arrow"


def plan(generator: str, classes: tuple[str, ...], n: int, seed: int, size: int) -> list[Block]:
    """The blocks of a sample of n examples, divided equally among the classes (the first classes get any remainder)."""
    blocks = []
    for i, kind in enumerate(classes):
        share = n // len(classes) + (i < n % len(classes))
        blocks += [Block(generator, kind, seed, k, min(size, share - k * size)) for k in range(-(-share // size))]
    return sorted(blocks, key=lambda block: block.number)


def generate(
    info: DatasetInfo,
    n: int,
    seed: int,
    jobs: int,
    out: Path,
    report: Callable[[int, bool], None] = lambda made, kept: None,
    block_size: int | None = None,
) -> None:
    """Simulate n examples and write them to out (`.parquet` or `.arrow`), with blocks of each class in turn.

    Finished blocks are saved in `<out>.parts`, from which an interrupted simulation resumes. For any n, each process
    holds a single block in memory, and merging takes about 64 MB. Only one simulation may write a given file at a time.

    Parameters
    ----------
    info : data set to simulate.
    n : number of examples, divided equally among the classes.
    seed : the same seed gives the same examples, whatever the number of processes.
    jobs : number of processes.
    out : file to write.
    report : called with the number of newly finished examples, and whether an earlier run made them.
    block_size : examples per unit of work, by default the generator's own; as it affects which examples are made, only
        tests change it.

    Raises
    ------
    HepexpError : a process died.
    """
    module, layout = simulation(info), info.layout
    parts = out.with_name(f"{out.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    for draft in out.parent.glob(f".{glob.escape(out.stem)}.*.part{out.suffix}"):  # of a run that was killed
        draft.unlink()
    blocks = plan(info.generator, module.CLASSES, n, seed, block_size or module.BLOCK)
    missing = [block for block in blocks if not (parts / block.file_name).exists()]
    report(n - sum(block.n for block in missing), True)
    if missing:
        _run(missing, layout, parts, min(jobs, len(missing)), report)
    made = (part for block in blocks for part in _intact(parts / block.file_name, layout))
    arrow_file.write(out, layout, regroup(made), describe(info, n, seed))
    shutil.rmtree(parts)


def describe(info: DatasetInfo, n: int, seed: int) -> dict:
    """Everything needed to reproduce the file."""
    module = simulation(info)
    return {
        "made_from": "simulation",
        "command": f"hepexp data generate {info.name} --n {n} --seed {seed}",
        "n": n,
        "seed": seed,
        "versions": {name: version(name) for name in ("numpy", *module.PACKAGES)},
        "settings": {kind: module.settings(kind) for kind in module.CLASSES},
    }


def _run(blocks: list[Block], layout: Layout, parts: Path, jobs: int, report: Callable[[int, bool], None]) -> None:
    context = multiprocessing.get_context("spawn")  # Pythia, FastJet, and threads do not survive a fork
    progress = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(progress, report), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(progress,))
    try:
        with _deaf():
            made = [pool.submit(_make, block, layout, parts) for block in blocks]
        for done in as_completed(made):
            done.result()
    except BrokenProcessPool:
        raise HepexpError(
            f"a simulation process died (out of memory?); run the same command again to resume from {parts}"
        ) from None
    except BaseException:
        for process in list(pool._processes.values()):  # do not wait for unfinished blocks
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        progress.put(None)
        listener.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep Ctrl-C from processes started here, even before `_start`; this one receives it at the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(progress: multiprocessing.SimpleQueue, report: Callable[[int, bool], None]) -> None:
    while (made := progress.get()) is not None:
        report(made, False)


def _start(progress: multiprocessing.SimpleQueue) -> None:
    """In each process, leave Ctrl-C to the parent, and exit if the parent dies."""
    global _progress
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _make(block: Block, layout: Layout, parts: Path) -> None:
    examples = import_module(block.generator).make_block(block.kind, block.seed, block.number, block.n, _progress.put)
    arrow_file.write(parts / block.file_name, layout, [examples], {})


def _intact(path: Path, layout: Layout) -> list[Ragged]:
    contents = arrow_file.read(path, layout)
    refuse_changed(contents, layout, path)
    return contents.chunks
