"""Blocks of simulated examples, or other pieces of work, by several processes; each is saved when it is finished."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepexp.data.store.ragged import Layout
from hepexp.errors import HepexpError
from hepexp.simulation.block import Block

_progress: multiprocessing.SimpleQueue  # of a process of the pool, from its start


def make_blocks(blocks: list[Block], layout: Layout, folder: Path, jobs: int, report: Callable[[int], None]) -> None:
    """Make each block, and save it under its name.

    Parameters
    ----------
    layout : columns of the examples.
    folder : where the blocks are saved.
    jobs : number of processes.
    report : called with the number of newly made examples.

    Raises
    ------
    HepexpError : a process died.
    """
    died = f"a simulation process died: out of memory, or what it says above; the same command resumes from {folder}"
    in_processes([(_make, block, layout, folder) for block in blocks], jobs, report, died)


def in_processes(calls: Sequence[tuple[Any, ...]], jobs: int, report: Callable[[int], None], died: str) -> None:
    """Call functions in processes of a pool.

    Parameters
    ----------
    calls : each a function of a module, and its arguments.
    jobs : number of processes.
    report : called with what the functions give `report_done`.
    died : what to say of a process that was killed.

    Raises
    ------
    HepexpError : a process died; and what the functions raise.
    """
    context = multiprocessing.get_context("spawn")  # Pythia, FastJet, and threads do not survive a fork
    progress = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(progress, report), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(progress,))
    try:
        with _without_interrupts():
            made = [pool.submit(*call) for call in calls]
        for done in as_completed(made):
            done.result()
    except BrokenProcessPool:
        raise HepexpError(died) from None
    except BaseException:
        for process in list(pool._processes.values()):  # do not wait for unfinished blocks
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        progress.put(None)
        listener.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes started here, even before `_start`; this one receives it at the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(progress: multiprocessing.SimpleQueue, report: Callable[[int], None]) -> None:
    while (made := progress.get()) is not None:
        report(made)


def _start(progress: multiprocessing.SimpleQueue) -> None:
    """In each process, leave Ctrl-C to the parent, and exit if the parent dies."""
    global _progress
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a process of the pool

    def exit_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=exit_with_parent, daemon=True).start()


def report_done(n: int) -> None:
    """Report, in a process of the pool, that so much more is done."""
    _progress.put(n)


def _make(block: Block, layout: Layout, folder: Path) -> None:
    block.save(folder, layout, report_done)
