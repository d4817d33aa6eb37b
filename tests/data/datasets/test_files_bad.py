"""Lists that do not belong together, text and wrong labels are refused with the file, the column and the row."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepexp.cli.data import main
from hepexp.data.download.convert import convert
from hepexp.data.download.verify import verify
from hepexp.data.find import find_info
from hepexp.errors import ConfigError, HepexpError
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
WRONG = [[0.5 + i] * (i % 3) + [-5.0 if i == 7 else 1.0] for i in range(N)]
CASES = {
    "a scalar of another length": (columns(d0=SHORT), {"scalars": ["d0"]}, ("row 7", "d0")),
    "a component of another length": (columns(eta=SHORT), {}, ("row 7", "eta")),
    "an expression of two lengths": (columns(d0=SHORT), {"scalars": ["d0 / pt"]}, ("row 7", "d0")),
    "text": (columns(d0=["a"] * N), {"extras": ["d0"]}, ("d0",)),
    "NaN in a list": (columns(d0=[[np.nan] * (1 + i % 3) for i in range(N)]), {"scalars": ["d0"]}, ("row 0", "d0")),
    "an unknown function": (columns(), {"scalars": ["exec(d0)"]}, ("dataset.scalars", "exec")),
    "NaN as weight": (columns(w=[1.0] * 5 + [np.nan] * 7), {"weight": "w"}, ("row 5", "w = nan")),
    "a negative pt": (columns(pt=WRONG), {}, ("row 7", "pt = -5 in 'pt'", "expected >= 0")),
    "a negative mass": (columns(m=WRONG), {"p4": {**P4, "eta": 0, "mass": "m"}}, ("row 7", "mass = -5 in 'm'")),
    "no energy for its momentum": (
        columns(e=[[-1e-3 + (0.5 + i) * np.cosh(0.5 + i) * (1 - 0.1 * (i == 7))] * (1 + i % 3) for i in range(N)]),
        {"p4": {"pt": "pt", "eta": "eta", "phi": "phi", "energy": "e"}},
        ("row 7", "|p| = ", "energy = ", "in 'e'"),
    ),
    "a label outside several values": (
        columns(truth=[0, 4, 6] * 4),
        {"classes": {"light": 0, "heavy": [4, 5]}},
        ("row 2", "expected 0 for light, 4 or 5 for heavy"),
    ),
    "a label outside": (columns(truth=[0, 1, 2] * 4), {}, ("row 2", "truth = 2")),
    "half a label": (columns(truth=[0.0, 1.0, 0.5] * 4), {}, ("row 2", "truth = 0.5")),
}


@pytest.mark.parametrize("write", [parquet, root], ids=["parquet", "root"])
@pytest.mark.parametrize(("given", "keys", "said"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_said_with_file_column_and_row(write, given, keys, said, tmp_path):
    path = tmp_path / f"a.{write.__name__}"
    write(path, given)
    with pytest.raises(HepexpError) as error:
        ready([str(path)], **{"p4": P4, **keys})
    message = str(error.value)
    assert "\n" not in message
    assert all(part in message for part in said), message
    assert "dataset." in said[0] or path.name in message, message


def test_rounding_makes_no_momentum_wrong_and_a_class_may_have_several_values(tmp_path):
    # the mass that TLorentzVector gives to massless particles in single precision
    given = columns(m=[[-1e-4] * (1 + i % 3) for i in range(N)], truth=[0, 4, 5] * 4)
    parquet(tmp_path / "a.parquet", given)
    keys = {"p4": {**P4, "eta": 0, "mass": "m"}, "classes": {"light": 0, "heavy": [4, 5]}}
    data = ready([str(tmp_path / "a.parquet")], fractions={"train": 0.4, "val": 0.3, "test": 0.3}, **keys)
    assert data.store.label.tolist() == [0, 1, 1] * 4


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"p4": {**P4, "mass": -0.1}}, "dataset.p4.mass must be >= 0, got -0.1"),
        ({"label": None, "classes": {"a": [4, 5]}}, "a condition such as 'flavour >= 4', or dataset.label must name"),
        ({"label": None, "classes": {"a": 5, "b": "heavy"}}, "dataset.classes.a must be a condition on columns"),
        ({"classes": {"a": [4, 5], "b": 5}}, "dataset.classes must have different values"),
        ({"classes": {"a": [], "b": 5}}, "dataset.classes.a must be a number"),
    ],
)
def test_keys_that_contradict_themselves(keys, said):
    with pytest.raises(HepexpError, match=said):
        ready(["a.parquet"], **{"p4": P4, **keys})


def test_an_existing_store_with_what_no_particle_has_is_found(tmp_path, monkeypatch):
    parquet(tmp_path / "a.parquet", columns(pt=WRONG))
    (tmp_path / "conf/dataset").mkdir(parents=True)
    (tmp_path / "conf/dataset/mine.yaml").write_text(
        f"defaults: [files]\nfiles: {tmp_path}/a.parquet\np4: {json.dumps(P4)}\nlabel: truth\nclasses: {{a: 0, b: 1}}\n"
    )
    info = find_info("mine", [tmp_path / "conf"])
    with monkeypatch.context() as before:  # as it was written by an hepexp that did not look
        before.setattr("hepexp.data.datasets.files.info.refuse_wrong_momenta", lambda *given: None)
        convert(info, *info.releases[0])
    found = [one.problem for one in verify(info)]
    assert len(found) == 2
    assert all("row 7 has a particle with pt = -5 in 'pt'" in problem for problem in found)


@pytest.mark.parametrize(
    ("option", "said"),
    [("files", "files must be given in this file"), ("image_files", "files and pixels must be")],
)
def test_a_configuration_without_files_is_named(option, said, tmp_path):
    (tmp_path / "conf/dataset").mkdir(parents=True)
    path = tmp_path / "conf/dataset/w.yaml"
    path.write_text(f"defaults: [{option}]\nlabel: truth\n")
    with pytest.raises(ConfigError, match=f"{path}: {said}"):
        main(["verify", "w", "--config-dir", str(tmp_path / "conf")])
