"""SIGINT and SIGTERM as one exception that leaves a complete record."""

from __future__ import annotations

import signal
import threading

from hepexp.errors import Interrupted


class Interrupts:
    """Takes SIGINT and SIGTERM while it is entered.

    Outside the training loop a signal raises `Interrupted` where the program stands. Within it
    (`wait_for_batch = True`) it is only noted, so that the batch ends and a checkpoint is written; a second signal
    raises at once.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None
        self.wait_for_batch = False

    def exception(self) -> Interrupted:
        return Interrupted(signal.Signals(self.signal or signal.SIGINT).name)

    def _take(self, signum: int, frame) -> None:
        again = self.signal is not None
        self.signal = signum
        if again or not self.wait_for_batch:
            self.wait_for_batch = False
            raise self.exception()

    def __enter__(self) -> Interrupts:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in self.SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
