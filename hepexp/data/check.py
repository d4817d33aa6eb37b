"""Whether examples are physics: finite numbers, at least one element, a label, momenta that a particle can have."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hepexp.data import species
from hepexp.data.ragged import Ragged
from hepexp.errors import DataError

Check = Callable[[Ragged, str, int], Ragged]


class Refusal:
    """Raises DataError for the first bad row or element, with its place.

    Parameters
    ----------
    examples : what was read.
    origin : name of the file, for the message.
    first_row : row of the first of these examples in the file.
    noun : what an example is called.
    """

    def __init__(self, examples: Ragged, origin: str, first_row: int = 0, noun: str = "jet") -> None:
        self.examples = examples
        self.origin = origin
        self.first_row = first_row
        self.noun = noun

    def of_rows(self, bad: NDArray[np.bool_], what: str) -> None:
        """Refuse examples (n,) that are bad; `what` continues the sentence 'jet 7 ...'."""
        if bad.any():
            raise DataError(f"{self.origin}: {self.noun} {self.first_row + int(np.argmax(bad))} {what}")

    def of_elements(self, bad: NDArray[np.bool_], what: Callable[[int], str] | str) -> None:
        """Refuse elements (m,) that are bad; `what` may depend on the first bad one's position."""
        if bad.any():
            element = int(np.argmax(bad))
            row = int(np.searchsorted(self.examples.offsets, element, side="right")) - 1
            text = what if isinstance(what, str) else what(element)
            raise DataError(f"{self.origin}: {self.noun} {self.first_row + row} {text}")

    def of_common(self, classes: tuple[str, ...], element: str = "particle") -> None:
        """Refuse labels outside the classes, examples without elements, and numbers that are not finite."""
        expected = ", ".join(f"{i} for {name}" for i, name in enumerate(classes))
        if len(classes) == 2:
            expected = f"1 for {classes[1]}, 0 for {classes[0]}"
        label = self.examples.label
        labels = "{0, 1}" if len(classes) == 2 else f"0 to {len(classes) - 1}"
        self.of_rows((label < 0) | (label >= len(classes)), f"has a label outside {labels}; expected {expected}")
        for name, column in self.examples.extras.items():
            self.of_rows(~np.isfinite(column), f"has a {name} of NaN or infinity; expected a finite number")
        finite = np.ones(self.examples.offsets[-1] - self.examples.offsets[0], bool)
        for column in self.examples.elements.values():
            if np.issubdtype(column.dtype, np.floating):
                finite &= np.isfinite(column)
        names = ", ".join(n for n, c in self.examples.elements.items() if np.issubdtype(c.dtype, np.floating))
        self.of_elements(~finite, f"has a {element} with NaN or infinity; expected finite {names}")


def check_qg(jets: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """The same jets of layout QG, if a model can be trained on them.

    Parameters
    ----------
    jets : what was read.
    origin : name of the file, for the message.
    first_row : row of the first of these jets in the file.

    Raises
    ------
    DataError : names the file and the first bad row, and says what was expected.
    """
    refuse = Refusal(jets, origin, first_row)
    refuse.of_rows(jets.counts == 0, "has no particles; expected at least one with pt > 0")
    refuse.of_common(("gluon", "quark"))
    refuse.of_elements(jets["pt"] <= 0, "has a particle with pt <= 0; expected pt > 0 in GeV")
    unknown = np.isnan(species.mass(jets["pdgid"]))
    refuse.of_elements(
        unknown, lambda i: f"has a particle of unknown pdgid {jets['pdgid'][i]}; expected one of hepexp.data.species"
    )
    return jets


def check_four_momenta(classes: tuple[str, ...], energy: str) -> Check:
    """A check of jets with columns px, py, pz and an energy of this name, as `check_qg`."""

    def check(jets: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(jets, origin, first_row)
        refuse.of_rows(jets.counts == 0, "has no particles; expected at least one with energy > 0")
        refuse.of_common(classes)
        refuse.of_elements(jets[energy] <= 0, f"has a particle with {energy} <= 0; expected an energy > 0 in GeV")
        # float32 components of a massless particle: the squared mass is lost in rounding, at most some 1e-6 of E^2
        squared = {name: jets[name].astype(np.float64) ** 2 for name in (energy, "px", "py", "pz")}
        momentum = squared["px"] + squared["py"] + squared["pz"]
        refuse.of_elements(
            momentum > squared[energy] * 1.001,
            f"has a particle with |p| > {energy}; expected a four-momentum in GeV, metric (+,-,-,-)",
        )
        return jets

    return check


def check_points(classes: tuple[str, ...]) -> Check:
    """A check of examples of one point each, as `check_qg`."""

    def check(points: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(points, origin, first_row, noun="point")
        refuse.of_rows(points.counts != 1, "has not one pair of coordinates; expected one x and one y")
        refuse.of_common(classes, element="coordinate")
        return points

    return check


def check_images(classes: tuple[str, ...], shape: tuple[int, int, int], signed: bool, noun: str = "image") -> Check:
    """A check of images as non-zero pixels, as `check_qg`.

    Parameters
    ----------
    shape : (channels, rows, columns).
    signed : whether a value may be negative, as noise and times are.
    noun : what an image is called: the row of its file, where it is read from one in a published format.
    """
    size = math.prod(shape)

    def check(images: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(images, origin, first_row, noun)
        refuse.of_rows(images.counts == 0, "is an empty image; expected at least one non-zero pixel")
        refuse.of_common(classes, element="pixel")
        refuse.of_elements(images["position"] >= size, f"has a pixel outside {shape}")
        if not signed:
            refuse.of_elements(images["value"] < 0, "has a pixel below zero; expected energies and momenta >= 0")
        for name, column in images.extras.items():
            # the mass of a nearly massless jet is below zero by rounding
            refuse.of_rows(column < -1, f"has a {name} below zero; expected {name} >= 0 in GeV")
        return images

    return check
