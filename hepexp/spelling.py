"""Letters that an output may lack, spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from rich.text import Text

SPELLED = {"±": "+-", "σ": "sigma", "−": "-", "–": "-", "≈": "~", "°": " deg", "Δ": "Delta", "ε": "eps"} | {
    "π": "pi", "θ": "theta", "─": "-", "│": "|", "●": "*", "…": "...", "×": "x", "≥": ">=", "≤": "<="
}  # fmt: skip


@overload
def spelled(text: str, encoding: str) -> str: ...
@overload
def spelled(text: Text, encoding: str) -> Text: ...
def spelled(text: str | Text, encoding: str) -> str | Text:
    """A text as it is written to an output, but before a layout.

    Letters that the encoding lacks are spelled out, and control characters, with which somebody else's file could
    change the terminal, are written as escapes.
    """
    if _is_plain(str(text), encoding):
        return text
    if isinstance(text, str):
        return "".join(letter if _is_plain(letter, encoding) else _spell(letter, encoding) for letter in text)
    from rich.text import Text

    made = Text(style=text.style)
    for letter in (text[i] for i in range(len(text))):  # each with its styles
        part = Text(spelled(letter.plain, encoding))
        for span in letter.spans:
            part.stylize(span.style)
        made.append_text(part)
    return made


def _spell(letter: str, encoding: str) -> str:
    return visible(letter) if _has(encoding, letter) else SPELLED.get(letter, "?")


def visible(text: str) -> str:
    """A text without control characters but the ends of lines."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)


def _is_plain(text: str, encoding: str) -> bool:
    return text.replace("\n", "").isprintable() and _has(encoding, text)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
