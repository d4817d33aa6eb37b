"""predictions.parquet: what a model said of each example, from which every figure can be made again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hepexp.atomic import atomic
from hepexp.errors import DataError


@dataclass(frozen=True)
class Predictions:
    """Columns of a predictions file.

    Shapes
    ------
    index (n,) int64, the row in the data set; label (n,) int64, -1 where it is not known; scores (n, C), column c
    for `class_names[c]`.
    """

    index: np.ndarray
    label: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]
    split: str


def predictions_table(
    index: np.ndarray,
    label: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    split: str = "test",
) -> pa.Table:
    """What a classifier said, as a table.

    Columns: `index` int64, `label` int64 (null where it is negative: not known), `score_<class name>` in the
    precision of the scores. Metadata of the schema: `class_names` (JSON list) and `split`.
    """
    index, label, scores = np.asarray(index), np.asarray(label), np.asarray(scores)
    columns = {
        "index": pa.array(index.astype(np.int64)),
        "label": pa.array(label.astype(np.int64), mask=label < 0),
        **{f"score_{name}": pa.array(np.ascontiguousarray(scores[:, c])) for c, name in enumerate(class_names)},
    }
    return pa.table(columns, metadata={"class_names": json.dumps(list(class_names)), "split": split})


def write_predictions(path: Path | str, table: pa.Table) -> None:
    """Write what a readout keeps of each example, whole or not at all."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_predictions(path: Path | str) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises
    ------
    DataError : the file is missing, damaged, or something else.
    """
    try:
        table = pq.read_table(path)
        names = tuple(json.loads(table.schema.metadata[b"class_names"]))
        return Predictions(
            index=table["index"].to_numpy(),
            label=table["label"].fill_null(-1).to_numpy(),
            scores=np.stack([table[f"score_{name}"].to_numpy() for name in names], axis=1),
            class_names=names,
            split=table.schema.metadata[b"split"].decode(),
        )
    except FileNotFoundError as error:
        raise DataError(f"there are no predictions at {path}: the run did not come to its test") from error
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a predictions file: {str(error).splitlines()[0]}") from error
