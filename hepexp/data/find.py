"""Which data sets have examples, and where their files are."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from hepexp.config import catalog, kind, source, targets, yaml_file
from hepexp.data.dataset_info import DatasetInfo


def data_sets() -> list[str]:
    """Names of the data sets that have examples: all options of the group except those like `empty`."""
    return [name for name in catalog.options("dataset", catalog.folders()) if find_info(name) is not None]


def find_info(name: str) -> DatasetInfo | None:
    """What is known of a data set: `INFO` in the module `info` beside its class, which needs no torch, or the class's.

    None for a data set without examples.
    """
    found = getattr(module_beside(name, "info"), "INFO", None)
    if isinstance(found, DatasetInfo):
        return found
    target = _target(name)
    if target.startswith("hepexp."):
        return None
    return getattr(targets.load(target, kind.of_group("dataset")), "info", None)


def module_beside(name: str, module: str) -> ModuleType | None:
    """A module of a data set, by its last name, in the folder of the data set's class; None if there is none."""
    path = f"{_target(name).rsplit('.', 2)[0]}.{module}"
    return None if source.module_file(path) is None else import_module(path)


def _target(name: str) -> str:
    target = yaml_file.load(catalog.find("dataset", name, catalog.folders()))["_target_"]
    targets.check(target)
    return target
