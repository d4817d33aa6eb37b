"""Which page explains a task: pages name their tasks in their front matter, `tasks: [top_*, jetclass_*]`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

HERE = Path(__file__).parent
FRONT = re.compile(r"---\n(.*?)^---\n+# (.*?)$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Topic:
    """A page that explains tasks.

    Parameters
    ----------
    page : its path in docs/, without suffix.
    title : its first heading.
    patterns : of the names of its tasks.
    """

    page: str
    title: str
    patterns: tuple[str, ...]

    def has(self, task: str) -> bool:
        """Whether it explains a task."""
        return any(fnmatchcase(task, pattern) for pattern in self.patterns)


@cache
def topics() -> list[Topic]:
    """All of them, in the order of the table of contents."""
    contents = (HERE / "index.md").read_text(encoding="utf-8")
    found = []
    for page in re.findall(r"^((?:howto|topics)/\w+)$", contents, re.MULTILINE):
        if match := FRONT.match((HERE / f"{page}.md").read_text(encoding="utf-8")):
            found.append(Topic(page, match[2], tuple(yaml.safe_load(match[1])["tasks"])))
    return sorted(found, key=lambda topic: topic.page.startswith("howto/"))


def by_topic(tasks: Iterable[str]) -> list[tuple[Topic | None, list[str]]]:
    """Tasks by the page that explains them; None for those that no page names."""
    left, found = list(tasks), []
    for topic in topics():
        its = [task for task in left if topic.has(task)]
        left = [task for task in left if task not in its]
        found.append((topic, its))
    return [(topic, its) for topic, its in [*found, (None, left)] if its]
