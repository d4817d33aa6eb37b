"""Eight trainings that write to one SQLite store at once lose nothing."""

import multiprocessing
import sqlite3
from contextlib import closing

from hepexp.tracking.lookup import database
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder

PROCESSES, EPOCHS, METRICS, PARAMETERS = 8, 25, 12, 130


def train(number, begin):
    """What a training does with the store, without its pauses."""
    begin.wait()
    folder = RunFolder.create("hepexp", f"run{number}")
    folder.write_json("metrics.json", {"test/auc": number})
    parameters = {f"key{k}": number for k in range(PARAMETERS)}
    run = MlflowRun.start("hepexp", f"run{number}", parameters, {"task": "together"}, folder.path)
    run.log_dataset("qg", {"source": "mini", "files": []})
    for epoch in range(EPOCHS):
        run.log_metrics({f"val/m{k}": 1000 * number + epoch for k in range(METRICS)}, epoch)
    run.finish("FINISHED")


def rows(query):
    with closing(sqlite3.connect(database())) as connection:
        return connection.execute(query).fetchall()


def test_every_value_of_every_run_is_in_the_store(runs):
    context = multiprocessing.get_context("fork")  # they begin in the same instant, without a store
    begin = context.Barrier(PROCESSES)
    processes = [context.Process(target=train, args=(number, begin)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert rows("SELECT name FROM experiments WHERE name = 'hepexp'") == [("hepexp",)]
    assert sorted(rows("SELECT name, status FROM runs")) == [(f"run{k}", "FINISHED") for k in range(PROCESSES)]
    per_run = rows("SELECT r.name, count(*), sum(m.value) FROM runs r JOIN metrics m USING (run_uuid) GROUP BY r.name")
    total = METRICS * sum(range(EPOCHS))
    assert sorted(per_run) == [
        (f"run{k}", EPOCHS * METRICS, total + METRICS * EPOCHS * 1000 * k) for k in range(PROCESSES)
    ]
    parameters = rows("SELECT value, count(*) FROM params WHERE key LIKE 'key%' GROUP BY value")
    assert sorted(parameters) == [(str(k), PARAMETERS) for k in range(PROCESSES)]
    assert rows("SELECT count(*) FROM inputs") == [(PROCESSES,)]
    assert len(list((runs / "mlartifacts").glob("hepexp/*/artifacts/metrics.json"))) == PROCESSES
