"""Where text for people is printed: as wide as the terminal, and unbroken in a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console

PIPE_WIDTH = 100_000  # a pipe has no width; rich would assume 80, break lines and cut words


def console() -> Console:
    """A console on stdout, light, without interpreting brackets in texts as colours.

    Its width is that of the terminal, or $COLUMNS; in a pipe, lines are not broken.
    """
    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, width=None if known else PIPE_WIDTH)
