"""Packages that register themselves as plug-ins, written where Python finds them, without pip."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"(?:    .*\n|\n)+")


def section() -> str:
    """The README on a package of one's own."""
    return README.read_text().partition("\n## A package of your own\n")[2].partition("\n## ")[0]


def block_after(text: str) -> str:
    """The indented block of the section that follows a text."""
    rest = section().partition(text)[2].partition("\n")[2]
    return dedent(BLOCK.match(rest)[0]).strip("\n") + "\n"


def readme_files() -> dict[str, str]:
    """Each file of the README's package, by its path, as it is printed there."""
    names = re.findall(r"^`(myjets/[\w./]+)`", section(), re.MULTILINE)
    return {name: block_after(f"\n`{name}`") for name in names}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def register(folder: Path, name: str, package: str | None = None) -> None:
    """What pip would write beside an installed package: its metadata, with the entry point."""
    info = f"{name}-1.0.dist-info"
    write(folder, {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/entry_points.txt": f"[hepexp.plugins]\n{name} = {package or name}\n",
    })  # fmt: skip
