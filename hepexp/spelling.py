"""Letters that an output may lack, spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

SPELLED = {"±": "+-", "σ": "sigma", "−": "-", "–": "-", "≈": "~", "°": " deg", "Δ": "Delta", "ε": "eps"} | {
    "π": "pi", "θ": "theta", "─": "-", "│": "|", "●": "*", "…": "...", "×": "x", "≥": ">=", "≤": "<="
}  # fmt: skip


def spelled(text: str | Text, encoding: str) -> str | Text:
    """A text with the letters that an encoding lacks spelled out: as a stream writes it, but before a layout."""
    if _has(encoding, str(text)):
        return text
    if isinstance(text, str):
        return "".join(letter if _has(encoding, letter) else SPELLED.get(letter, "?") for letter in text)
    from rich.text import Text

    made = Text(style=text.style)
    for letter in text:  # each with its styles
        part = Text(spelled(letter.plain, encoding))
        for span in letter.spans:
            part.stylize(span.style)
        made.append_text(part)
    return made


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
