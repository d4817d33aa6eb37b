"""Published accuracies of top taggers on jets boosted across the beam."""

from __future__ import annotations

import csv
from importlib.resources import files

SOURCE = "others: published,\ntop jets (arXiv:2201.08187)"
FILE = "boosted_top_taggers.csv"


def boosted_top_taggers() -> tuple[list[float], dict[str, list[float]]]:
    """Accuracies on the top tagging test set boosted along x, at each beta from 0 to 0.99, by the name of the tagger.

    References
    ----------
    S. Gong et al., arXiv:2201.08187, the test of equivariance.
    """
    with files("hepexp.check").joinpath(FILE).open(encoding="utf-8") as file:
        _, *names = next(rows := csv.reader(file))
        columns = list(zip(*(map(float, row) for row in rows), strict=True))
    return list(columns[0]), dict(zip(names, map(list, columns[1:]), strict=True))
