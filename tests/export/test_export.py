"""An exported tagger gives the scores of its run, wherever it is copied to, and says what it takes."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.data.datasets.qg.info import INFO
from hepexp.export import recipe
from hepexp.export.network import ExportedNetwork
from hepexp.export.onnx_file import OnnxSession
from hepexp.export.quantise import all_scores
from hepexp.learning.trained import rebuild
from hepexp.tracking.run_folder import RunFolder
from tests.commands.shell import SMALL, hepexp, one_line

FEW = ("dataset.n_train=100", "dataset.n_val=100", "dataset.n_test=60", "trainer.max_epochs=1")
JETS = str(INFO.mini)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a tagger, exported."""
    folder = tmp_path_factory.mktemp("home")
    for words in (("train", *SMALL, *FEW, "name=jets"), ("export", "latest")):
        result = hepexp(folder, *words)
        assert result.returncode == 0, result.stderr
    assert "inputs      p4 (batch, particles, 4), mask (batch, particles), pdgid (batch, particles)" in result.stdout
    return folder


@pytest.fixture
def copied(home, tmp_path):
    """The file and its JSON alone, in another folder."""
    for name in ("jets.onnx", "jets.json"):
        shutil.copyfile(home / name, tmp_path / name)
    return tmp_path


def predict(folder, model, out="out.parquet"):
    return hepexp(folder, "predict", model, "--input", JETS, "--out", out)


def test_predictions_are_those_of_the_run(home, copied):
    of_run, of_file = predict(home, "latest", "run.parquet"), predict(copied, "jets.onnx")
    assert (of_run.returncode, of_file.returncode) == (0, 0), of_run.stderr + of_file.stderr
    wanted, found = pq.read_table(home / "run.parquet"), pq.read_table(copied / "out.parquet")
    assert found.schema.equals(wanted.schema)
    for name in wanted.column_names:
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-6)


def test_the_json_says_what_goes_in_and_where_it_comes_from(home):
    about = json.loads((home / "jets.json").read_text())
    assert [(one["name"], one["unit"]) for one in about["inputs"]] == [("p4", "GeV"), ("mask", ""), ("pdgid", "")]
    assert about["classes"] == ["gluon", "quark"]
    assert about["parity"]["difference"] < 1e-4
    assert [point["signal_efficiency"] for point in about["working_points"]] == [0.3, 0.5]
    assert about["provenance"]["command"].startswith("hepexp train")


def damage_json(folder, **changes):
    path = folder / "jets.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"classes": []}, 1, "jets.json: classes must be"),
        ({"sha256": "0"}, 1, "describes another file"),
        ({"dataset": {"_target_": "os.system"}}, 2, "os.system"),
        ({"dataset": {"_target_": "${oc.env:HOME}"}}, 1, "values, not expressions"),
        ({"reads": "songs"}, 1, "songs"),
        ({"inputs": [{"name": "p4", "dtype": "object"}]}, 1, "dtype"),
        ({"inputs": [{"name": "p4", "dtype": ["float64"]}]}, 1, "dtype"),
        ({"version": 7}, 1, "version must be 1"),
        ({"classes": ["quark", "quark"]}, 1, "jets.json: classes must be the names of two or more different classes"),
        ({"classes": ["quark", " "]}, 1, "jets.json: classes must be"),
        ({"format": "exe"}, 1, "jets.json: format must be onnx"),
    ],
)
def test_a_strangers_json_is_refused_in_a_line(copied, changes, code, said):
    damage_json(copied, **changes)
    message = one_line(predict(copied, "jets.onnx"), code)
    assert said in message
    assert "jets.json" in message
    assert not (copied / "out.parquet").exists()


@pytest.mark.parametrize("source", ["full", "generate"])
def test_the_data_of_the_training_are_neither_needed_nor_made(copied, source):
    keys = json.loads((copied / "jets.json").read_text())["dataset"]
    damage_json(copied, dataset=keys | {"source": source, "n_train": 100_000, "n_generate": 1_000_000})
    result = predict(copied, "jets.onnx")
    assert result.returncode == 0, result.stderr
    assert not (copied / "data").exists()


def test_an_onnx_file_alone_or_damaged_is_refused(copied):
    (copied / "alone.onnx").write_bytes(b"not a model")
    assert "no alone.json beside it" in one_line(predict(copied, "alone.onnx"), 2)
    assert "does not exist" in one_line(predict(copied, "absent.onnx"), 2)
    (copied / "jets.pt2").touch()
    assert "jets.pt2 is read by torch.export.load" in one_line(predict(copied, "jets.pt2"), 2)
    (copied / "jets.onnx").write_bytes(b"not a model")
    assert "describes another file" in one_line(predict(copied, "jets.onnx"), 1)


@pytest.mark.parametrize(
    ("operation", "inputs", "attributes", "kind", "said"),
    [
        ("Sum", 3, {}, None, "expected probabilities, from 0 to 1"),
        ("Exp", 1, {}, None, "expected probabilities, from 0 to 1"),
        ("Sqrt", 1, {}, None, "whose sum is off 1"),
        ("Cast", 1, {"to": "STRING"}, "STRING", "gives tensor(string); expected tensor(float)"),
        ("Cast", 1, {"to": "INT64"}, "INT64", "gives tensor(int64); expected tensor(float)"),
        ("SequenceConstruct", 1, {}, "sequence", "gives seq(tensor(float)); expected tensor(float)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_gives_something_else_than_probabilities_is_refused(
    copied, operation, inputs, attributes, kind, said
):
    import onnx

    from hepexp.export.description import checksum

    model = onnx.load(copied / "jets.onnx")
    (last,) = (node for node in model.graph.node if "scores" in node.output)
    last.output[0] = "probabilities"
    attributes = {name: getattr(onnx.TensorProto, value) for name, value in attributes.items()}
    node = onnx.helper.make_node(operation, ["probabilities"] * inputs, ["scores"], **attributes)
    model.graph.node.append(node)
    (output,) = model.graph.output
    if kind == "sequence":
        output.CopyFrom(onnx.helper.make_tensor_sequence_value_info("scores", onnx.TensorProto.FLOAT, None))
    elif kind:
        output.type.tensor_type.elem_type = getattr(onnx.TensorProto, kind)
    (copied / "jets.onnx").write_bytes(model.SerializeToString())
    damage_json(copied, sha256=checksum((copied / "jets.onnx").read_bytes()))
    assert said in one_line(predict(copied, "jets.onnx"), 1)
    assert not (copied / "out.parquet").exists()


def test_weights_in_other_files_are_not_read(copied):
    """An ONNX file can name any file of the machine that runs it as its weights."""
    import onnx

    from hepexp.export.description import checksum

    model = onnx.load(copied / "jets.onnx")
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    (copied / "jets.onnx").write_bytes(model.SerializeToString())
    damage_json(copied, sha256=checksum((copied / "jets.onnx").read_bytes()))
    assert "takes weights from other files" in one_line(predict(copied, "jets.onnx"), 1)


def test_requests_that_make_no_sense_are_refused(home):
    assert "--out must be a .onnx file" in one_line(hepexp(home, "export", "latest", "--out", "a.pt"), 2)
    assert "exists" in one_line(hepexp(home, "export", "latest"), 2)
    assert "unknown --format" in one_line(hepexp(home, "export", "latest", "--format", "onx"), 2)


def test_thresholds_and_agreement_of_a_file_of_integers_are_those_of_its_own_scores(home, monkeypatch):
    made = hepexp(home, "export", "latest", "--quantize", "int8", "--out", "small.onnx")
    assert made.returncode == 0, made.stderr
    about = json.loads((home / "small.json").read_text())
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(home / "runs"))
    folder = RunFolder.find("latest")
    components = rebuild(folder, folder.config, "best")
    network, session = ExportedNetwork(components), OnnxSession((home / "small.onnx").read_bytes(), "small.onnx")

    difference = recipe.compared(network, components, session).difference
    assert about["parity"]["difference"] == pytest.approx(difference)
    assert difference > 1e-5  # of the file with real numbers it is below 1e-6
    examples = components.data.splits["val"]
    scores = all_scores(network, examples, session)[examples.labels(examples.rows) == 1, 1]
    for point in about["working_points"]:
        assert np.mean(scores >= point["threshold"]) == pytest.approx(point["reached_signal_efficiency"])
