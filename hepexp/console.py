"""Where text for people is printed: as wide as the terminal, and unbroken in a pipe."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from hepexp.spelling import visible

PIPE_WIDTH = 100_000  # a pipe has no width; rich would assume 80, break lines and cut words


class PlainConsole(Console):
    """Texts as they are: brackets are no styles, and control characters, which a file's name may have, are escaped."""

    def __init__(self, **given: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **given)

    def render_str(self, text: str, **given: Any) -> Text:
        return super().render_str(visible(text), **given)


def console() -> PlainConsole:
    """A plain console on stdout.

    Its width is that of the terminal, or $COLUMNS; in a pipe, lines are not broken.
    """
    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return PlainConsole(width=None if known else PIPE_WIDTH)
