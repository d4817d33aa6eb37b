"""Test examples of a run, changed before or behind what makes them into what its network reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import Batch, JetBatch
from hepexp.check.check import Check
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Common, Particles, Representation
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.frame import StandardFrame
from hepexp.data.transforms.particle_selection import WithBeams
from hepexp.data.transforms.transform import Transform
from hepexp.data.views.random_view import RandomView


class Examples:
    """Some test examples, unchanged or as a check changes them.

    Parameters
    ----------
    data : data set of the run, after `setup`.
    rows : of its store.
    seed : of the changes that are random.
    """

    def __init__(self, data: HepDataModule, rows: NDArray[np.int64], seed: int) -> None:
        self.data, self.rows, self.seed = data, rows, seed

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, check: Check | None = None, strength: float = 0.0) -> Iterator[Batch]:
        """All of them; the seed and the strength determine the changes.

        Parameters
        ----------
        check : changes them; None leaves them as they are.
        """
        if check is None or check.change is None:
            yield from self.data.loader_of_rows(self.rows, apart=check is not None and check.apart)
            return
        view = check.change(strength)
        view.fit_to(self.data.representation)
        if check.behind:
            random = torch.Generator().manual_seed(self.seed)
            for batch in self.data.loader_of_rows(self.rows):
                yield view(batch, random)
            return
        changed = before_reading(self.data.representation, view, check.beams, self.seed)
        yield from self.data.loader_of_rows(self.rows, changed)


def has_momenta(data: HepDataModule) -> bool:
    """Whether what a network reads is made of four-momenta of particles."""
    steps = data.representation.transforms
    examples = data.store.take(data.splits["test"].rows[:1])
    for step in steps:
        examples = step(examples)
    return {"p4", "scalars"} <= examples.elements.keys()


def before_reading(
    representation: Representation, view: RandomView[JetBatch], beams: bool, seed: int
) -> Representation:
    """A copy of a representation that changes four-momenta before these are encoded, or put into a standard frame.

    Parameters
    ----------
    beams : whether beams are changed with the particles.
    """
    steps = representation.transforms
    stop = (StandardFrame,) if beams else (StandardFrame, WithBeams)
    at = next((k for k, step in enumerate(steps) if isinstance(step, stop)), len(steps))
    return representation.with_transforms(*steps[:at], Changed(view, seed), *steps[at:])


class Changed(Transform):
    """A view of particles as a step of a representation.

    Columns of particles that are carried along stay where the view keeps the particles, and are lost otherwise.

    Parameters
    ----------
    view : what is done.
    seed : of the first examples that it gets; others follow.
    """

    def __init__(self, view: RandomView[JetBatch], seed: int) -> None:
        self.view, self.seed = view, seed

    def __call__(self, jets: Ragged) -> Ragged:
        n = torch.zeros(len(jets), dtype=torch.int64)
        common: Common = {"label": n, "index": n, "extras": torch.zeros(len(jets), 0)}
        momenta = replace(jets, elements={name: jets[name] for name in ("p4", "scalars")})
        batch = self.view(Particles().collate(momenta, common), torch.Generator().manual_seed(self.seed))
        self.seed += 1
        mask = batch.mask.numpy()
        elements = {"p4": batch.p4.numpy()[mask], "scalars": batch.scalars.numpy()[mask]}
        if self.view.keeps_elements:
            return replace(jets, elements={**jets.elements, **elements})
        return Ragged(jets.label, offsets_of(mask.sum(1)), elements, jets.extras)
