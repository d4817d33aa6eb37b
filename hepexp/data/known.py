"""Which data sets have examples, and where their files are."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from hepexp.config import catalog, kind, targets, yaml_file
from hepexp.data.collection import Collection


def data_sets() -> list[str]:
    """Names of the data sets that have examples: all options of the group except those like `empty`."""
    return [name for name in catalog.options("dataset", catalog.folders()) if find_collection(name) is not None]


def find_collection(name: str) -> Collection | None:
    """The files of a data set; for hepexp's own without importing torch, for a plug-in's from its class."""
    path = catalog.find("dataset", name, catalog.folders())
    if find_spec(module := f"hepexp.data.collections.{name}") is not None:
        return import_module(module).COLLECTION
    target = yaml_file.load(path)["_target_"]
    if target.startswith("hepexp."):
        return None
    return getattr(targets.load(target, kind.of_group("dataset")), "collection", None)
