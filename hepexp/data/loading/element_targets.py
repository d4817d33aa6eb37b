"""What a model is to predict for each element of an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hepexp.batch import Target
from hepexp.data.representations.scale import Scaled, mean_and_spread
from hepexp.data.store.ragged import Ragged


class ElementTargets(Scaled):
    """Targets of each element: columns of the store, a class if its classes have names, otherwise a real number.

    Targets of a pair of elements follow from columns with the number of a group: whether both are in the same one; or
    they are those of the edge between them.

    Parameters
    ----------
    names : columns of the store.
    classes : names of the classes of those columns that hold labels, from 0.
    groups : columns of the store for targets of pairs.
    edges : names of the targets of edges.
    """

    scales = ("mean", "std")

    def __init__(
        self,
        names: Sequence[str],
        classes: Mapping[str, Sequence[str]],
        groups: Sequence[str] = (),
        edges: Sequence[str] = (),
    ) -> None:
        self.groups = tuple(groups)
        self.edges = tuple(edges)
        self.labels = {name: tuple(classes[name]) for name in names if name in classes}
        self.reals = tuple(name for name in names if name not in classes)
        self.mean, self.std = np.zeros(len(self.reals)), np.ones(len(self.reals))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.labels or self.reals or self.groups or self.edges)

    def fit(self, examples: Ragged) -> None:
        """Mean and standard deviation of the real numbers over all elements of some training examples."""
        if self.reals:
            self.mean, self.std = mean_and_spread(np.stack([examples.elements[name] for name in self.reals], axis=1))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Their description for the model and the loss."""
        columns = zip(self.reals, self.mean.tolist(), self.std.tolist(), strict=True)
        reals = [Target(name, of="element", mean=mean, std=std) for name, mean, std in columns]
        labels = [Target(name, "class", "element", class_names=names) for name, names in self.labels.items()]
        of_pairs = (*self.groups, *self.edges)
        pairs = [Target(name, "class", "pair", class_names=("different", "same")) for name in of_pairs]
        return (*reals, *labels, *pairs)
