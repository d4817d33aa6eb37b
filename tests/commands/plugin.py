"""Packages that register themselves as plug-ins, written where Python finds them, without pip."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import block_after, text_of

PAGES = ("howto/own_package", "howto/own_model", "howto/own_loss")


def printed_files() -> dict[str, str]:
    """Each file of the package of the how-tos, by its path, as it is printed there."""
    found = [(page, name) for page in PAGES for name in re.findall(r"^`(myjets/[\w./]+)`", text_of(page), re.MULTILINE)]
    return {name: block_after(page, f"\n`{name}`") for page, name in found}


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
