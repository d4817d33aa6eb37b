"""Jet images keep the momentum, and do not change under what the physics does not depend on."""

import numpy as np
import pytest
import torch

from hepexp.data.physics.kinematics import sums
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import ConfigError
from tests.data.small import cone, represented, with_momenta


def image(jets: Ragged, **keys) -> np.ndarray:
    return represented(JetImage(**keys), with_momenta(jets)).image.numpy()


def moved(jets: Ragged, y: np.ndarray, phi: np.ndarray) -> Ragged:
    return Ragged(jets.label, jets.offsets, {"pt": jets["pt"], "y": y, "phi": phi})


def around_hardest(jets: Ragged) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places of the hardest particle, and of all particles from there, as y, phi."""
    first = np.array([a + np.argmax(jets["pt"][a:b]) for a, b in zip(jets.offsets, jets.offsets[1:], strict=False)])
    y, phi = (np.repeat(jets[name][first], jets.counts) for name in ("y", "phi"))
    return y, phi, jets["y"] - y, jets["phi"] - phi


def off_the_borders(before: np.ndarray, after: np.ndarray) -> None:
    """Equal but where rounding took a particle on a border of two pixels to the other: at most one image in fifty."""
    same = np.isclose(before, after, rtol=1e-5, atol=1e-6).all(axis=(1, 2, 3))
    assert same.mean() >= 0.98


@pytest.mark.parametrize("centre", [False, True])
def test_all_momentum_inside_the_window_is_in_the_image(centre: bool):
    jets = cone(50)
    wide = image(jets, width=2.0, normalise=False, centre=centre)
    np.testing.assert_allclose(wide.sum((1, 2, 3)), sums(jets["pt"], jets), rtol=1e-6)
    np.testing.assert_allclose(image(jets, width=2.0, centre=centre).sum((1, 2, 3)), 1, rtol=1e-6)


def test_what_is_outside_the_window_is_left_out():
    jets = cone(50)
    _, _, dy, dphi = around_hardest(jets)
    inside = (abs(dy) < 0.15) & (abs(dphi) < 0.15)
    found = image(jets, width=0.3, normalise=False, centre=True).sum((1, 2, 3))
    np.testing.assert_allclose(found, sums(jets["pt"] * inside, jets), rtol=1e-5)


def test_the_multiplicity_counts_particles():
    jets = cone(50)
    both = image(jets, width=2.0, channels=["multiplicity", "pt"])
    np.testing.assert_array_equal(both[:, 0].sum((1, 2)), jets.counts)
    np.testing.assert_array_equal(both[:, 1:], image(jets, width=2.0))


@pytest.mark.parametrize("n_pixels", [3, 201, 50_001])
def test_pixels_are_numbered_row_by_row_in_large_images_too(n_pixels):
    columns = {name: np.array([value]) for name, value in (("pt", 9.0), ("y", 0.3), ("phi", 1.0))}
    one = Ragged(np.zeros(1, np.int8), np.array([0, 1]), columns)
    (pixel,) = JetImage(n_pixels).encode(with_momenta(one))["pixel"]
    assert pixel == n_pixels * (n_pixels // 2) + n_pixels // 2


def test_a_particle_is_in_the_pixel_of_its_place():
    # the centre is on the first; rows are rapidity, columns azimuth, across the seam of phi
    columns = {"pt": [9.0, 4.0, 2.0], "y": [0.3, 0.4, 0.3], "phi": [np.pi - 0.01, np.pi - 0.01, -np.pi + 0.14]}
    jets = Ragged(np.zeros(1, np.int8), offsets_of(np.array([3])), {k: np.array(v) for k, v in columns.items()})
    found = image(jets, n_pixels=5, width=0.5, centre=True, normalise=False)[0, 0]
    expected = np.zeros((5, 5))
    expected[2, 2], expected[3, 2], expected[2, 4] = 9, 4, 2
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("steps", [{}, {"centre": True, "rotate": True, "flip": True}])
def test_boosts_along_the_beam_and_turns_around_it_change_nothing(steps: dict):
    jets = cone(100)
    off_the_borders(image(jets, **steps), image(moved(jets, jets["y"] + 1.3, jets["phi"] + 2.9), **steps))


@pytest.mark.parametrize("angle", [0.4, 1.57, 3.0, 5.5])
@pytest.mark.parametrize("flip", [False, True])
def test_a_jet_that_is_turned_around_its_centre_keeps_its_image(angle: float, flip: bool):
    jets = cone(100, fewest=3)
    y, phi, dy, dphi = around_hardest(jets)
    turned = moved(jets, y + np.cos(angle) * dy - np.sin(angle) * dphi, phi + np.sin(angle) * dy + np.cos(angle) * dphi)
    steps = {"centre": True, "rotate": True, "flip": flip, "width": 1.6}
    off_the_borders(image(jets, **steps), image(turned, **steps))
    assert not np.allclose(image(jets, centre=True), image(turned, centre=True))


@pytest.mark.parametrize("signs", [(-1, 1), (1, -1), (-1, -1)])
@pytest.mark.parametrize("steps", [{}, {"centre": True}, {"centre": True, "rotate": True}], ids=str)
def test_a_mirrored_jet_keeps_its_image(signs: tuple, steps: dict):
    jets = cone(100, fewest=3)
    mirrored = moved(jets, signs[0] * jets["y"], signs[1] * jets["phi"])
    off_the_borders(image(jets, flip=True, **steps), image(mirrored, flip=True, **steps))


def test_after_all_steps_the_jet_stands_upright_with_the_heavier_half_up_and_right():
    jets = cone(50, fewest=5)
    steps = {"centre": True, "rotate": True, "flip": True}
    found = image(jets, width=2.0, n_pixels=101, **steps)[:, 0]
    place = np.arange(101) - 50
    along, across = (found * place[:, None] ** 2).sum((1, 2)), (found * place**2).sum((1, 2))
    assert (along >= across * 0.99).all()
    quarters = image(jets, width=4.0, n_pixels=2, **steps)[:, 0]
    # the hardest particle lies on the border, and is counted on neither side
    hardest = np.maximum.reduceat(jets["pt"], jets.offsets[:-1]) / sums(jets["pt"], jets)
    for axis in (1, 2):
        low, high = quarters.sum(3 - axis).T
        assert (high - hardest >= low - 1e-6).all()


@pytest.mark.parametrize("steps", [{}, {"centre": True, "rotate": True, "flip": True}])
def test_a_jet_of_one_particle_is_one_pixel_in_the_centre(steps: dict):
    found = image(cone(20, most=1), **steps)
    expected = np.zeros((20, 1, 33, 33))
    expected[:, :, 16, 16] = 1
    np.testing.assert_allclose(found, expected)


def test_particles_along_the_beam_leave_the_image_finite():
    jets = with_momenta(cone(2, fewest=2))
    jets["p4"][: jets.offsets[1]] = [5, 0, 0, 5]  # all of the first jet
    batch = represented(JetImage(centre=True, rotate=True, flip=True), jets)
    assert torch.isfinite(batch.image).all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_pixels": 0}, "needs n_pixels >= 1 and width > 0, got 0 and 0.8"),
        ({"width": 0.0}, "needs n_pixels >= 1 and width > 0"),
        ({"channels": ["charge"]}, r"dataset.image.channels must be one or both of pt, multiplicity, got \['charge'\]"),
        ({"channels": []}, "dataset.image.channels must be one or both of pt, multiplicity"),
    ],
)
def test_what_cannot_be_drawn_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        JetImage(**keys)
