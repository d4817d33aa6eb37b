"""A run's log.txt, and what the terminal shows of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hepexp.spelling import visible

LINE = "%(asctime)s %(levelname)-7s %(message)s"
LOGGERS = ("hepexp", "pytorch_lightning", "lightning.pytorch", "py.warnings")


@contextmanager
def log_to(path: Path) -> Iterator[logging.Logger]:
    """Append what hepexp and Lightning log, and Python's warnings, to `path` while the block runs.

    Each line is flushed when it is logged, so that the log of a killed run is complete. An exception that leaves the
    block is logged with its traceback.

    Parameters
    ----------
    path : log.txt of the run folder; a resumed run appends to the same file.

    Yields
    ------
    The logger of hepexp.
    """
    handler = _LogFile(path, encoding="utf-8")  # flushes after each record
    handler.setFormatter(logging.Formatter(LINE, datefmt="%Y-%m-%d %H:%M:%S"))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
    loggers[0].setLevel(min(loggers[0].level or logging.INFO, logging.INFO))
    logging.captureWarnings(True)
    try:
        yield loggers[0]
    except BaseException as error:
        handler.handle(_ended_by(error))
        raise
    finally:
        logging.captureWarnings(False)
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()


def log_to_terminal() -> None:
    """Show the warnings of hepexp on stderr, one line each. May be called twice."""
    logger = logging.getLogger("hepexp")
    for handler in [h for h in logger.handlers if isinstance(h, _Terminal)]:
        logger.removeHandler(handler)
    logger.addHandler(_Terminal(logging.WARNING))
    logger.propagate = False  # Hydra and Lightning put handlers on the root logger: each line would appear twice


class _LogFile(logging.FileHandler):
    """A file whose disk may be full: the work, and its error messages, matter more than its log."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class _Terminal(logging.Handler):
    """Writes to the current sys.stderr: progress bars and tests replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"hepexp: {record.levelname.lower()}: {visible(record.getMessage())}", file=sys.stderr, flush=True)


def _ended_by(error: BaseException) -> logging.LogRecord:
    information = (type(error), error, error.__traceback__)
    return logging.LogRecord("hepexp", logging.ERROR, "", 0, "the run ended by an exception", None, information)
