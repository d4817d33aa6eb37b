"""predictions.parquet: a model's output for each example, from which every figure can be recomputed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hepexp import regular_file
from hepexp.atomic import atomic
from hepexp.errors import DataError
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.spool import Spool

_CHECKSUM, WEIGHT = b"sha256", "weight"


@dataclass(frozen=True)
class Predictions:
    """Columns of a predictions file.

    Shapes
    ------
    index (n,) int64, the row in the data set; label (n,) int64, -1 where it is not known; scores (n, C), column c
    for `class_names[c]`; weight (n,), None where the examples count alike; columns (n,) each, what else figures of
    merit were computed from. `setting` has the background and the working points.
    """

    index: np.ndarray
    label: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]
    split: str
    weight: np.ndarray | None = None
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    setting: Setting | None = None


def index_and_label(index: np.ndarray, label: np.ndarray) -> dict[str, pa.Array]:
    """The columns `index` and `label` int64 (n,) of a table of examples; a label below 0, not known, is null."""
    return {"index": pa.array(index.astype(np.int64)), "label": pa.array(label.astype(np.int64), mask=label < 0)}


def predictions_table(
    index: np.ndarray,
    label: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    split: str = "test",
    weight: np.ndarray | None = None,
    columns: Mapping[str, np.ndarray] | None = None,
    setting: Setting | None = None,
) -> pa.Table:
    """A classifier's predictions as a table.

    Columns: `index` int64, `label` int64 (null where it is negative: not known), `score_<class name>` in the
    precision of the scores, `weight` if there are any, and what else figures of merit need. Metadata of the schema:
    `class_names` (JSON list), `split`, and `setting` (JSON: background and working points) if it is given.
    """
    scores = np.asarray(scores)
    found = {
        **index_and_label(np.asarray(index), np.asarray(label)),
        **{f"score_{name}": pa.array(np.ascontiguousarray(scores[:, c])) for c, name in enumerate(class_names)},
        **({} if weight is None else {WEIGHT: pa.array(np.asarray(weight))}),
        **{name: pa.array(np.ascontiguousarray(values)) for name, values in (columns or {}).items()},
    }
    about = {"class_names": json.dumps(list(class_names)), "split": split}
    if setting is not None:
        points = {class_names[c]: setting.points(c) for c in range(min(setting.n_classes, len(class_names)))}
        about["setting"] = json.dumps({"background": setting.background, "working_points": points})
    return pa.table(found, metadata=about)


def write_predictions(path: Path | str, table: pa.Table) -> None:
    """Write what an evaluator keeps of each example, completely or not at all, with a checksum of the values."""
    about = {key: value for key, value in (table.schema.metadata or {}).items() if key != _CHECKSUM}
    with atomic(path) as temporary:
        marked = table.replace_schema_metadata({**about, _CHECKSUM: _checksum(table)})
        pq.write_table(marked, temporary, compression="zstd", write_page_checksum=True)


def write_spooled(path: Path | str, spool: Spool) -> None:
    """As `write_predictions`, of a table that may be longer than the memory."""
    about = {key: value for key, value in (spool.schema.metadata or {}).items() if key != _CHECKSUM}
    marked = spool.schema.with_metadata({**about, _CHECKSUM: _checksum_of(spool.schema, spool.n, spool.column)})
    options = {"compression": "zstd", "write_page_checksum": True}
    with atomic(path) as temporary, pq.ParquetWriter(temporary, marked, **options) as writer:
        for rows in spool.batches():
            writer.write_table(pa.Table.from_batches([rows]).replace_schema_metadata(marked.metadata))


def read_table(path: Path | str) -> pa.Table:
    """All columns that an evaluator kept of each example.

    Raises
    ------
    DataError : the file is missing, damaged, or something else.
    """
    with _refusing(path):
        table = pq.read_table(path, page_checksum_verification=True)
        _check_values(path, table)
        return table


def read_predictions(path: Path | str) -> Predictions:
    """Read a classifier's predictions, which `write_predictions` wrote.

    Raises
    ------
    DataError : the file is missing, damaged, or something else.
    """
    with _refusing(path):
        table = pq.read_table(path, page_checksum_verification=True)
        check_schema(path, table.schema)
        names = tuple(json.loads(table.schema.metadata[b"class_names"]))
        for name in ("index", *(f"score_{name}" for name in names), *({WEIGHT} & {*table.column_names})):
            if table[name].null_count:  # observers may have some: not every file that is scored has them
                raise DataError(f"{path}: column {name} has gaps, expected a number in each row")
        _check_values(path, table)
        labelled = "label" in table.column_names
        return Predictions(
            index=table["index"].to_numpy(),
            label=table["label"].fill_null(-1).to_numpy() if labelled else np.full(len(table), -1),
            scores=np.stack([table[f"score_{name}"].to_numpy() for name in names], axis=1),
            class_names=names,
            split=table.schema.metadata[b"split"].decode(),
            weight=table[WEIGHT].to_numpy().astype(np.float64) if WEIGHT in table.column_names else None,
            columns={name: table[name].to_numpy() for name in _others(table.schema, names)},
            setting=_setting(table.schema.metadata.get(b"setting"), names),
        )


@contextmanager
def _refusing(path: Path | str) -> Iterator[None]:
    """Say in one line what is wrong with a file."""
    regular_file.check(path)
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"there are no predictions at {path}: the run did not reach its test") from error
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is not a predictions file: {str(error).splitlines()[0]}") from error


def _check_values(path: Path | str, table: pa.Table) -> None:
    """Refuse a table whose values differ from those of which its checksum is."""
    recorded = (table.schema.metadata or {}).get(_CHECKSUM)
    if recorded is not None and recorded != _checksum(table):
        raise DataError(f"{path} is corrupted: its values do not match its checksum")


def _others(schema: pa.Schema, class_names: Sequence[str]) -> list[str]:
    """Columns of numbers beside those that every file has."""
    usual = {"index", "label", WEIGHT, *(f"score_{name}" for name in class_names)}
    return [column.name for column in schema if column.name not in usual and pa.types.is_floating(column.type)]


def _setting(recorded: bytes | None, class_names: tuple[str, ...]) -> Setting | None:
    """Background and working points; None in files from before they were recorded."""
    if recorded is None:
        return None
    known = json.loads(recorded)
    points = {name: tuple(map(float, at)) for name, at in known["working_points"].items()}
    background = known["background"]
    return Setting(class_names, None if background is None else int(background), points)


def is_of_classifier(schema: pa.Schema) -> bool:
    """Whether a file has the columns of a classifier's predictions, or says that it has."""
    if b"class_names" in (schema.metadata or {}):
        return True
    others = {*schema.names} - {"index", "label", WEIGHT}
    return "index" in schema.names and all(name.startswith("score_") for name in others)


def check_schema(path: Path | str, schema: pa.Schema) -> None:
    """Refuse a file without what hepexp writes beside the values, or with values that are no numbers.

    pandas keeps the columns of a file that it writes again, but not the metadata of its schema.

    Raises
    ------
    DataError : says what is missing, and how to get it back.
    """
    about = schema.metadata or {}
    if missing := [key.decode() for key in (b"class_names", b"split") if key not in about]:
        raise DataError(
            f"{path} lacks {' and '.join(missing)} in the metadata of its schema, which other programs do not keep; "
            "restore the file that the run wrote, or write it anew with: hepexp evaluate RUN --out FOLDER"
        )
    names = json.loads(about[b"class_names"])
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: class_names in the metadata of its schema must be a list of names, got {names!r}")
    wanted = ["index", *(f"score_{name}" for name in names)]
    if missing := [name for name in wanted if name not in schema.names]:
        raise DataError(f"{path} has no column {missing[0]}; it has {', '.join(schema.names) or 'none'}")
    for name in (*wanted, *({"label", WEIGHT} & set(schema.names))):
        kind, whole = schema.field(name).type, name in ("index", "label")
        fits = pa.types.is_integer(kind) if whole else pa.types.is_floating(kind)
        if not fits:
            raise DataError(f"{path}: column {name} holds {kind}, expected {'whole' if whole else 'real'} numbers")


def _checksum(table: pa.Table) -> bytes:
    """Checksum of the values of all columns and of the schema's metadata."""
    return _checksum_of(table.schema, len(table), lambda name: table[name].chunks)


def _checksum_of(schema: pa.Schema, n: int, chunks: Callable[[str], Iterable[pa.Array]]) -> bytes:
    """As `_checksum`, of n rows, each column in chunks; however long these are, the result is the same."""
    digest = hashlib.sha256()
    for key, value in sorted((schema.metadata or {}).items()):
        if key != _CHECKSUM:
            digest.update(key + b"=" + value)
    for name, kind in zip(schema.names, schema.types, strict=True):
        digest.update(f"{name} {kind} {n}".encode())
        for chunk in chunks(name):
            digest.update(chunk.is_null().to_numpy(zero_copy_only=False).tobytes())
        is_list = pa.types.is_list(kind)
        if is_list:
            for chunk in chunks(name):
                digest.update(pc.list_value_length(chunk).to_numpy(zero_copy_only=False).tobytes())
        between = b""
        for chunk in chunks(name):
            values = chunk.flatten() if is_list else chunk
            if len(values) and pa.types.is_string(values.type):
                digest.update(between + "\n".join(values.fill_null("").to_pylist()).encode())
                between = b"\n"
            elif len(values):
                digest.update(values.fill_null(0).to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest().encode()
