"""Eight trainings that write to one SQLite store at once lose nothing."""

import multiprocessing
import sqlite3
from contextlib import closing

from hepexp.sweep.parent_run import ParentRun
from hepexp.tracking.lookup import database
from hepexp.tracking.mlflow_store import MlflowRun, StillWritten
from hepexp.tracking.preflight import check_recordable
from hepexp.tracking.registry import Judgement, register
from hepexp.tracking.run_folder import RunFolder
from tests.sweep.plans import PLAN

PROCESSES, EPOCHS, METRICS, PARAMETERS = 8, 15, 12, 130


def train(number, barrier):
    """What a training does with the store, without its pauses; all do at once what makes something that they share."""
    barrier.wait()
    check_recordable("hepexp", 60.0)
    barrier.wait()
    folder = RunFolder.create("hepexp", f"run{number}")
    folder.write_json("metrics.json", {"test/auc": number})
    parameters = {f"key{k}": number for k in range(PARAMETERS)}
    run = MlflowRun.start("hepexp", f"run{number}", parameters, {"task": "together"}, folder.path)
    barrier.wait()
    run.log_dataset("qg", {"source": "mini", "files": []})
    for epoch in range(EPOCHS):
        run.log_metrics({f"val/m{k}": 1000 * number + epoch for k in range(METRICS)}, epoch)
    barrier.wait()
    register(
        run.client,
        run.run_id,
        "tagger",
        Judgement("val/auc", 0.5 + (number * 3 % PROCESSES) / 100, "max", "qg mini"),
        run.insist,
    )
    run.finish("FINISHED")


def resume(run_id, folder, barrier, outcomes):
    barrier.wait()
    try:
        MlflowRun.start("hepexp", "run", {}, {}, folder, run_id=run_id)
        outcomes.put("resumed")
    except StillWritten:
        outcomes.put("refused")
    barrier.wait()  # all of them live until the last one has tried


def sweep(folder, barrier, outcomes):
    barrier.wait()
    outcomes.put(ParentRun("search", PLAN, folder).run_id)
    barrier.wait()


def together(target, *args, processes=PROCESSES):
    """What the processes say that do this at the same time; they are forked, which saves importing MLflow."""
    context = multiprocessing.get_context("fork")
    barrier, outcomes = context.Barrier(processes, timeout=120), context.Queue()
    started = [context.Process(target=target, args=(*args, barrier, outcomes)) for _ in range(processes)]
    for process in started:
        process.start()
    said = [outcomes.get(timeout=120) for _ in started]
    for process in started:
        process.join(120)
    return said


def rows(query):
    with closing(sqlite3.connect(database())) as connection:
        return connection.execute(query).fetchall()


def test_every_value_of_every_run_is_in_the_store(runs):
    context = multiprocessing.get_context("fork")  # they begin in the same instant, without a store
    barrier = context.Barrier(PROCESSES, timeout=120)
    processes = [context.Process(target=train, args=(number, barrier)) for number in range(PROCESSES)]
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
    assert rows("SELECT count(*) FROM datasets") == [(1,)]
    assert rows("SELECT count(*) FROM inputs") == [(PROCESSES,)]
    assert rows("SELECT version FROM model_versions ORDER BY version") == [(k + 1,) for k in range(PROCESSES)]
    tags = "registered_model_aliases JOIN model_version_tags USING (name, version)"
    assert rows(f"SELECT value FROM {tags} WHERE key = 'value'") == [(str(0.5 + (PROCESSES - 1) / 100),)]
    assert len(list((runs / "mlartifacts").glob("hepexp/*/artifacts/metrics.json"))) == PROCESSES


def test_one_of_those_who_resume_a_run_at_once_does(existing_store):
    folder = RunFolder.create("hepexp", "run").path
    run = MlflowRun.start("hepexp", "run", {}, {}, folder)
    run.finish("KILLED")
    assert sorted(together(resume, run.run_id, folder, processes=4)) == ["refused"] * 3 + ["resumed"]


def test_workers_that_begin_a_sweep_at_once_have_one_parent(existing_store, runs):
    folder = runs / "sweeps" / "search"
    folder.mkdir(parents=True)
    (parent,) = set(together(sweep, folder, processes=4))
    assert rows("SELECT run_uuid FROM runs") == [(parent,)]
