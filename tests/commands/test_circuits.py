"""A task that trains nothing goes through the same command and leaves the same record."""

import json
from pathlib import Path

import mlflow
import pyarrow.parquet as pq
import pytest

from hepexp.cli.main import main
from tests.commands.here import working_in

EXPECTED = {
    **{f"test/z_{k}": 0 for k in range(5)},
    **{f"test/z_{part}_{end}": value for part, value in (("re", 0.125), ("im", -0.125)) for end in ("min", "max")},
    "test/swap_test": 0.5,
    "model/parameters": 0,
    "train/epochs": 0,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("circuits")
    with working_in(folder):
        yield folder


@pytest.mark.parametrize("backend", ["statevector", "pennylane"])
def test_both_circuits_are_recorded_by_either_backend(home: Path, backend: str):
    assert main(["train", "task=qmlhep_1_circuits", f"backend={backend}", f"name={backend}"]) == 0
    run = home / "runs" / "latest"
    metrics = json.loads((run / "metrics.json").read_text())
    assert {key: metrics[key] for key in EXPECTED} == pytest.approx(EXPECTED, abs=1e-15)
    amplitudes = pq.read_table(run / "predictions.parquet").to_pydict()
    assert [amplitudes["circuit"].count(name) for name in ("z", "swap_test")] == [32, 32]
    assert amplitudes["re"][:32] == pytest.approx([0.125] * 32, abs=1e-15)
    assert amplitudes["im"][:32] == pytest.approx([-0.125] * 32, abs=1e-15)
    assert "|00000> 0.125000-0.125000j" in (run / "log.txt").read_text()
    drawn = {path.name for path in (run / "plots").iterdir()}
    assert drawn == {"circuit_z.png", "circuit_swap_test.png", "state_z.png", "state_swap_test.png"}
    client = mlflow.MlflowClient(f"sqlite:///{home / 'runs' / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "hepexp"]
    (noted,) = client.search_runs([experiment.experiment_id], f"tags.mlflow.runName = '{backend}'")
    assert noted.info.status == "FINISHED"
    assert noted.data.metrics["test/swap_test"] == pytest.approx(0.5)
    assert "predictions.parquet" in {file.path for file in client.list_artifacts(noted.info.run_id)}


def test_the_run_is_evaluated_once_more(home: Path, capsys):
    assert main(["evaluate", "latest", "--split", "val"]) == 0
    assert "val/swap_test" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task=qmlhep_1_circuits", "backend=classical"], "this circuit has no inputs"),
        (["task=qmlhep_1_circuits", "loss=cross_entropy"], "loss=cross_entropy needs one output for each of 1 classes"),
        (["model=hybrid_cnn", "data=mnist", "model.n_qubits=40"], "a circuit of 40 qubits needs"),
        (["model=hybrid_cnn", "data=mnist", 'model.circuit=["RX(x0) 0", "CNTO 0 1"]'], "did you mean CNOT?"),
        (["model=hybrid_cnn", "data=mnist", "backend.depolarising=2"], "backend.depolarising must be a probability"),
        (
            ["model=quanvolution", "data=mnist", "model.circuit=amplitude", "model.circuit.n_qubits=2"],
            "4 inputs are all 0, and have no state x / |x|",
        ),
        (
            ["model=hybrid_cnn", "data=mnist", "backend=pennylane", "backend.shots=10"],
            "does not support backprop with requested circuit); try backend.diff_method=best",
        ),
    ],
)
def test_what_a_backend_cannot_do_is_one_line_before_anything_is_written(home: Path, capsys, words, said):
    before = list((home / "runs").glob("*/*"))
    assert main(["train", *words, "dataset.n_train=8"]) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith("hepexp: error:")]
    assert said in line
    assert list((home / "runs").glob("*/*")) == before
