"""The Parameters section of a numpy docstring."""

import re
from inspect import cleandoc

_ENTRY = re.compile(r"^(\*{0,2}\w+(?:\s*,\s*\w+)*)\s*:\s*(.*)$")


def summary(text: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(cleandoc(text).split("\n\n")[0].split())


def parameters(text: str) -> dict[str, str]:
    """The meaning of each parameter, on one line.

    Parameters
    ----------
    text : a docstring whose entries read `name : meaning`, or `name, name : meaning`, and may continue on indented
        lines.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in _section(cleandoc(text).splitlines(), "Parameters"):
        if match := _ENTRY.match(line):
            names = [name.strip(" *") for name in match[1].split(",")]
            found.update(dict.fromkeys(names, match[2]))
        elif line.strip():
            found.update({name: f"{found[name]} {line.strip()}".strip() for name in names})
    return found


def _section(lines: list[str], title: str) -> list[str]:
    """The lines below a title underlined with dashes, up to the next such title."""
    starts = [i for i in range(len(lines) - 1) if re.fullmatch(r"-{3,}", lines[i + 1].strip()) and lines[i].strip()]
    for i, start in enumerate(starts):
        if lines[start].strip() == title:
            return lines[start + 2 : starts[i + 1] if i + 1 < len(starts) else len(lines)]
    return []
