"""Checks that examples are physical: values within their limits, at least one element, a label, timelike momenta."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import ENDS, Layout, Ragged
from hepexp.errors import DataError

# Takes the examples read, whose columns may have other types than the layout's; the name of the file, for messages; and
# the row in the file of the first of them. Returns them unchanged, or raises DataError, which names the first bad row.
Check = Callable[[Ragged, str, int], Ragged]
_MOST_NAMED = 5  # bad examples in a message, which is one line
_FINITE = Limits(-np.finfo(np.float64).max, np.finfo(np.float64).max)


class Refusal:
    """Collects what is wrong with some examples, and raises a single DataError that names them.

    Parameters
    ----------
    examples : the examples read; numbers of any type.
    origin : name of the file, for the message.
    first_row : row in the file of the first of these examples.
    noun : the word for one example.
    rows : (n,) row in the file of each of these examples, if they are not consecutive.
    """

    def __init__(
        self,
        examples: Ragged,
        origin: str,
        first_row: int = 0,
        noun: str = "jet",
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        self.examples = examples
        self.origin = origin
        self.rows = first_row + np.arange(len(examples)) if rows is None else rows
        self.noun = noun
        self._found: dict[int, tuple[str, str]] = {}  # for each bad row: the quantity, and the rest of the sentence

    def of_rows(self, bad: NDArray[np.bool_], quantity: str, what: Callable[[int], str] | str) -> None:
        """Refuse the bad examples (n,); `what`, possibly a function of the row, completes the sentence 'jet 7 ...'."""
        for row in np.flatnonzero(bad)[: _MOST_NAMED + 1].tolist():
            self._found.setdefault(row, (quantity, what if isinstance(what, str) else what(row)))

    def of_elements(self, bad: NDArray[np.bool_], quantity: str, what: Callable[[int], str] | str) -> None:
        """Refuse the bad elements (m,); `what` can be a function of the element's position."""
        self._of_lists(self.examples.offsets, bad, quantity, what)

    def of_edges(self, element: str = "particle", names: Mapping[str, str] | None = None) -> None:
        """Refuse ends of edges that are no elements of their example.

        Parameters
        ----------
        names : what the columns of edges are called in the file.
        """
        edges = self.examples.given_edges
        there_are = np.repeat(self.examples.counts, edges.counts)

        def what(name: str, end: str, i: int) -> str:
            places = f"the place of one of its {element}s, from 0 to {there_are[i] - 1}"
            expected = places if there_are[i] else f"none, as it has no {element}s"
            return f"has an edge with {name} = {edges[end][i]:g}; expected {expected}"

        for end, name in (names or {end: f"edges.{end}" for end in ENDS}).items():
            place = edges[end].astype(np.float64)
            bad = ~((place >= 0) & (place < there_are) & (place == np.floor(place)))
            self._of_lists(edges.offsets, bad, name, partial(what, name, end))

    def of_edge_labels(self, column: str, name: str) -> None:
        """Refuse labels of edges, called `name` in the file, that do not say yes (1), no (0) or unknown (-1)."""
        edges = self.examples.given_edges
        expected = "expected 1, 0, or a negative number or NaN where it is unknown"
        self._of_lists(
            edges.offsets,
            ~np.isin(edges[column], (-1, 0, 1)),
            name,
            lambda i: f"has an edge with {name} = {edges[column][i]:g}; {expected}",
        )

    def _of_lists(
        self, offsets: NDArray[np.integer], bad: NDArray[np.bool_], quantity: str, what: Callable[[int], str] | str
    ) -> None:
        if not bad.any():
            return
        places = np.flatnonzero(bad)
        rows, first = np.unique(np.searchsorted(offsets, places, side="right") - 1, return_index=True)
        for row, place in zip(rows[: _MOST_NAMED + 1].tolist(), places[first].tolist(), strict=False):
            self._found.setdefault(row, (quantity, what if isinstance(what, str) else what(place)))

    def of_common(
        self, classes: tuple[str, ...], layout: Layout, element: str = "particle", unknown: bool = False
    ) -> None:
        """Refuse labels outside the classes, unless they may be unknown, and values outside the layout's limits.

        Edges with an end that is no element are refused, too, and so are values of edges outside the limits.
        """
        label, of = self.examples.label, list(enumerate(classes))
        expected = ", ".join(f"{i} for {name}" for i, name in (of[::-1] if len(of) == 2 else of))
        bad = ~np.isin(label, range(-1 if unknown else 0, len(classes)))
        self.of_rows(bad, "label", lambda row: f"has label {label[row]:g}; expected {expected}")
        for name in layout.extras:
            self._of_column(name, layout, self.of_rows, "")
        article = "an" if element[0] in "aeiou" else "a"
        for name in layout.elements:
            self._of_column(name, layout, self.of_elements, f"{article} {element} with ")
        if self.examples.edges is not None:
            self.of_edges(element)
            for stored, name in layout.edge_names.items():
                self._of_edge_column(stored, self.examples.edges[name], layout.limits.get(stored))

    def _of_edge_column(self, stored: str, column: NDArray, allowed: Limits | None) -> None:
        if allowed is not None:
            self._of_lists(
                self.examples.given_edges.offsets,
                allowed.outside(column),
                stored,
                lambda at: f"has an edge with {stored} = {column[at]:g}; expected {allowed}",
            )

    def _of_column(self, name: str, layout: Layout, refuse: Callable[..., None], whose: str) -> None:
        column, allowed = self.examples[name], layout.limits.get(name, _FINITE)
        expected = "a finite number" if allowed is _FINITE else allowed
        refuse(allowed.outside(column), name, lambda at: f"has {whose}{name} = {column[at]:g}; expected {expected}")

    def finish(self) -> None:
        """If there is a bad example, raise DataError for the first, and list the numbers of some others."""
        if not self._found:
            return
        first, *others = sorted(self._found)
        named = [f"{self.noun} {self.rows[row]} ({self._found[row][0]})" for row in others]
        more = " and more" if len(named) > _MOST_NAMED else ""
        also = f"; also {', '.join(named[:_MOST_NAMED])}{more}" if named else ""
        raise DataError(f"{self.origin}: {self.noun} {self.rows[first]} {self._found[first][1]}{also}")


def refuse_rows(origin: Path | str, first_row: int, bad: NDArray[np.bool_], what: str) -> None:
    """Refuse a file whose rows do not even make examples, naming the first of them.

    Parameters
    ----------
    origin : name of the file.
    first_row : row of the file that bad[0] refers to.
    bad : (n,) bool.
    what : what is wrong with the row, and what was expected.
    """
    if bad.any():
        raise DataError(f"{origin}: row {first_row + int(np.argmax(bad))} {what}")


def check_four_momenta(classes: tuple[str, ...], layout: Layout, noun: str = "jet") -> Check:
    """A check of jets with columns px, py, pz and E or energy.

    Parameters
    ----------
    layout : of the jets.
    noun : the word for one jet in messages; "row" for files in a published format.
    """
    name = "E" if "E" in layout.elements else "energy"

    def check(jets: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(jets, origin, first_row, noun)
        refuse.of_rows(jets.counts == 0, "no particles", f"has no particles; expected at least one with {name} > 0")
        refuse.of_common(classes, layout)
        # massless particles in float32: rounding can make the squared mass negative, by up to about 1e-6 of E^2
        energy, px, py, pz = (jets[column].astype(np.float64) for column in (name, "px", "py", "pz"))
        with np.errstate(over="ignore"):
            momentum = px**2 + py**2 + pz**2
            spacelike = momentum > energy**2 * 1.001
        refuse.of_elements(
            spacelike & (energy > 0),
            "|p|",
            lambda i: (
                f"has a particle with |p| = {momentum[i] ** 0.5:g} > {name} = {energy[i]:g}; expected ({name}, px, py, "
                "pz) in GeV, metric (+,-,-,-)"
            ),
        )
        refuse.finish()
        return jets

    return check


def check_columns(
    classes: tuple[str, ...],
    layout: Layout,
    noun: str = "row",
    element: str = "element",
    may_be_empty: bool = False,
    also: Callable[[Refusal, Ragged], None] = lambda refuse, examples: None,
) -> Check:
    """A check of examples of any kind: their labels, the limits of their columns, and that none is empty.

    Parameters
    ----------
    layout : of the examples.
    noun, element : the words for one example, and for one of its elements, in messages.
    may_be_empty : whether an example may have no elements.
    also : refuses what else is wrong with examples.
    """

    def check(examples: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(examples, origin, first_row, noun)
        if not may_be_empty:
            refuse.of_rows(examples.counts == 0, f"no {element}s", f"has no {element}s; expected at least one")
        refuse.of_common(classes, layout, element)
        also(refuse, examples)
        refuse.finish()
        return examples

    return check


def check_images(classes: tuple[str, ...], layout: Layout, noun: str = "image") -> Check:
    """A check of images given as non-zero pixels.

    Parameters
    ----------
    layout : of the images.
    noun : the word for one image in messages; "row" for files in a published format.
    """

    def check(images: Ragged, origin: str, first_row: int = 0) -> Ragged:
        refuse = Refusal(images, origin, first_row, noun)
        refuse.of_rows(images.counts == 0, "no pixels", "is an empty image; expected at least one non-zero pixel")
        refuse.of_common(classes, layout, element="pixel")
        refuse.finish()
        return images

    return check
