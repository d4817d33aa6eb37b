"""A thread that keeps an MLflow server up to date during a run; the run never waits for it."""

from __future__ import annotations

import logging
import threading

from hepexp.errors import HepexpError
from hepexp.tracking.remote import Remote

log = logging.getLogger("hepexp")
PAUSE = 5.0  # least time in seconds between two messages to the server
PAUSE_AFTER_FAILURE = 60.0


class Mirror:
    """Sends a run of the local store to a server, piecewise at each `changed`, and completely in `close`.

    A server that does not answer is reported once and tried again later; the local store has everything.

    Parameters
    ----------
    uri : of the server.
    run_id : in the local store.
    """

    def __init__(self, uri: str, run_id: str) -> None:
        self._remote = Remote(uri)
        self._run_id = run_id
        self._news = threading.Event()
        self._closing = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._follow, name="mirror", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        """The store has something new of the run."""
        self._news.set()

    def close(self) -> bool:
        """Send what is left, with artifacts and status; return whether the server now has the complete run."""
        self._closing.set()
        self._news.set()
        self._thread.join()
        return self._send(whole=True)

    def _follow(self) -> None:
        while True:
            self._news.wait()
            if self._closing.is_set():
                return
            self._news.clear()
            self._closing.wait(PAUSE if self._send(whole=False) else PAUSE_AFTER_FAILURE)

    def _send(self, whole: bool) -> bool:
        try:
            self._remote.push(self._run_id, whole)
        except HepexpError as error:
            if not self._told:
                log.warning("%s; the run continues in the local store", error)
            self._told = True
            return False
        self._told = False
        return True
