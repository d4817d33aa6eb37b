"""Which columns of a stranger's file are the ends of edges between its particles, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hepexp.data.tables.summary import Summary

_ENDS = (("src", "dst"), ("source", "target"), ("from", "to"), ("sender", "receiver"), ("senders", "receivers"))


def ends(found: Mapping[str, Summary]) -> tuple[str, str] | None:
    """The columns with the first and the second end of each edge; None if there are none.

    They are lists of whole numbers from 0, whose names differ by a word such as in `edge_src` and `edge_dst`.
    """
    lists = [name for name, summary in found.items() if _is_place(summary)]
    by_lower = {name.lower(): name for name in lists}
    for name in lists:
        for first, second in _ENDS:
            match = re.fullmatch(rf"(.*[._]|)({first})([._].*|)", name.lower())
            other = match and by_lower.get(f"{match[1]}{second}{match[3]}")
            if other and found[other].most == found[name].most:
                return name, other
    return None


def _is_place(summary: Summary) -> bool:
    return summary.column.level == "particles" and summary.column.dtype.kind in "iu" and summary.low >= -1
