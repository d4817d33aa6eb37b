import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from hepexp.errors import HepexpError
from hepexp.tracking.log import log_to, log_to_terminal

log = logging.getLogger("hepexp")


@pytest.fixture(autouse=True)
def _leave_the_logger_as_it_was():
    state = log.level, log.propagate, list(log.handlers)
    yield
    log.level, log.propagate, log.handlers[:] = state


def test_each_line_has_its_time_and_level(tmp_path):
    with log_to(tmp_path / "log.txt"):
        log.info("epoch %d", 1)
        logging.getLogger("hepexp.data").warning("few jets")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("of Python", stacklevel=1)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO    epoch 1", lines[0])
    assert "WARNING few jets" in lines[1]
    assert "UserWarning: of Python" in lines[2]
    log.info("after the run")
    assert "after" not in (tmp_path / "log.txt").read_text()


def test_a_resumed_run_goes_on_in_the_same_file(tmp_path):
    for word in ("first", "second"):
        with log_to(tmp_path / "log.txt"):
            log.info(word)
    assert [line.split()[-1] for line in (tmp_path / "log.txt").read_text().splitlines()] == ["first", "second"]


def _fail(path):
    with log_to(path):
        raise ValueError("boom")


def test_an_exception_is_logged_with_its_traceback(tmp_path):
    with pytest.raises(ValueError, match="boom"):
        _fail(tmp_path / "log.txt")
    text = (tmp_path / "log.txt").read_text()
    assert "ERROR   the run ended by an exception" in text
    assert "Traceback" in text
    assert text.endswith("ValueError: boom\n")


def test_a_killed_process_keeps_its_last_words(tmp_path):
    code = """
import logging, os, signal, sys
from pathlib import Path
from hepexp.tracking.log import log_to
with log_to(Path(sys.argv[1])):
    logging.getLogger("hepexp").info("last words")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "log.txt")])
    assert "last words" in (tmp_path / "log.txt").read_text()


def test_the_terminal_shows_each_warning_once_and_short(capsys, tmp_path):
    log_to_terminal()
    log_to_terminal()
    with log_to(tmp_path / "log.txt"):
        log.info("reading 20,000 jets")
        log.warning("no GPU")
    assert capsys.readouterr().err == "hepexp: warning: no GPU\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is always full")
def test_a_full_disk_hides_neither_the_work_nor_its_error(capfd):
    def work():
        with log_to(Path("/dev/full")) as log:
            log.info("this finds no room")
            raise HepexpError("free some space")

    with pytest.raises(HepexpError, match="free some space"):
        work()
    assert capfd.readouterr().err == ""
