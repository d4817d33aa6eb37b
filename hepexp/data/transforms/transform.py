"""Transforms: the steps from the columns of a store to those that a representation needs."""

from __future__ import annotations

from hepexp.data.store.ragged import Ragged


class Transform:
    """Base class of the steps; a class rather than a function, so that worker processes can receive a copy.

    Attributes
    ----------
    scalar_names : names of the scalars of each particle, of a step that makes some and names them.
    own_scalars : whether the user has named these one by one.
    mass_scalar : which of them is psi(mass), of a step that makes one.
    """

    scalar_names: tuple[str, ...] = ()
    own_scalars: bool = False
    mass_scalar: int | None = None

    def __call__(self, examples: Ragged) -> Ragged:
        """New columns, or fewer elements, computed for each example separately."""
        raise NotImplementedError

    def longest(self, before: int | None) -> int | None:
        """Maximum number of elements per example after this step, given that before it; None for no limit."""
        return before
