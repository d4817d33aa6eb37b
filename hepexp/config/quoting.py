"""How an override must be typed whose value Hydra's grammar cannot read as it stands, such as an expression."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[\w./*+-]+( [\w./*+-]+)*|", re.ASCII)  # needs no quotes
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def as_typed(value: Any, between: str = ",") -> str:
    """A value of YAML as it is typed after `KEY=`; a text is taken as it stands.

    Parameters
    ----------
    between : what stands between the items of a list.
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{between.join(as_typed(item, between) for item in value)}]"
        case _:
            return str(value)


def in_quotes(override: str) -> str:
    """The override with its value, or each item of a list or mapping, in quotes, and all of it quoted for the shell.

    `key=[log(x), y]` becomes `'key=["log(x)", y]'`.
    """
    key, equals, value = override.partition("=")
    return shlex.quote(f"{key}{equals}{_quoted(value.strip())}")


def cut_expression(value: object) -> str:
    """The first expression that YAML has cut at a comma, as it was meant; empty if there is none.

    `{energy: hypot(x, y)}` is read as {'energy': 'hypot(x', 'y)': None}, and `[hypot(x, y)]` as two texts.
    """
    if isinstance(value, Mapping):
        parts = [name if part is None else part for name, part in value.items()]
    else:
        parts = list(value) if isinstance(value, list | tuple) else []
    for first, part in enumerate(parts):
        if isinstance(part, str) and part.count("(") > part.count(")"):
            for last in range(first + 1, len(parts) + 1):
                text = ", ".join(map(str, parts[first:last]))
                if text.count("(") == text.count(")"):
                    return text
    return ""


def _quoted(value: str) -> str:
    if _is_in(value, "["):
        return f"[{', '.join(map(_quoted, _parts(value[1:-1], ',')))}]"
    if _is_in(value, "{"):
        return f"{{{', '.join(map(_item, _parts(value[1:-1], ',')))}}}"
    if _PLAIN.fullmatch(value) or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\""):
        return value
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _is_in(value: str, opening: str) -> bool:
    """Whether brackets surround the whole value, unlike those of `[a] b [c]`."""
    level = 0
    for place, character in enumerate(value):
        level += (character == opening) - (character == _PAIRS[opening])
        if level == 0:
            return place > 0 and place == len(value) - 1
    return False


def _item(text: str) -> str:
    key, colon, value = text.partition(":")
    return f"{key.strip()}: {_quoted(value.strip())}" if colon else _quoted(text)


def _parts(text: str, separator: str) -> Iterator[str]:
    """What stands between separators that are within no brackets and no quotes."""
    closing: list[str] = []  # brackets, or a quote, that are open
    part = ""
    for character in text:
        if closing and character == closing[-1]:
            closing.pop()
        elif not (closing and closing[-1] in "'\"`"):
            if character in "'\"`":
                closing.append(character)
            elif character in _PAIRS:
                closing.append(_PAIRS[character])
            elif character == separator and not closing:
                yield part.strip()
                part = ""
                continue
        part += character
    if part.strip():
        yield part.strip()
