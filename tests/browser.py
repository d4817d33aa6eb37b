"""A real Chromium without a window, steered through its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds for an answer, and for a page to show what is waited for


def program() -> str | None:
    """The browser on PATH, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser that is closed at the end of the block.

    Parameters
    ----------
    profile : an empty folder for the browser's own files.
    width, height : of the window in pixels; pages draw charts and columns only where one can see them.
    """

    def __init__(self, profile: Path, width: int, height: int) -> None:
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read_commands, write_answers)]  # clear of 3 and 4

        def connect() -> None:  # Chromium reads from file descriptor 3 and writes to 4
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        command = [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, pass_fds=(3, 4), preexec_fn=connect, stdin=quiet, stdout=quiet, stderr=quiet
        )
        for end in (read_commands, write_answers, *theirs):
            os.close(end)
        self._received = b""
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> Browser:
        try:
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._commands)
        os.close(self._answers)

    def open(self, address: str) -> None:
        """Load a page afresh, also where only what stands after # is another."""
        for url in ("about:blank", address):
            self._call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """The first value of an expression that is true; the page's text is in the error when it never is."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.value(script)):
            assert time.monotonic() < deadline, f"never true: {script}\nthe page: {self.text()}"
            time.sleep(0.1)
        return value

    def text(self) -> str:
        """What one can read on the page."""
        return self.value("document.body?.innerText ?? ''")

    def wait_for_text(self, *texts: str) -> None:
        """Return when the page shows all of these."""
        self.wait_for(f"{json.dumps(texts)}.every(text => document.body?.innerText.includes(text))")

    def _call(self, method: str, **values: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            assert ready, f"the browser says nothing (exit code {self._process.poll()})"
            part = os.read(self._answers, 1 << 20)
            assert part, f"the browser has ended (exit code {self._process.wait()})"
            self._received += part
        text, _, self._received = self._received.partition(b"\0")
        return json.loads(text)
