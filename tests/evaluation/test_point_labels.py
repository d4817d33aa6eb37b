"""Names beside points stay in the axes, and are clear of each other and of the points where there is room."""

from itertools import combinations

import numpy as np
import pytest

from hepexp.evaluation.plots.point_labels import LETTERS, label_points
from hepexp.figures import figure


def labelled(path, points, xlim=(-0.05, 1.05)):
    """The boxes of the axes and of the names, and the places of the points, in pixels."""
    with figure(path, 4.6, 3.6) as drawing:
        axes = drawing.subplots()
        axes.plot(*zip(*points.values(), strict=True), "o", markersize=4)
        axes.set(xlim=xlim, ylim=(0.005, 10), yscale="log")
        label_points(axes, points)
        drawing.draw_without_rendering()
        boxes = {note.get_text(): note.get_window_extent() for note in axes.texts if note.get_text()}
        return axes.get_window_extent(), boxes, axes.transData.transform(list(points.values()))


@pytest.mark.parametrize("seed", range(3))
def test_names_of_a_crowd_do_not_overlap(tmp_path, seed):
    rng = np.random.default_rng(seed)
    points = {
        f"sim_{k}": (x, 10**y) for k, (x, y) in enumerate(zip(rng.random(22), rng.uniform(-2, 0.6, 22), strict=True))
    }
    points |= {"first": (0.0, 0.2), "second": (0.0, 0.2), "last": (1.0, 9.0)}  # in corners, and one on another
    whole, boxes, places = labelled(tmp_path / "a.png", points)
    assert list(boxes) == list(points)
    for box in boxes.values():
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1
        assert not any(box.contains(*place) for place in places)
    assert not any(one.overlaps(other) for one, other in combinations(boxes.values(), 2))


def test_a_lonely_name_is_beside_its_point(tmp_path):
    _, boxes, [(x, y)] = labelled(tmp_path / "a.png", {"mine": (0.5, 0.1)})
    box = boxes["mine"]
    assert x < box.x0 < x + 10 * 100 / 72  # ten points, at 100 pixels an inch
    assert box.y0 < y < box.y1


def test_a_long_name_is_cut_and_stays_inside(tmp_path):
    whole, boxes, _ = labelled(tmp_path / "a.png", {"n" * 100: (1.0, 9.0)})
    ((name, box),) = boxes.items()
    assert name == "n" * (LETTERS - 1) + "…"
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
