"""Outputs for each element, or pair of elements, by the places that these have in what was read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.loading.places import Places
from hepexp.data.store.ragged import Ragged
from hepexp.evaluation.evaluators.evaluator import ELEMENT, Outputs

_ROWS_AT_ONCE = 2000
_INDEX, _PLACE, _ENDS = (f"{ELEMENT}{name}" for name in ("index", "place", "ends"))


def as_read(outputs: Outputs, dataset: object) -> Outputs:
    """The outputs with those of elements as they are in what the data set has read.

    `element/place`, the place of an element among those that the model gets, becomes `element/particle`, that among
    those that were read; beams are left out. Rows with `element/ends` (k, 2), a pair of elements, become one for each
    pair, with the mean score of its directions, and columns `element/from` and `element/to`; or, where a model gets
    edges that the data have, one for each edge that was read, in that order, whose score is NaN if the model does not
    get it, as from a particle to itself.
    """
    if not hasattr(dataset, "places") or not {_PLACE, _ENDS} & outputs.keys():
        return outputs
    of_elements = {name: values for name, values in outputs.items() if name.startswith(ELEMENT)}
    change = _of_pairs if _ENDS in outputs else _of_each
    index, parts = outputs["index"], []
    for start in range(0, max(len(index), 1), _ROWS_AT_ONCE):
        rows = index[start : start + _ROWS_AT_ONCE]
        ends = np.searchsorted(outputs[_INDEX], rows[[0, -1]] + np.array([0, 1])) if len(rows) else [0, 0]
        part = {name: values[slice(*ends)] for name, values in of_elements.items()}
        example = np.searchsorted(rows, part.pop(_INDEX))
        example, part = change(example, part, dataset.places(rows))
        parts.append({_INDEX: rows[example], **part})
    others = {name: values for name, values in outputs.items() if name not in of_elements}
    return others | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_each(example: NDArray, part: Outputs, places: Places) -> tuple[NDArray, Outputs]:
    place = places.read[places.offsets[example] + part.pop(_PLACE)]
    kept = place >= 0
    return example[kept], {name: values[kept] for name, values in part.items()} | {f"{ELEMENT}particle": place[kept]}


def _of_pairs(example: NDArray, part: Outputs, places: Places) -> tuple[NDArray, Outputs]:
    at = places.offsets[example][:, None] + part.pop(_ENDS)
    given = places.edges
    pairs = (places.read if given is None else places.stored)[at].astype(np.int64)
    kept = (pairs >= 0).all(1)
    size = 1 + max(pairs.max(initial=0), 0 if given is None else _ends(given).max(initial=0))

    def key(example: NDArray, pairs: NDArray) -> NDArray[np.int64]:
        pairs = pairs if places.directed else np.sort(pairs, axis=1)
        return (example * size + pairs[:, 0]) * size + pairs[:, 1]

    distinct, first, which = np.unique(key(example[kept], pairs[kept]), return_index=True, return_inverse=True)
    n, score = len(distinct), part[f"{ELEMENT}score"]
    mean = (np.bincount(which, score[kept], n) / np.bincount(which, minlength=n)).astype(score.dtype)
    found = {f"{ELEMENT}score": mean}
    if f"{ELEMENT}label" in part:
        found[f"{ELEMENT}label"] = part[f"{ELEMENT}label"][kept][first]
    if given is None:
        left, to = np.divmod(distinct, size)
        example, source = np.divmod(left, size)
        return example, found | {f"{ELEMENT}from": source.astype(np.int32), f"{ELEMENT}to": to.astype(np.int32)}
    example = np.repeat(np.arange(len(given)), given.counts)
    wanted = key(example, _ends(given))
    at = np.searchsorted(distinct, wanted)
    there = np.append(distinct, -1)[at] == wanted
    unknown = {f"{ELEMENT}score": np.nan, f"{ELEMENT}label": -1}
    at[~there] = len(distinct)
    return example, {n: np.append(values, unknown[n]).astype(values.dtype)[at] for n, values in found.items()}


def _ends(edges: Ragged) -> NDArray[np.int64]:
    """The ends (k, 2) of edges."""
    return np.stack([edges["source"], edges["target"]], axis=1).astype(np.int64)
