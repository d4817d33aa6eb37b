"""What a model is to predict for each element of an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hepexp.batch import Target
from hepexp.data.representations.scale import Scaled, mean_and_spread
from hepexp.data.store.ragged import ENDS, Ragged
from hepexp.data.transforms.carry import edge_target, group_target, target
from hepexp.errors import DataError


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

    def refuse_unknown(self, prepared: Iterable[Ragged]) -> None:
        """Refuse targets that none of the training examples has, as the batches of a representation have them.

        Parameters
        ----------
        prepared : the training examples; as many parts are taken as are needed.

        Raises
        ------
        DataError : names the target, and what is needed.
        """
        missing = {
            **dict.fromkeys(self.labels, (_has_label, "an element with a class")),
            **dict.fromkeys(self.groups, (_has_pair, "an example with two elements whose group is known")),
            **dict.fromkeys(self.edges, (_has_edge, "an edge of two different particles that has a label, 0 or 1")),
        }
        for examples in prepared if missing else ():
            missing = {name: one for name, one in missing.items() if not one[0](examples, name)}
            if not missing:
                return
        for name, (_, needed) in missing.items():
            raise DataError(f"target {name}: there is nothing to learn, as no training example has {needed}")

    @property
    def targets(self) -> tuple[Target, ...]:
        """Their description for the model and the loss."""
        columns = zip(self.reals, self.mean.tolist(), self.std.tolist(), strict=True)
        reals = [Target(name, of="element", mean=mean, std=std) for name, mean, std in columns]
        labels = [Target(name, "class", "element", class_names=names) for name, names in self.labels.items()]
        of_pairs = (*self.groups, *self.edges)
        pairs = [Target(name, "class", "pair", class_names=("different", "same")) for name in of_pairs]
        return (*reals, *labels, *pairs)


def _has_label(examples: Ragged, name: str) -> bool:
    column = examples.elements.get(target(name))
    return column is None or bool((column >= 0).any())


def _has_pair(examples: Ragged, name: str) -> bool:
    """Whether an example has a pair: of its edges, or of any two of its elements."""
    column = examples.elements.get(group_target(name))
    if column is None:
        return True
    known = column >= 0
    if examples.edges is None:
        example = np.repeat(np.arange(len(examples)), examples.counts)
        return bool((np.bincount(example[known], minlength=1) >= 2).any())
    ends = [examples.edges[end] + np.repeat(examples.offsets[:-1], examples.edges.counts) for end in ENDS]
    return bool((known[ends[0]] & known[ends[1]]).any())


def _has_edge(examples: Ragged, name: str) -> bool:
    column = None if examples.edges is None else examples.edges.elements.get(edge_target(name))
    return column is None or bool((column >= 0).any())
