"""The keys that all files of one's own have in common, whatever their examples are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hepexp.data.datasets.files import stand_in
from hepexp.data.datasets.files.features import FileExtras
from hepexp.data.datasets.files.info import DEFAULT_FRACTIONS, FilesInfo
from hepexp.data.datasets.files.keys import Keys, keys_of
from hepexp.data.loading.datamodule import MOST_OF_SAMPLE, HepDataModule
from hepexp.data.store.ragged import Ragged


class OwnFiles(HepDataModule):
    """Examples in one's own ROOT, HDF5, Parquet, Arrow or NumPy files.

    Columns are named by expressions such as `log(jet_pt)`: names of columns (in backquotes where they have other
    characters than letters, digits, _ and .), numbers, + - * / **, comparisons, & | ~, and functions. `hepexp data
    inspect FILE` shows the columns of a file.

    A base before that of the kind of examples.

    Parameters
    ----------
    files : file names and patterns such as [qcd/*.root, top/*.root]; {CLASS: [...]} where each class has files of its
        own; {train: [...], val: [...], test: [...]} for files of each split, which can be divided by class again.
    tree : ROOT tree, or HDF5 group or array; null where there is one.
    classes : an expression that is 1 or true for examples of each class, such as {QCD: label_QCD, top: label_top}; or,
        with `label`, its value or values. Examples of no class are left out.
    label : column of whole numbers, for which `classes` gives the value of each class, or a list of its values.
    targets : real numbers to predict for each example, for losses that do: expressions, or {NAME: expression}.
    extras : additional inputs for each example: expressions, standardised to mean 0 and variance 1 over the training
        examples (values in the tails aside) and clipped to [-5, 5]; or {expr: ..., shift: ..., scale: ..., clip: [LOW,
        HIGH], pad: ...}, where `clip: null` is no limit, and all values then have a part in the scale. `pad` is the
        scaled value that stands for NaN and infinite ones; without it, these are refused.
    selection : condition for examples to be used; null for all.
    weight : weight of each example, which may be negative: an expression; null for none.
    event_id : what tells events apart: column, or list of columns; null for the name of the file and the row.
    fractions : fraction of train, val and test, by a hash of the event, so that further files move none of them.
    stand_in : file of a few examples in place of `files`, as a registered model brings it, or a file to be scored; null
        to read the files.
    """

    # targets and extras of other data sets are names of columns
    files: str | Sequence[str] | Mapping[str, str | Sequence[str] | Mapping[str, str | Sequence[str]]]
    tree: str | None = None
    classes: Mapping[str, str | float | Sequence[float]] | None = None
    label: str | None = None
    targets: Sequence[str] | Mapping[str, str] | None = None  # type: ignore[assignment]  # wider
    extras: Sequence[str | Mapping[str, str | float | Sequence[float] | None]] = ()  # type: ignore[assignment]  # wider
    selection: str | None = None
    event_id: str | Sequence[str] | None = None
    fractions: Mapping[Literal["train", "val", "test"], float] | None = None
    stand_in: str | None = None

    info: FilesInfo = field(init=False)
    source: Literal["full"] = field(default="full", init=False)
    n_generate: int = field(default=10, init=False)
    generate_seed: int = field(default=0, init=False)

    def open(self, **other: Any) -> Keys:
        """Parse the keys, some of which may be given another value, and describe the files by them."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        keys = keys_of(given | {"variables": getattr(self.reweight, "variables", ())} | other)
        instead = None if self.stand_in is None else Path(self.stand_in)
        self.info = FilesInfo("files", self.files, keys, self.fractions or DEFAULT_FRACTIONS, instead)
        self.extras = tuple(one.expr for one in keys.extras)
        self.observers = tuple(dict.fromkeys(map(str, (*keys.observers, *keys.event_id))))
        return keys

    def make_extras(self, examples: Ragged) -> FileExtras:
        return FileExtras(self.info.keys.extras, examples)

    def named_targets(self) -> dict[str, str]:
        stored = self.info.layout.extras
        return {name: name if name in stored else str(text) for name, text in self.info.keys.targets.items()}

    def portable_keys(self, folder: Path) -> dict[str, Any]:
        rows = self.splits["train"].rows[:MOST_OF_SAMPLE]
        rows = np.resize(rows, MOST_OF_SAMPLE)  # repeated where there are few, so that there are some in each split
        stand_in.write(folder / "examples.parquet", self.store, rows)
        whole = dict.fromkeys(("n_files", "n_train", "n_val", "n_test"))
        return {"stand_in": "examples.parquet", "num_workers": 0, **whole}

    def provenance(self) -> dict:
        """As of any data set, with the selection and the number of examples before and after each."""
        keys = self.info.keys
        return {
            **super().provenance(),
            "selection": keys.selection,
            "particle_selection": keys.particle_selection,
            "cut_flow": self.info.cut_flow(self.store),
        }
