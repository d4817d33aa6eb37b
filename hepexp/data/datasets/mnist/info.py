"""Handwritten digits: the full MNIST if its files are present, otherwise the 1,797 digits shipped with scikit-learn."""

from __future__ import annotations

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_images
from hepexp.data.store.images import from_dense, images
from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Ragged

LAYOUT = images(1, 28, 28, Limits(0, 1))


DIGITS = tuple(str(digit) for digit in range(10))
_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def scikit_learn_digits() -> Ragged:
    """1,797 digits of 8 x 8 pixels, enlarged by three and padded by two pixels on each side to 28 x 28.

    This is a different set (E. Alpaydin and C. Kaynak, UCI 1998), in the same format as MNIST but easier to classify.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    large = np.kron(digits.images, np.ones((3, 3))) / 16
    return from_dense(digits.target, np.pad(large, ((0, 0), (2, 2), (2, 2)))[:, None].astype(np.float32))


def _part(split: str, prefix: str, n: int, *files: tuple[str, int, str]) -> Part:
    return Part(
        prefix,
        tuple(
            PublishedFile(f"{prefix}-{kind}-ubyte.gz", md5=md5, size=size, urls=(f"{_MIRROR}{prefix}-{kind}-ubyte.gz",))
            for kind, size, md5 in files
        ),
        split,
        n,
    )


INFO = DatasetInfo(
    name="mnist",
    about="handwritten digits, 28 x 28 pixels, ten classes",
    noun="image",
    classes=DIGITS,
    layout=LAYOUT,
    units="grey value in [0, 1] of each non-zero pixel",
    cite="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86 (1998) 2278",
    licence="CC BY-SA 3.0; scikit-learn's digits: CC BY 4.0",
    size="4 files, 70,000 images, 11 MB",
    published_at="PyTorch's mirror on Amazon S3",
    releases=(
        (
            _part(
                "train",
                "train",
                60_000,
                ("images-idx3", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
                ("labels-idx1", 28881, "d53e105ee54ea40749a09fcbcd1e9432"),
            ),
            _part(
                "test",
                "t10k",
                10_000,
                ("images-idx3", 1648877, "9fb629c4189551a2d022fa330f9573f3"),
                ("labels-idx1", 4542, "ec29112dd5afa0611ce80d1b7f02629c"),
            ),
        ),
    ),
    readers={".idx": "hepexp.data.datasets.mnist.reader:read"},
    check=check_images(DIGITS, LAYOUT),
    mini=scikit_learn_digits,
    mini_about={"made_from": "scikit-learn", "command": "scikit-learn's 1,797 digits, 8 x 8, enlarged to 28 x 28"},
)
