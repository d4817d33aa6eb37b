"""A trained model as MLflow stores and serves it: from a table of examples to a table of scores.

Where hepexp is installed, in the folder that holds runs/:

    mlflow.set_tracking_uri("sqlite:///runs/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/quark_gluon@best")
    jets = {"pt": [[80.0, 41.5]], "y": [[0.1, -0.2]], "phi": [[1.3, 1.4]], "pdgid": [[211, 22]]}
    model.predict(pandas.DataFrame(jets))    # one row per jet, its particles as lists: score_gluon, score_quark
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from hepexp import __version__
from hepexp.config import schema
from hepexp.config.content import content_of
from hepexp.config.nested import flatten
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.store.store import Store
from hepexp.data.store.table import ORIGIN
from hepexp.learning.components import Components
from hepexp.learning.trained import predict, rebuild
from hepexp.models.weights import find_weights
from hepexp.tracking.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

FILES = "files"  # for the weights that the model's constructor reads, and examples that show its shape
_FILE_KEYS = ("weights", "stand_in")
SHOWN = 3  # examples that are kept with the model, as a first input for its users


def save(folder: RunFolder, components: Components, path: Path) -> None:
    """Write the best checkpoint of a run as an MLflow model that needs nothing but hepexp.

    Parameters
    ----------
    folder : the run.
    components : of the run.
    path : folder to make.
    """
    import mlflow.pyfunc
    import pandas as pd

    data = _table_data(components)
    example = data.info.first_rows(data.store, SHOWN)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.part.") as above:
        bundle = Path(above) / "run"  # a run folder as `rebuild` reads it
        (bundle / "checkpoints").mkdir(parents=True)
        shutil.copyfile(folder.best, bundle / "checkpoints" / "best.ckpt")
        config = _portable(folder.config, components, bundle)
        OmegaConf.save(config, bundle / "config.yaml")
        mlflow.pyfunc.save_model(
            path,
            loader_module=__name__,
            data_path=bundle,
            signature=_signature(example, ServedModel(components).predict(pd.DataFrame(example))),
            input_example=pd.DataFrame({name: _plain(column) for name, column in example.items()}),
            pip_requirements=[f"hepexp=={__version__}"],
        )


def _table_data(components: Components) -> HepDataModule:
    """The data set of a run, which reads tables: `registration` refuses others."""
    assert isinstance(components.data, HepDataModule)
    return components.data


def _portable(config: DictConfig, components: Components, bundle: Path) -> DictConfig:
    """The config of a run for rebuilding it elsewhere: from the shipped sample, with its files beside it.

    The sample, or a few of the user's own examples, only define the shape of an example; scales are in the checkpoint.
    """
    (bundle / FILES).mkdir()
    config = config.copy()
    OmegaConf.set_readonly(config, False)
    if not components.module.objective.evaluator.references:
        keys = _table_data(components).portable_keys(bundle / FILES)
        for key, value in schema.accepted(config.dataset._target_, keys).items():
            value = f"{FILES}/{value}" if key in _FILE_KEYS else value
            OmegaConf.update(config, f"dataset.{key}", value, force_add=True)
    config.trainer.update({"accelerator": "auto", "progress": False})
    for key, value in flatten(content_of(config)).items():
        if key.rpartition(".")[2] == "weights" and isinstance(value, str) and (file := find_weights(value)):
            shutil.copyfile(file, bundle / FILES / key)
            OmegaConf.update(config, key, f"{FILES}/{key}")
    return config


def _signature(example: Mapping[str, Sequence[Any] | np.ndarray], predicted: pd.DataFrame) -> ModelSignature:
    """Types of the input and output columns; MLflow converts to them only where no precision is lost."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema, TensorSpec

    def kind(column: np.ndarray) -> DataType | Array:
        found: DataType | Array = {"b": DataType.boolean, "f": DataType.double}.get(column.dtype.kind, DataType.long)
        for _ in column.shape:
            found = Array(found)
        return found

    columns: list[ColSpec | TensorSpec] = [
        ColSpec(kind(np.asarray(column[0])), name) for name, column in example.items()
    ]
    scores: list[ColSpec | TensorSpec] = [
        ColSpec(Array(DataType.double) if predicted[name].dtype == object else DataType.double, name)
        for name in predicted.columns
    ]
    return ModelSignature(inputs=Schema(columns), outputs=Schema(scores))


def _plain(column: Sequence[Any] | np.ndarray) -> list[Any]:
    """The numbers and lists of a column, without NumPy."""
    return [np.asarray(value).tolist() for value in column]


class ServedModel:
    """The model that `mlflow.pyfunc.load_model` returns.

    Parameters
    ----------
    components : of the run, with its best weights.
    """

    def __init__(self, components: Components) -> None:
        self.components, self.data = components, _table_data(components)

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The columns of predictions.parquet, `score_<class>` for a classifier, one row per example.

        Parameters
        ----------
        data : one row per example, with the columns of the data set's store except the label, in its units (`hepexp
            data show`): for `qg` the lists pt, y, phi, pdgid. Of files of one's own, those of their columns that the
            model needs, as in the files.

        Raises
        ------
        DataError : a column is missing, or holds unphysical values.
        """
        info = self.data.info
        examples = info.examples_of(data)
        layout = info.layout.with_extras_of(examples)
        loader = self.data.predict_dataloader(Store(layout, [examples], paths=[Path(ORIGIN)]))
        outputs = predict(self.components, loader)
        table = self.components.module.objective.evaluator.table(outputs, self.data.spec.class_names)
        return table.drop_columns([name for name in ("index", "label") if name in table.column_names]).to_pandas()


def _load_pyfunc(data_path: str) -> ServedModel:
    """MLflow's entry point: the model in a folder written by `save`."""
    folder = RunFolder(Path(data_path))
    config = folder.config
    for key, value in flatten(content_of(config)).items():
        if key.rpartition(".")[2] in _FILE_KEYS and isinstance(value, str) and value.startswith(f"{FILES}/"):
            OmegaConf.update(config, key, str(Path(data_path) / value))
    return ServedModel(rebuild(folder, config, "best"))
