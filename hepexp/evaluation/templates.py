"""Distributions of a score with their systematic variations, as templates for a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones
from hepexp.metric import in_key

BINS = 20


class Variation(NamedTuple):
    """Scores (n, C) of the same examples when something is varied up and down; None where that was not asked for."""

    up: NDArray | None
    down: NDArray | None


class Template(NamedTuple):
    """The score of one class in bins: (B + 1,) edges; of each class of examples the sums of weights (B,) and errors.

    `up` and `down` have, by the name of what varies, those of each class (C, B). Where only one direction was given the
    other is its mirror image, 2 nominal - varied, at least 0.
    """

    of: str
    edges: NDArray
    nominal: NDArray
    error: NDArray
    up: Mapping[str, NDArray]
    down: Mapping[str, NDArray]
    mirrored: frozenset[str]


def templates(
    scores: NDArray,
    label: NDArray,
    class_names: Sequence[str],
    variations: Mapping[str, Variation],
    weight: NDArray | None = None,
    bins: int = BINS,
) -> list[Template]:
    """The templates of the signal's score, for more than two classes of each class's.

    Parameters
    ----------
    scores : (n, C) probabilities; label : (n,) int.
    variations : by the name of what varies, with scores in the order of the same examples.
    weight : (n,) of the examples, if any.
    bins : of equal width, from 0 to 1.
    """
    edges, weights = np.linspace(0, 1, bins + 1), ones(len(label), weight).astype(np.float64)

    def contents(values: NDArray, power: int = 1) -> NDArray[np.float64]:
        chosen = [label == c for c in range(len(class_names))]
        inside = np.clip(values.astype(np.float64), 0, 1)
        return np.stack([np.histogram(inside[own], edges, weights=weights[own] ** power)[0] for own in chosen])

    found = []
    for c in [1] if len(class_names) == 2 else range(len(class_names)):
        nominal = contents(scores[:, c])
        up, down = {}, {}
        mirrored = frozenset(name for name, one in variations.items() if one.up is None or one.down is None)
        for name, one in variations.items():
            known = [None if values is None else contents(values[:, c]) for values in one]
            mirror = next(np.maximum(2 * nominal - values, 0) for values in known if values is not None)
            up[name], down[name] = (mirror if values is None else values for values in known)
        error = np.sqrt(contents(scores[:, c], 2))
        found.append(Template(class_names[c], edges, nominal, error, up, down, mirrored))
    return found


def channels(found: Sequence[Template], class_names: Sequence[str]) -> dict[str, Any]:
    """The templates as `channels` of a HistFactory workspace in JSON, beside the edges of their bins.

    References
    ----------
    L. Heinrich et al., pyhf, JOSS 6 (2021) 2823; ATLAS, ATL-PHYS-PUB-2019-029 (the format).
    """
    made = []
    for one in found:
        channel, samples = f"score_{in_key(one.of)}", []
        for c, name in enumerate(class_names):
            shapes = [
                {
                    "name": in_key(varied),
                    "type": "histosys",
                    "data": {"hi_data": one.up[varied][c].tolist(), "lo_data": one.down[varied][c].tolist()},
                }
                for varied in one.up
            ]
            noise = {"name": f"staterror_{channel}", "type": "staterror", "data": one.error[c].tolist()}
            samples.append({"name": name, "data": one.nominal[c].tolist(), "modifiers": [*shapes, noise]})
        made.append({"name": channel, "samples": samples})
    edges = {channel["name"]: one.edges.tolist() for channel, one in zip(made, found, strict=True)}
    return {"channels": made, "edges": edges}
