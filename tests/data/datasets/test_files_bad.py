"""Lists that do not belong together, text and wrong labels are refused with the file, the column and the row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepexp.errors import HepexpError
from tests.data.datasets.user_files import ready

N = 12
P4 = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": 0}


def columns(**other) -> dict[str, list]:
    lists = {name: [[0.5 + i] * (1 + i % 3) for i in range(N)] for name in ("pt", "eta", "phi", "d0")}
    return lists | {"truth": [i % 2 for i in range(N)]} | other


def parquet(path, given):
    pq.write_table(pa.table(given), path)


def root(path, given):
    import awkward as ak

    with uproot.recreate(path) as file:
        file["events"] = {name: ak.Array(column) for name, column in given.items()}


SHORT = [[1.0] * (1 + i % 3 + (i == 7)) for i in range(N)]  # row 7 has one more than its neighbours
CASES = {
    "a scalar of another length": (columns(d0=SHORT), {"scalars": ["d0"]}, ("row 7", "d0")),
    "a component of another length": (columns(eta=SHORT), {}, ("row 7", "eta")),
    "an expression of two lengths": (columns(d0=SHORT), {"scalars": ["d0 / pt"]}, ("row 7", "d0")),
    "text": (columns(d0=["a"] * N), {"extras": ["d0"]}, ("d0",)),
    "NaN in a list": (columns(d0=[[np.nan] * (1 + i % 3) for i in range(N)]), {"scalars": ["d0"]}, ("row 0", "d0")),
    "an unknown function": (columns(), {"scalars": ["exec(d0)"]}, ("dataset.scalars", "exec")),
    "NaN as weight": (columns(w=[1.0] * 5 + [np.nan] * 7), {"weight": "w"}, ("row 5", "w = nan")),
    "a label outside": (columns(truth=[0, 1, 2] * 4), {}, ("row 2", "truth = 2")),
    "half a label": (columns(truth=[0.0, 1.0, 0.5] * 4), {}, ("row 2", "truth = 0.5")),
}


@pytest.mark.parametrize("write", [parquet, root], ids=["parquet", "root"])
@pytest.mark.parametrize(("given", "keys", "said"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_said_with_file_column_and_row(write, given, keys, said, tmp_path):
    path = tmp_path / f"a.{write.__name__}"
    write(path, given)
    with pytest.raises(HepexpError) as error:
        ready([str(path)], p4=P4, **keys)
    message = str(error.value)
    assert "\n" not in message
    assert all(part in message for part in said), message
    assert "dataset." in said[0] or path.name in message, message
