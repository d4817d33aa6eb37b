"""Which data sets have examples, and what is known of their files."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from hepexp.config import catalog, kind, targets, yaml_file
from hepexp.data.collection import Collection


def data_sets() -> list[str]:
    """Names of the data sets that have examples: the options of the group, but for `empty` and its like."""
    return [name for name in catalog.options("dataset", catalog.folders()) if find_collection(name) is not None]


def find_collection(name: str) -> Collection | None:
    """What a data set has of files: of hepexp's own without importing torch, of a plugin's by its class."""
    path = catalog.find("dataset", name, catalog.folders())
    if find_spec(module := f"hepexp.data.collections.{name}") is not None:
        return import_module(module).COLLECTION
    target = yaml_file.load(path)["_target_"]
    if target.startswith("hepexp."):
        return None
    return getattr(targets.load(target, kind.of_group("dataset")), "collection", None)
