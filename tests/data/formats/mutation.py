"""Damaged files: a reader refuses them in one line or gives examples that are whole, and never anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import DataError

Reader = Callable[[Path], Iterator[Ragged]]


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """The bytes of a file with some of them flipped, set to an extreme, cut off, taken out or put in."""
    result = bytearray(data)
    # headers are small and full of meaning, so half of the damage goes there
    reach = min(len(data), 4096) if random.random() < 0.5 else len(data)
    where = int(random.integers(reach))
    match random.integers(5):
        case 0:
            for at in random.integers(0, reach, random.integers(1, 20)):
                result[at] ^= 1 << int(random.integers(8))
        case 1:
            result[where : where + 8] = random.choice([b"\0", b"\x7f", b"\xff"]) * int(random.integers(1, 9))
        case 2:
            del result[where:]
        case 3:
            del result[where : where + int(random.integers(1, 64))]
        case 4:
            result[where:where] = random.bytes(int(random.integers(1, 64)))
    return bytes(result)


def check_whole(examples: Ragged, layout: Layout) -> None:
    """Assert that the columns have the layout's names, types and lengths, and finite values."""
    assert examples.label.dtype == np.int8
    assert (examples.label >= 0).all()
    assert list(examples.elements) == list(layout.elements)
    assert list(examples.extras) == list(layout.extras)
    assert examples.offsets[0] == 0
    assert (examples.counts > 0).all()
    assert len(examples.offsets) == len(examples) + 1
    for kinds, columns, length in (
        (layout.elements, examples.elements, examples.offsets[-1]),
        (layout.extras, examples.extras, len(examples)),
    ):
        for name, kind in kinds.items():
            assert columns[name].dtype == kind, name
            assert columns[name].shape == (length,), name
            assert np.isfinite(columns[name]).all(), name
    if layout.shape:
        assert examples["position"].max(initial=0) < np.prod(layout.shape)


def survives(read: Reader, path: Path, layout: Layout, count: int, seed: int, *, damaged: Path) -> int:
    """Read so many damaged copies of a file; how many of them were refused.

    Parameters
    ----------
    read : the reader, which may only raise DataError.
    path : the valid file; its damaged copies are written to `damaged`.
    """
    data, refused = path.read_bytes(), 0
    for i in range(count):
        damaged.write_bytes(mutated(data, np.random.default_rng([seed, i])))
        try:
            for examples in read(damaged):
                check_whole(examples, layout)
        except DataError as error:
            said = str(error)
        else:
            continue
        assert str(damaged) in said
        assert "\n" not in said
        refused += 1
    return refused
