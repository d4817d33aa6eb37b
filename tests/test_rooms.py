"""hepexp/README.md: the files and folders that it names exist, and it names every room."""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "hepexp"
PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w./]+(?:/|\.py|\.yaml|\.toml))`", PAGE)


def test_every_file_named_exists():
    places = (PACKAGE, PACKAGE.parent)
    missing = [
        name for name in NAMED if "NAME" not in name and "/" in name and not any((p / name).exists() for p in places)
    ]
    assert len(NAMED) > 50
    assert not missing


def test_every_room_is_named():
    folders = {path.parent.relative_to(PACKAGE) for path in PACKAGE.glob("*/*.py")} | {
        path.parent.relative_to(PACKAGE) for path in PACKAGE.glob("data/*/*.py")
    }
    assert {f"{folder}/" for folder in folders} <= set(NAMED)


def test_the_page_is_a_page():
    assert len(PAGE.splitlines()) <= 60
