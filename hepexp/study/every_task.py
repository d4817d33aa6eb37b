"""A study of every task: its settings are the files of the group `task`, so that a new task is in it at once."""

from __future__ import annotations

from typing import Any

from hepexp.config import catalog
from hepexp.errors import ConfigError
from hepexp.study.options import StudyOptions


class EveryTask(StudyOptions):
    """Every task that can be found, each as its own file says but for what the study makes smaller.

    Parameters
    ----------
    base : overrides of every run, in a line.
    smaller : overrides of the tasks whose names begin so, in a line, after those of `base`; where several beginnings
        fit, all of them in this order.
    seeds : of each task: how many, from 1 on, or a list.
    columns : as of `StudyOptions`.

    Raises
    ------
    ConfigError : no task begins so; as of `StudyOptions`.
    """

    draws = False  # tasks have no axis in common

    def __init__(
        self,
        base: str = "",
        smaller: dict[str, str] | None = None,
        seeds: int | list[int] = 3,
        columns: list[str] | None = None,
    ):
        smaller = smaller or {}
        tasks = list(catalog.options("task", catalog.folders()))
        for beginning in smaller:
            if not any(task.startswith(beginning) for task in tasks):
                raise ConfigError(f"study.smaller.{beginning}: the name of no task begins so; see: hepexp list task")
        settings: dict[str, Any] = {
            task: " ".join([f"task={task}", *(words for name, words in smaller.items() if task.startswith(name))])
            for task in tasks
        }
        super().__init__(settings, base, seeds=seeds, columns=columns)
