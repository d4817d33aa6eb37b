"""SIGINT and SIGTERM as one exception that leaves a complete record. No signal is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from hepexp.errors import Interrupted

INTERRUPTED = Interrupted.exit_code
_IMPORT = "<frozen importlib._bootstrap>"


class Interrupts:
    """Takes SIGINT and SIGTERM while it is entered.

    A signal raises `Interrupted` where the program stands. Within the training loop (`wait_for_batch = True`) it is
    only noted, so that the batch ends and a checkpoint is written; a second signal raises immediately. The same holds
    within `held`.

    An exception raised at an arbitrary place may get lost there: the interpreter drops those in finalisers, and an
    extension that is being imported turns them into an ImportError. So a signal is remembered: `check` raises it again,
    and the block is left by `Interrupted` however else it ends.

    Parameters
    ----------
    importing : called for a signal that comes while a module is being imported; None raises there too.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, importing: Callable[[], NoReturn] | None = None) -> None:
        self.signal: int | None = None
        self.wait_for_batch = False
        self._held = False
        self._importing = importing

    def exception(self) -> Interrupted:
        return Interrupted(signal.Signals(self.signal or signal.SIGINT).name)

    def check(self) -> None:
        """Raise `Interrupted` if a signal has arrived."""
        if self.signal is not None:
            self.wait_for_batch = False
            raise self.exception()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only note the first signal that arrives in the block, for a few lines that must run to their end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _take(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            _end_as_child(signum)
            return
        again = self.signal is not None
        self.signal = signum
        if self._held:
            self._held = False
            return
        if self._importing and _imports(frame):
            self._importing()
        if again or not self.wait_for_batch:
            self.check()

    def __enter__(self) -> Interrupts:
        self._process = os.getpid()
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in self.SIGNALS}
        return self

    def __exit__(self, kind, error: BaseException | None, trace) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.signal is not None and not isinstance(error, Interrupted):
            raise self.exception() from error


def leave() -> NoReturn:
    """End this process immediately, as one that was interrupted and has nothing to complete."""
    with suppress(OSError):  # nobody may be listening any more
        os.write(2, b"hepexp: error: interrupted\n")
    os._exit(INTERRUPTED)


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


def _end_as_child(signum: int) -> None:
    """In a forked process, such as a worker that loads data: Ctrl-C is for the parent, which ends its children."""
    if signum != signal.SIGINT:
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
