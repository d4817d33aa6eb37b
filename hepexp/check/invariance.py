"""How far a data set is from being invariant under a group: can moved examples be told from others?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch, ImageBatch, JetBatch
from hepexp.check.groups import move_of
from hepexp.check.two_sample import TwoSampleTest, told_apart
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.points import Points
from hepexp.errors import ConfigError

HARDEST = 5  # particles of a jet whose momenta the classifier sees, beside that of the jet
SIDE = 8  # pixels of a side, of what it sees of an image
TINY = 1e-12


def invariance(
    data: HepDataModule,
    group: str,
    n: int,
    rapidity: float,
    seed: int,
    done: Callable[[], None] = lambda: None,
) -> tuple[TwoSampleTest, int]:
    """Move a random half of some training examples, and test whether a classifier tells it from the other half.

    Each example is moved by an element of its own. The classifier knows the label, so it sees whether the
    distribution of each class is invariant. Of a jet it sees the momentum, and those of its five hardest particles, in
    Cartesian components, pT, rapidity, azimuth and mass; of an image means over pixels.

    Parameters
    ----------
    data : data set, before `setup`.
    group : a name in `hepexp.check.groups`.
    n : examples.
    rapidity : largest, of boosts.

    Returns
    -------
    The test, and the number of examples.

    Raises
    ------
    ConfigError : the group does not act on these data, or the examples are too few.
    """
    data.represent_as(_representation(data))
    data.prepare_data()
    data.setup()
    x, label = _vectors(data, n, seed)
    if len(x) < 20:
        raise ConfigError(f"a two-sample test needs 20 examples or more, {data.info.name} gives {len(x)}")
    dimension = 0 if data.representation.name == "image" else x.shape[-1]
    move = move_of(group, dimension, data.info.name)
    random = np.random.default_rng([seed, 1])  # not the numbers that chose the examples
    which = random.permutation(np.arange(len(x)) % 2 == 1)
    x[which] = move(x[which], rapidity, random)
    features = np.column_stack([_seen(x, dimension), label])
    return told_apart(features, which, seed, done), len(x)


def _representation(data: HepDataModule) -> str:
    """That in which a group acts on the examples.

    Raises
    ------
    ConfigError : there is none.
    """
    has_points = any(isinstance(one, Points) for one in data._representations.values())
    offered = ("image", "features") if data.info.layout.shape else ("particles", "features")
    for name in offered:
        if name in data.representations and (name != "features" or has_points):
            return name
    raise ConfigError(f"{data.info.name} has no particles, images or vectors that a group could move")


def _vectors(data: HepDataModule, n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vectors (n, K, d), or images (n, C, H, W), of random training examples, and their labels."""
    rows = data.splits["train"].rows
    rows = np.sort(np.random.default_rng(seed).choice(rows, min(n, len(rows)), replace=False))
    parts, labels = [], []
    for batch in data.loader_of_rows(rows):
        match batch:
            case JetBatch():
                parts.append(batch.p4.numpy())
            case ImageBatch():
                parts.append(batch.image.double().numpy())
            case FeatureBatch():
                parts.append(batch.features.double().numpy()[:, None])
        labels.append(batch.label.numpy())
    if data.representation.name == "particles":
        most = max(part.shape[1] for part in parts)
        parts = [np.pad(part, ((0, 0), (0, most - part.shape[1]), (0, 0))) for part in parts]
    return np.concatenate(parts), np.concatenate(labels)


def _seen(x: NDArray[np.float64], dimension: int) -> NDArray[np.float64]:
    """What the classifier sees (n, F)."""
    if dimension == 0:
        side = min(SIDE, *x.shape[2:])
        return torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x), side).flatten(1).numpy()
    if x.shape[1] > 1:  # the particles of a jet
        order = np.argsort(-np.hypot(x[..., 1], x[..., 2]), axis=1)[:, :HARDEST]
        x = np.concatenate([x.sum(1, keepdims=True), np.take_along_axis(x, order[..., None], axis=1)], axis=1)
    if dimension != 4:
        return np.column_stack([x.reshape(len(x), -1), np.linalg.norm(x, axis=2)])
    energy, px, py, pz = np.moveaxis(x, 2, 0)
    mass = np.sqrt(np.abs(energy**2 - px**2 - py**2 - pz**2))
    pt = np.hypot(px, py)
    y = np.arcsinh(pz / np.maximum(np.hypot(pt, mass), TINY))
    return np.column_stack([x.reshape(len(x), -1), pt, y, np.arctan2(py, px), mass])
