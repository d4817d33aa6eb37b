"""Files larger than the memory that may be used: conversion and training stay small, and image and label together.

Slow: writes two files of 8 GB. pytest -m slow -s tests/data/test_out_of_core.py
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.qg_images.info import INFO
from tests.data.datasets.published_formats import jet_images, write_qg_hdf5, write_qg_parquet

MEMORY = 1.5e9  # bytes
GIGABYTES = float(os.environ.get("HEPEXP_TEST_GIGABYTES", "8"))


def run(home: Path, *words: str) -> tuple[float, float]:
    """Seconds and peak resident bytes of a command."""
    env = {**os.environ, "HEPEXP_DATA_DIR": str(home / "data"), "HEPEXP_RUNS_DIR": str(home / "runs")}
    env.pop("HEPEXP_STORE_DIR", None)
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "hepexp", *words], env=env)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - start, usage.ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hdf5", "parquet"])
def test_eight_gigabytes_are_converted_and_trained_in_little_memory(tmp_path: Path, kind: str):
    folder = tmp_path / "data" / "qg_images"
    folder.mkdir(parents=True)
    if kind == "hdf5":
        path, n = folder / INFO.releases[0][0].files[0].name, int(GIGABYTES * 1e9 / 187_512) + 1
        write_qg_hdf5(path, n, non_zero=750)
        paths = [path]
    else:
        paths = [folder / part.files[0].name for part in INFO.releases[1]]
        each = int(GIGABYTES * 1e9 / 375_024 / 3) + 1
        n = 3 * each
        for i, path in enumerate(paths):
            write_qg_parquet(path, each, seed=i * each, non_zero=750, compression="none")
    size = sum(path.stat().st_size for path in paths)
    assert size > GIGABYTES * 1e9
    seconds, memory = run(tmp_path, "data", "convert", "qg_images")
    print(f"\n{kind}: {size / 1e9:.2f} GB, {n} images: {size / 1e6 / seconds:.0f} MB/s, peak {memory / 1e9:.2f} GB")
    assert memory < MEMORY
    assert sum(path.stat().st_size for path in folder.glob("*.arrow")) < size / 10
    words = ("model=cnn", "model.widths=[4,8]", "dataset.source=full", "trainer.max_epochs=1", "dataset.batch_size=128")
    seconds, memory = run(tmp_path, "train", "data=qg_images", *words)
    print(f"{kind}: an epoch over 80 % of it in {seconds:.0f} s, peak {memory / 1e9:.2f} GB")
    assert memory < MEMORY


def test_image_and_label_stay_together_through_conversion_and_shuffling(tmp_path: Path, monkeypatch):
    """Each image carries its own number in a pixel; labels, pT and mass are functions of it."""
    from hepexp.data.datasets.qg_images.module import QuarkGluonImages

    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    (tmp_path / "qg_images").mkdir()
    n = 90
    made = jet_images(n, non_zero=40)
    number = np.arange(n)
    made["X_jets"][:, 0, 0, 0] = number + 1
    made |= {"pt": 90.0 + number, "m0": number / 4, "y": (number * 7 % 5 < 2) * 1.0}
    import h5py

    with h5py.File(tmp_path / "qg_images" / INFO.releases[0][0].files[0].name, "w") as file:
        for key, values in made.items():
            file[key] = values
    data = QuarkGluonImages(source="full", extras=["pt", "m0"], batch_size=16, seed=3)
    data.prepare_data()
    data.setup()
    seen = []
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            pixel = data.representation._factor[0, 0, 0]
            which = (batch.image[:, 0, 0, 0].numpy() / pixel - 1).round().astype(int)
            np.testing.assert_array_equal(batch.label, made["y"][which])
            np.testing.assert_array_equal(batch.index, which)
            extras = batch.extras.numpy() * data._extras.std + data._extras.mean
            np.testing.assert_allclose(extras, np.stack([made["pt"], made["m0"]], 1)[which], rtol=1e-4, atol=1e-3)
            seen += which.tolist()
    assert len(set(seen)) == len(seen) >= 82  # an incomplete training batch is left out


def test_resident_memory_is_handed_back(tmp_path: Path):
    """Reading every page of a mapped file does not leave them in the process."""
    from hepexp.data.datasets.mnist.info import LAYOUT as MNIST_LAYOUT
    from hepexp.data.store import arrow_file, store
    from hepexp.data.store.images import from_dense

    images = from_dense(np.zeros(4000), np.ones((4000, *MNIST_LAYOUT.shape), np.float32))
    arrow_file.write(tmp_path / "a.arrow", MNIST_LAYOUT, [images], {})
    opened = store.Store.open(MNIST_LAYOUT, tmp_path / "a.arrow")
    before = resident()
    for start in range(0, 4000, 100):
        opened.take(np.arange(start, start + 100))
    opened._touched = store.RESIDENT
    opened.take([0])
    assert resident() - before < (tmp_path / "a.arrow").stat().st_size / 4


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
