"""Where texts for people are printed: as wide as the terminal, and whole in a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console

PIPE_WIDTH = 100_000  # a pipe has no width of its own; rich would assume 80, break lines and cut words


def console() -> Console:
    """A console on stdout, light, without interpreting brackets in texts as colours.

    Its width is that of the terminal, or $COLUMNS; lines in a pipe are as long as they are.
    """
    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, width=None if known else PIPE_WIDTH)
