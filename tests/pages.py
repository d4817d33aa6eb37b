"""The pages of docs/, as tests read them: what is printed on a page is what is tested."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    """The text of a page, such as `howto/own_data`."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def block_after(page: str, text: str) -> str:
    """The first fenced block that follows a text on a page."""
    _, found, rest = text_of(page).partition(text)
    assert found, f"{page} does not say: {text}"
    return FENCED.search(rest)[2]


def commands(block: str) -> list[list[str]]:
    """The words after `hepexp` of each command in a block, without comments."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("hepexp ")]
