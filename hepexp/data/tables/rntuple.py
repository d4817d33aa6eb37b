"""ROOT's RNTuple, which newer versions of ROOT and uproot write in place of trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import awkward as ak
import numpy as np
import uproot

from hepexp.data.tables.source import Stored, refusal_of

Read = Callable[[int, int], ak.Array]


def fields(ntuple: uproot.behaviors.RNTuple.RNTuple) -> Iterator[tuple[str, Stored | str, Read]]:
    """Name, what it holds or why it is not read, and the values in some rows; of records, each member."""
    for name in ntuple.keys(recursive=False):
        field = ntuple[name]
        kind = ak.type(field.array(entry_stop=0)).content
        record = kind.content if isinstance(kind, ak.types.ListType) else kind
        if isinstance(record, ak.types.RecordType) and record.fields:
            for member, its_kind in zip(record.fields, record.contents, strict=True):
                whole = ak.types.ListType(its_kind) if record is not kind else its_kind
                yield f"{name}.{member}", _stored(whole), _member(field, member)
        else:
            yield name, _stored(kind), _whole(field)


def _whole(field: uproot.models.RNTuple.RField) -> Read:
    return lambda start, stop: field.array(entry_start=start, entry_stop=stop)


def _member(field: uproot.models.RNTuple.RField, member: str) -> Read:
    return lambda start, stop: field.array(entry_start=start, entry_stop=stop)[member]


def _stored(kind: ak.types.Type) -> Stored | str:
    whole = kind
    shape: tuple[int | None, ...] = ()
    if isinstance(kind, ak.types.ListType) and not kind.parameters:  # a text is a list with parameters
        kind, shape = kind.content, (None,)
    else:
        while isinstance(kind, ak.types.RegularType):
            kind, shape = kind.content, (*shape, kind.size)
    if not isinstance(kind, ak.types.NumpyType) or refusal_of(np.dtype(kind.primitive)):
        return f"values of type {str(whole)[:60]}"
    return Stored(np.dtype(kind.primitive), shape)
