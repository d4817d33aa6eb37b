"""Score the examples in files with an exported network, as the run itself would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from hepexp import regular_file
from hepexp.config import schema
from hepexp.config.annotations import TARGET
from hepexp.config.build import instantiate
from hepexp.data.datasets.files import stand_in
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.dataset import SplitDataset
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.predictions import predictions_table
from hepexp.export import description
from hepexp.export.description import Description
from hepexp.export.inputs import inputs_of
from hepexp.export.onnx_file import OnnxSession
from hepexp.export.tensors import Inputs

SCORES = "tensor(float)"  # as onnxruntime calls it
SLACK = 1e-5  # by which rounding may take a probability out of [0, 1], or the sum of all from 1
AT_ONCE = 256  # examples in a batch
LARGEST = 2**31  # bytes of a file, the most that ONNX can be


class ExportedClassifier:
    """An ONNX file and its JSON, which may be a stranger's: nothing in them is evaluated.

    Parameters
    ----------
    path : of the ONNX file.

    Raises
    ------
    ConfigError : it is missing, or has no JSON beside it.
    DataError : one of the two is damaged, or they do not belong together.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError(f"{path} does not exist; expected an ONNX file that `hepexp export` wrote")
        regular_file.check(path)
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} has {path.stat().st_size:,} bytes; an ONNX file has at most {LARGEST:,}")
        content = path.read_bytes()
        self.path = path
        self.about: Description = description.read(path, content)
        self.session = OnnxSession(content, str(path))
        if self.session.kind != SCORES:
            raise DataError(f"{path}: gives {self.session.kind}; expected {SCORES}, a score of each class")
        known = {one["name"] for one in self.about.inputs}
        if strange := sorted(set(self.session.inputs) - known):
            raise DataError(f"{description.beside(path)}: inputs lack {', '.join(strange)}, which {path.name} takes")

    def data(self, first: Path) -> HepDataModule:
        """The data set whose files can be scored.

        Parameters
        ----------
        first : a file to be scored, which stands in for those of the training.

        Raises
        ------
        ConfigError : the data set of the JSON is none, or cannot read what the network takes.
        """
        node = dict(self.about.dataset)
        if "stand_in" in node:
            data = self._built(node | stand_in.keys_to_score(first.absolute()))
        elif (data := self._built(node)).info.mini is not None:  # the data of the training are not needed, nor made
            data = self._built(node | schema.accepted(node[TARGET], data.sample_keys()))
        data.represent_as(self.about.reads)
        data.prepare_data()
        data.setup()
        return data

    def _built(self, node: dict[str, Any]) -> HepDataModule:
        try:
            data = instantiate(node, "dataset", seed=0)
        except ConfigError as error:
            raise ConfigError(f"{description.beside(self.path)}: {error}") from error
        if not isinstance(data, HepDataModule) or self.about.reads not in data.representations:
            raise DataError(f"{description.beside(self.path)}: reads {self.about.reads!r:.60} is not of this data set")
        return data

    def tables(self, data: HepDataModule, path: Path) -> Iterator[pa.Table]:
        """The predictions for the examples of a file, in parts, in their order.

        Raises
        ------
        DataError : the file is none of the data set, or the network cannot take its examples.
        """
        inputs = inputs_of(data)
        for loader in data.loaders_of_file(path):
            examples = loader.dataset
            assert isinstance(examples, SplitDataset)
            yield self._table(inputs, examples)

    def _table(self, inputs: Inputs, examples: SplitDataset) -> pa.Table:
        """The predictions for some rows of a store; NaN for those that no network can score."""
        unscored = examples.unscored
        assert unscored is not None, "the loaders of files name them"
        rows = np.concatenate([examples.rows, unscored.index])
        scores = np.full((len(rows), len(self.about.classes)), np.nan, np.float32)
        order = np.argsort(examples.counts, kind="stable")  # of like length together, to save padding
        for start in range(0, len(order), AT_ONCE):
            part = order[start : start + AT_ONCE]
            found = self.session(inputs.feed(examples.store.take(examples.rows[part])))
            if found.shape != (len(part), scores.shape[1]):
                raise DataError(
                    f"{self.path}: gives {found.shape}; expected a score of each of {scores.shape[1]} classes"
                )
            if not ((found >= -SLACK) & (found <= 1 + SLACK)).all():
                raise DataError(
                    f"{self.path}: gives scores from {found.min():.3g} to {found.max():.3g}; expected probabilities, "
                    "from 0 to 1"
                )
            if (off := float(np.abs(found.sum(1) - 1).max())) > SLACK:
                raise DataError(f"{self.path}: gives scores whose sum is off 1 by up to {off:.3g}; expected 1")
            scores[part] = found
        label = np.concatenate([examples.labels(examples.rows), unscored.label])
        by_row = np.argsort(rows, kind="stable")
        observed = examples.observed(rows[by_row])
        table = predictions_table(
            rows[by_row], label[by_row], scores[by_row], self.about.classes, setting=self.about.setting
        )
        for name, values in observed.items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array(values))
        return table
