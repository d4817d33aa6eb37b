"""The JSON beside an exported file: what goes in and comes out, working points, and where the network comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hepexp import regular_file
from hepexp.config import record
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.export.tensors import DTYPES, TensorSpec

LARGEST = 2_000_000  # bytes
VERSION = 1
_KINDS: dict[str, type] = {"version": int, "format": str, "sha256": str, "reads": str, "dataset": dict, "classes": list}
_KINDS |= {"inputs": list, "outputs": list, "working_points": list, "provenance": dict, "parity": dict}


@dataclass(frozen=True)
class Description:
    """What is known of an exported file.

    Parameters
    ----------
    format : onnx, torchscript or pt2.
    sha256 : of the file.
    reads : the representation that the model reads.
    classes : in the order of the scores.
    background : label of the class against which others are set; None where there is none.
    inputs, outputs : in order.
    dataset : keys of the data set of the run, with which files of examples are read.
    working_points : thresholds, from the validation split.
    parity : how far the file's scores are from those of the run, on how many examples.
    provenance : the run, its commit, data and packages.
    cost : floating-point operations of the graph for one example, and how many particles that has.
    quantised : what int8 costs; empty if the weights are as trained.
    """

    format: str
    sha256: str
    reads: str
    classes: list[str]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    dataset: dict[str, Any]
    background: int | None = None
    working_points: list[dict[str, Any]] = field(default_factory=list)
    parity: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    quantised: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION

    @property
    def setting(self) -> Setting:
        """Classes, background and working points of a table of predictions."""
        points: dict[str, tuple[float, ...]] = {}
        for point in self.working_points:
            points[point["class"]] = (*points.get(point["class"], ()), point["signal_efficiency"])
        return Setting(tuple(self.classes), self.background, points)


def beside(path: Path) -> Path:
    """The JSON of an exported file: model.onnx and model.json."""
    return path.with_suffix(".json")


def checksum(content: bytes) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def tensors(specs: tuple[TensorSpec, ...]) -> list[dict[str, Any]]:
    """Inputs or outputs as they are written."""
    return [asdict(one) for one in specs]


def read(path: Path, content: bytes) -> Description:
    """The description of an exported file, which may be a stranger's: values alone, of the types expected.

    Parameters
    ----------
    path : the exported file.
    content : of it.

    Raises
    ------
    ConfigError : there is no JSON beside it.
    DataError : it is damaged, or that of another file.
    """
    where = beside(path)
    if not where.is_file():
        raise ConfigError(f"{path}: no {where.name} beside it; `hepexp export` writes both, copy them together")
    regular_file.check(where)
    if where.stat().st_size > LARGEST:
        raise DataError(f"{where} has {where.stat().st_size:,} bytes; expected the JSON that `hepexp export` wrote")
    try:
        found = json.loads(where.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON: {error}") from None
    _check(where, found)
    if found["sha256"] != checksum(content):
        raise DataError(f"{where} describes another file than {path.name}: its SHA-256 differs; export the run again")
    known = Description.__dataclass_fields__
    return Description(**{key: value for key, value in found.items() if key in known})


def _check(where: Path, found: object) -> None:
    if not isinstance(found, dict):
        raise DataError(f"{where}: expected an object, got {type(found).__name__}")
    for key, kind in _KINDS.items():
        if not isinstance(found.get(key), kind) or isinstance(found[key], bool):
            raise DataError(f"{where}: {key} must be {_said(kind)}, got {found.get(key)!r:.60}")
    if found["version"] != VERSION:
        raise DataError(f"{where}: version must be {VERSION}, got {found['version']}; export the run again")
    names = found["classes"]
    if not all(isinstance(name, str) and name.strip() for name in names) or len(set(names)) < max(len(names), 2):
        raise DataError(f"{where}: classes must be the names of two or more different classes, got {names!r:.60}")
    if found["format"] != "onnx":
        raise DataError(
            f"{where}: format must be onnx, the one that `hepexp predict` takes, got {found['format']!r:.60}"
        )
    background = found.get("background")
    if background is not None and (not isinstance(background, int) or not 0 <= background < len(found["classes"])):
        raise DataError(f"{where}: background must be the number of a class, got {background!r:.60}")
    for key in ("inputs", "outputs"):
        for one in found[key]:
            if (
                not isinstance(one, Mapping)
                or not isinstance(one.get("name"), str)
                or one.get("dtype") not in [*DTYPES]
            ):
                raise DataError(f"{where}: {key} must have a name and a dtype ({', '.join(DTYPES)}), got {one!r:.60}")
    for point in found["working_points"]:
        at = point.get("signal_efficiency") if isinstance(point, Mapping) else None
        if not isinstance(at, float | int) or not 0 < at <= 1 or point.get("class") not in found["classes"]:
            raise DataError(f"{where}: working_points must have a class and a signal_efficiency, got {point!r:.60}")
    try:
        record.check_values(found["dataset"])
    except ConfigError as error:
        raise DataError(f"{where}: dataset: {error}") from error


def _said(kind: type) -> str:
    return {int: "a whole number", str: "a text", dict: "an object", list: "a list"}[kind]
