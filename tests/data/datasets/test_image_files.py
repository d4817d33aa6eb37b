"""Images in one's own files: the pixels of the array, whatever its axes, and one clear line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepexp.cli.main import main
from hepexp.data.datasets.files.images import ImageFiles
from hepexp.errors import HepexpError

N, SHAPE = 30, (2, 9, 12)
random = np.random.default_rng(5)
IMAGES = (random.uniform(-1, 1, (N, *SHAPE)) * (random.uniform(size=(N, *SHAPE)) < 0.2)).astype(np.float32)
IMAGES[3] = 0
LABEL = np.arange(N) % 2
CLASSES = {"classes": {"pion": 0, "photon": 1}, "label": "y"}


@pytest.fixture(autouse=True)
def own_folder(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ready(**keys) -> ImageFiles:
    data = ImageFiles(**{"files": ["a.h5"], "seed": 1, **CLASSES, **keys})
    data.prepare_data()
    data.setup()
    return data


def write(name: str = "a.h5", **columns: np.ndarray) -> None:
    with h5py.File(name, "w") as file:
        for key, column in {"y": LABEL, **columns}.items():
            file[key] = column


@pytest.mark.parametrize(
    ("columns", "keys", "expected"),
    [
        ({"img": IMAGES}, {"pixels": "img"}, IMAGES),
        ({"img": np.moveaxis(IMAGES, 1, 3)}, {"pixels": "img"}, IMAGES),
        ({"img": IMAGES[:, 0]}, {"pixels": "img"}, IMAGES[:, :1]),
        ({"em": IMAGES[:, 0], "had-2": IMAGES[:, 1]}, {"pixels": ["em", "`had-2`"]}, IMAGES),
        ({"img": IMAGES}, {"pixels": "img", "channel_axis": "last"}, np.moveaxis(IMAGES, 3, 1)),
        ({"img": IMAGES}, {"pixels": ["img"], "channels": ["img[1]"]}, IMAGES[:, 1:]),
        ({"img": np.repeat(IMAGES, 50, axis=3)}, {"pixels": "img"}, np.repeat(IMAGES, 50, axis=3)),
    ],
    ids=["channels first", "channels last", "one channel", "an array each", "as told", "chosen", "large"],
)
def test_the_pixels_are_those_of_the_array(columns, keys, expected):
    write(**columns)
    data = ready(**keys)
    found = np.zeros_like(expected)
    for examples in data.splits.values():
        batch = examples[range(len(examples))]
        found[batch.index.numpy()] = batch.image.numpy() / data.representation._factor
        assert torch.equal(batch.label, torch.from_numpy(LABEL)[batch.index])
    assert np.allclose(found, expected, rtol=1e-6, atol=0)
    assert data.spec.image_shape == expected.shape[1:]


def test_a_pixel_of_a_large_image_keeps_its_place():
    large = np.zeros((N, 300, 300), np.float32)
    large[:, 299, 298] = 1 + np.arange(N)
    write(img=large)
    data = ready(pixels="img")
    assert (data.store.take(np.arange(N)).elements["position"] == 299 * 300 + 298).all()


BAD = {
    "missing": ({"pixels": "imgs"}, "dataset.pixels: no column 'imgs' in"),
    "a number": ({"pixels": "y"}, "dataset.pixels: 'y' is a number in"),
    "expression": ({"pixels": "img * 2"}, "dataset.pixels must name columns, each an array of pixels per example, got"),
    "none": ({"pixels": []}, "dataset.pixels must name one or more columns that hold the images, got none"),
    "twice": ({"pixels": ["flat", "flat"]}, "dataset.pixels must name each only once, got flat, flat"),
    "sizes": ({"pixels": ["flat", "img"]}, "dataset.pixels: 'img' is an array (2, 9, 12) and 'flat' (9, 12) in"),
    "axis": ({"pixels": "cube"}, "dataset.channel_axis must be first or last, as either may be that of the channels"),
    "no axis": ({"pixels": "flat", "channel_axis": "last"}, "dataset.channel_axis must be null, as 'flat' is an array"),
    "NaN": ({"pixels": "bad"}, "a.h5: row 7 has a pixel with value = nan; expected a finite number"),
    "another size": (
        {"pixels": "img", "files": ["?.h5"]},
        "b.h5: 'img' has images of (1, 9, 9) (channels, rows, colum",
    ),
}


@pytest.mark.parametrize(("keys", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_one_line(keys, message):
    bad = IMAGES.copy()
    bad[7, 1, 3, 4] = np.nan
    write(img=IMAGES, flat=IMAGES[:, 0], bad=bad, cube=np.ones((N, 9, 9, 9), np.float32))
    write("b.h5", img=IMAGES[:, 0, :, :9])
    with pytest.raises(HepexpError) as error:
        ready(**keys)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_images_without_labels_are_scored_in_their_order_empty_ones_too():
    write(img=IMAGES)
    data = ready(pixels="img")
    with h5py.File("new.h5", "w") as file:
        file["img"], file["other"] = IMAGES[::-1], np.zeros(N)
    (loader,) = data.loaders_of_file(Path("new.h5"))
    found = {int(row): image for batch in loader for row, image in zip(batch.index, batch.image, strict=True)}
    assert sorted(found) == list(range(N))
    for row, image in found.items():
        assert np.allclose(image.numpy() / data.representation._factor, IMAGES[N - 1 - row], rtol=1e-6, atol=0)


def test_what_inspect_writes_of_images_is_a_data_set_without_edits(capsys):
    write(img=np.moveaxis(IMAGES, 1, 3), evt=np.arange(N))
    assert main(["data", "inspect", "a.h5", "--write", "conf/dataset/mine.yaml"]) == 0
    assert "model=cnn data=mine" in Path("conf/dataset/mine.yaml").read_text()
    capsys.readouterr()
    assert main(["data", "show", "mine", "--no-pictures", "--config-dir", "conf"]) == 0
    assert "sum of img[1]" in capsys.readouterr().out
