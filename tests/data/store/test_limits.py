"""What no particle, jet or pixel has is refused, in every column of every data set; files without labels are read.

A number just outside each limit is put into one example after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.formats.open_file import open_file
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.store.ragged import ENDS, NO_LABEL, Ragged
from hepexp.errors import DataError
from tests.data.datasets import published_formats
from tests.data.small import SAMPLES, use_small_samples

CASES = [
    pytest.param(data_set.info, sample, name, id=f"{data_set.info.name}-{name}")
    for data_set, sample in SAMPLES.items()
    for name in data_set.info.layout.limits
]


def in_float64(examples: Ragged) -> Ragged:
    """The same examples in a type that holds what the layout's cannot."""
    columns = {name: column.astype(np.float64) for name, column in examples.elements.items()}
    extras = {name: column.astype(np.float64) for name, column in examples.extras.items()}
    edges = None if examples.edges is None else in_float64(examples.edges)
    return replace(examples, elements=columns, extras=extras, edges=edges)


@pytest.mark.parametrize(("info", "sample", "name"), CASES)
def test_a_number_outside_its_limits_is_refused(info: DatasetInfo, sample: Callable[[int], Ragged], name: str):
    layout, allowed = info.layout, info.layout.limits[name]
    of_places = {f"edges.{end}" for end in ENDS if layout.edges}
    assert set(layout.limits) == set(layout.names) - {"label"} - of_places  # every column has some
    info.check(sample(20), "a", 0)
    step = 1 if allowed.whole else max(abs(allowed.low), abs(allowed.high)) * 1e-6
    wrong = [allowed.low - step, allowed.high + step, np.nan, np.inf, *([allowed.low + 0.5] if allowed.whole else [])]
    for row, value in enumerate(wrong):
        examples = in_float64(sample(20))
        of = examples.given_edges if name in layout.edge_names else examples
        column = of[layout.edge_names.get(name, name)]
        column[row if name in layout.extras else of.offsets[row]] = value
        with pytest.raises(DataError, match=rf"^a: \w+ {100 + row} has .*\b{name} = .*; expected .* to ") as error:
            info.check(examples, "a", 100)
        assert "\n" not in str(error.value)


def without(path: Path, *keys: str) -> Path:
    with h5py.File(path, "a") as file:
        for key in keys:
            del file[key]
    return path


def of_top(folder: Path) -> Path:
    import pickle

    path = folder / "a.h5"
    published_formats.write_top(path, 9)
    with h5py.File(path, "a") as file:
        names = np.bytes_(pickle.dumps(["ttv", "other"], 0))
        file["table/table"].attrs["values_block_1_kind"] = names
    return path


def of_jetclass(write: Callable, folder: Path, name: str) -> Path:
    counts, particles, jets = published_formats.jetclass_columns(9)
    write(folder / name, counts, particles, {key: v for key, v in jets.items() if not key.startswith("label")})
    return folder / name


def of_crops(folder: Path) -> Path:
    published_formats.write_electron_photon_hdf5(folder / "a.h5", 9)
    return without(folder / "a.h5", "y")


def of_images(folder: Path) -> Path:
    published_formats.write_qg_hdf5(folder / "a.hdf5", 9)
    return without(folder / "a.hdf5", "y")


def of_images_in_parquet(folder: Path) -> Path:
    import pyarrow.parquet as pq

    published_formats.write_qg_parquet(folder / "a.parquet", 9)
    pq.write_table(pq.read_table(folder / "a.parquet").drop_columns(["y"]), folder / "b.parquet")
    return folder / "b.parquet"


def of_digits(folder: Path) -> Path:
    path, _, _ = published_formats.write_idx(folder, 9)
    (folder / "train-labels-idx1-ubyte").unlink()
    return path


UNLABELLED = {
    "top": of_top,
    "jetclass": lambda folder: of_jetclass(published_formats.write_jetclass_root, folder, "a.root"),
    "jetclass, Parquet": lambda folder: of_jetclass(published_formats.write_jetclass_parquet, folder, "a.parquet"),
    "electron_photon": of_crops,
    "qg_images": of_images,
    "qg_images, Parquet": of_images_in_parquet,
    "mnist": of_digits,
}
INFOS: dict[str, DatasetInfo] = {data_set.info.name: data_set.info for data_set in SAMPLES}


@pytest.mark.parametrize("kind", UNLABELLED)
def test_a_file_without_labels_is_read_where_none_are_needed(kind: str, tmp_path: Path):
    path, info = UNLABELLED[kind](tmp_path), INFOS[kind.partition(",")[0]]
    with pytest.raises(DataError, match="missing"):
        open_file(info, path)
    store = open_file(info, path, needs_label=False)
    assert store.label.tolist() == [NO_LABEL] * 9


def test_examples_without_labels_become_batches_without_labels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    use_small_samples(monkeypatch)
    data: HepDataModule = JetClass(source="mini", classes=["Hbb", "QCD"], seed=0)
    data.prepare_data()
    data.setup()
    ((batch,),) = data.loaders_of_file(UNLABELLED["jetclass"](tmp_path))
    assert torch.equal(batch.label, torch.full((9,), NO_LABEL))
