"""What the columns are called that a network reads."""

from __future__ import annotations

from torch import nn

from hepexp.batch import DataSpec
from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.representations.representation import Representation

Names = dict[tuple[bool, int], tuple[str, ...]]  # by whether a row is a pair of elements, and its number of columns
FOUR_MOMENTA = ("four-momenta",)  # one name for all components, whose relevances cancel


def feature_names(representation: Representation) -> tuple[str, ...]:
    """Names of the features of an example: variables, components of a point, or columns of files."""
    if isinstance(representation, FileFeatures):
        return tuple(one.expr for one in representation.inputs)
    return tuple(getattr(representation, "variables", ()) or getattr(representation, "columns", ()))


def column_names(model: nn.Module, spec: DataSpec, representation: Representation) -> Names:
    """Names of the columns that a network reads; those that could be several things have none.

    Those of features, channels and scalars are the data set's; a model may have `feature_names` of the columns that it
    computes, with the scalars after them, or where `...` is, and `pair_names` of those of a pair.
    """
    scalars = spec.scalar_names or tuple(f"scalar {k}" for k in range(spec.n_scalars))
    of_pairs = [tuple(getattr(model, "pair_names", ()))]
    known = [scalars]
    if computed := tuple(getattr(model, "feature_names", ())):
        at = computed.index(...) if ... in computed else len(computed)
        first, last = computed[:at], computed[at + 1 :]
        known += [first + last, (*first, *scalars, *last)]
    if spec.image_shape:
        known.append(spec.channel_names or tuple(f"channel {k}" for k in range(spec.image_shape[0])))
    if spec.n_node_features:
        nodes = tuple(getattr(representation, "column_names", ()))
        more = spec.n_node_features - len(nodes)
        known.append(nodes + (scalars if len(scalars) == more else tuple(f"column {k}" for k in range(more))))
    if spec.n_features:
        names = feature_names(representation)  # nothing else is read; four of them are no four-momentum
        return {(False, len(names)): names}
    found: Names = {}
    for pair, lists in ((False, known), (True, of_pairs)):
        by_length = [(len(names), names) for names in dict.fromkeys(lists) if names] + [(4, FOUR_MOMENTA)]
        lengths = [length for length, _ in by_length]
        found |= {(pair, length): names for length, names in by_length if lengths.count(length) == 1}
    return found
