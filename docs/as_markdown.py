"""Text, tables and docstrings as Markdown."""

import re
from collections.abc import Iterable, Sequence

ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")
ADDRESS = re.compile(r"https?://[^\s<>)\"]*[^\s<>)\".,;:]")
SPECIAL = re.compile(r"([\\*_\[\]<>{}#|~^$])")
COMMAND = re.compile(r"^(hepexp .*?\S) {2,}(\S.*)$")
UNDERLINE = re.compile(r"-{3,}$")
ENTRY = re.compile(r"^(\*{0,2}[\w.]+(?:\s*,\s*[\w.]+)*)\s+:\s+(.*)$")


def text(plain: str) -> str:
    """A text in which only `code` is marked up; addresses and arXiv numbers become links."""
    parts = re.split(r"(`[^`]*`)", plain)
    return "".join(part if part.startswith("`") and len(part) > 1 else _linked(part) for part in parts)


def with_links(page: str) -> str:
    """A page of Markdown in which arXiv numbers outside of code are links."""
    parts = re.split(r"(^```.*?^```$|`[^`]*`)", page, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        part if part.startswith("`") else ARXIV.sub(lambda number: f"[{number[0]}]({_paper(number)})", part)
        for part in parts
    )


def _paper(number: re.Match[str]) -> str:
    return f"https://arxiv.org/abs/{number[1]}"


def _linked(plain: str) -> str:
    found, at = [], 0
    for match in sorted([*ARXIV.finditer(plain), *ADDRESS.finditer(plain)], key=lambda match: match.start()):
        if match.start() >= at:
            address = _paper(match) if match.re is ARXIV else match[0]
            found += [_escaped(plain[at : match.start()]), f"[{_escaped(match[0])}]({address})"]
            at = match.end()
    return "".join([*found, _escaped(plain[at:])])


def _escaped(plain: str) -> str:
    return SPECIAL.sub(r"\\\1", plain)


def code(plain: str) -> str:
    """Inline code; nothing for nothing."""
    return f"`{plain}`" if plain and "`" not in plain else text(plain)


def block(lines: Iterable[str], language: str = "text") -> str:
    """A block of code."""
    return "\n".join([f"```{language}", *lines, "```"])


def commands(lines: Iterable[str]) -> str:
    """A block of commands; what stands beside one is its comment."""
    return block((COMMAND.sub(r"\1    # \2", line) for line in lines), "sh")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", " ".join(cell.split())) for cell in cells) + " |"

    return "\n".join([line(header), "|" + "---|" * len(header), *map(line, rows)])


def mixed(lines: Sequence[str]) -> str:
    """Lines of text with commands among them, which become blocks."""
    parts: list[list[str]] = []
    for line in lines:
        is_command = line.strip().startswith("hepexp ")
        if not parts or is_command != parts[-1][0].strip().startswith("hepexp "):
            parts.append([])
        parts[-1].append(line)
    return "\n\n".join(
        commands(line.strip() for line in part)
        if part[0].strip().startswith("hepexp ")
        else "\n\n".join(map(text, _paragraphs_of(part)))
        for part in parts
    )


def _paragraphs_of(lines: Sequence[str]) -> list[str]:
    """Lines of text joined to paragraphs; a line that begins with a capital is a new one."""
    found: list[str] = []
    for line in lines:
        if found and not line[:1].isupper():
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def docstring(doc: str, without: Sequence[str] = ()) -> str:
    """A numpy docstring: paragraphs, `name : meaning` as lists, indented lines as code.

    Parameters
    ----------
    without : titles of sections that are left out.
    """
    found, section = [], ""
    lines = doc.expandtabs().splitlines()
    i = 0
    while i < len(lines):
        if i + 1 < len(lines) and lines[i].strip() and UNDERLINE.match(lines[i + 1].strip()):
            section = lines[i].strip()
            if section not in without:
                found.append(f"**{section}**")
            i += 2
            continue
        end = i
        while end < len(lines) and not (end + 1 < len(lines) and UNDERLINE.match(lines[end + 1].strip()) and end > i):
            end += 1
        if section not in without:
            found += _paragraphs(lines[i:end])
        i = end
    return "\n\n".join(found)


def _paragraphs(lines: Sequence[str]) -> list[str]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    found = []
    for part in filter(None, parts):
        if all(line.startswith("    ") for line in part):
            found.append(block(line[4:] for line in part))
        elif ENTRY.match(part[0]):
            found.append(_entries(part))
        else:
            found.append(text(" ".join(line.strip() for line in part)))
    return found


def _entries(lines: Sequence[str]) -> str:
    items: list[str] = []
    for line in lines:
        if match := ENTRY.match(line):
            names = ", ".join(code(name.strip()) for name in match[1].split(","))
            items.append(f"- {names}: {text(match[2])}")
        else:
            items[-1] += f" {text(line.strip())}"
    return "\n".join(items)
