"""Points on two rings, made by a few lines of code: nobody publishes them."""

from __future__ import annotations

import numpy as np

from hepexp.data.check import check_points
from hepexp.data.collection import Collection
from hepexp.data.generate import rotated_points
from hepexp.data.layouts import POINTS
from hepexp.data.pictures.point_view import PointView
from hepexp.data.ragged import Ragged
from hepexp.data.summary import Values

_N, _SEED = 20_000, 1  # of the sample that is made on the spot


def sample() -> Ragged:
    """The points of the sample, as many of each class."""
    n = _N // len(rotated_points.CLASSES)
    return Ragged.concatenate(rotated_points.make_block(kind, _SEED, 0, n) for kind in rotated_points.CLASSES)


def values(points: Ragged) -> Values:
    """What characterises points."""
    x, y = points["x"].astype(np.float64), points["y"].astype(np.float64)
    return {"radius": np.hypot(x, y), "angle [rad]": np.arctan2(y, x), "x": x, "y": y}


COLLECTION = Collection(
    name="rotated_points",
    about="points of the plane on an inner (0) or an outer ring (1), all angles equally likely: symmetric under SO(2)",
    noun="point",
    classes=rotated_points.CLASSES,
    layout=POINTS,
    units="coordinates x, y without unit",
    cite="made for hepexp, after the rotated data of J. Yang et al., arXiv:2302.00236",
    licence="MIT, as hepexp",
    forms=(),
    readers={},
    check=check_points(rotated_points.CLASSES),
    values=values,
    view=PointView(2.4),
    size="made at any size",
    published_at="nobody",
    generator="hepexp.data.generate.rotated_points",
    mini=sample,
    mini_about={"source": "generate", "command": f"hepexp data generate rotated_points --n {_N} --seed {_SEED}"},
)
