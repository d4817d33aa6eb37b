"""What the folder of a multirun says of its jobs, damaged files included."""

import json
import subprocess
import sys

import psutil
import pytest

from hepexp.errors import ConfigError, DataError
from hepexp.learning.multirun import (
    FINISHED,
    JOBS,
    LOST,
    PROCESS,
    MultirunJob,
    find,
    plan,
    read,
    refuse_running,
    running,
)
from hepexp.tracking import lookup
from hepexp.tracking.process import process_tags


def test_a_job_whose_report_is_damaged_is_lost_and_the_others_are_told(tmp_path):
    plan(tmp_path, [["seed=1"], ["seed=2"], ["seed=3"], ["seed=4"]])
    MultirunJob(0, ["seed=1"], FINISHED, run="a", metrics={"test/auc": 0.9}).write(tmp_path)
    (tmp_path / "job_1.json").write_text('{"number": 1, "overr')
    (tmp_path / "job_2.json").write_text('{"colour": "green"}')
    jobs = read(tmp_path)
    assert [job.status for job in jobs] == [FINISHED, LOST, LOST, LOST]
    assert [job.overrides for job in jobs] == [["seed=1"], ["seed=2"], ["seed=3"], ["seed=4"]]
    assert "job_1.json is empty, truncated or damaged" in jobs[1].error
    assert "left no report" in jobs[3].error


def test_a_list_of_jobs_that_is_damaged_is_named(tmp_path):
    (tmp_path / JOBS).write_text("[[")
    with pytest.raises(DataError, match=r"jobs.json is empty, truncated or damaged"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="no multirun 'nothing'"):
        find("nothing")


@pytest.fixture
def neighbour():
    """Another process of this machine, and the tags that it would write."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = psutil.Process(process.pid).create_time()
        yield process, process_tags() | {"pid": str(process.pid), "pid_started": f"{started:.2f}"}
        process.kill()


def test_a_multirun_is_not_repeated_as_long_as_its_process_lives(tmp_path, neighbour):
    plan(tmp_path, [["seed=1"], ["seed=2"]])
    process, tags = neighbour
    (tmp_path / PROCESS).write_text(json.dumps(tags))
    with pytest.raises(ConfigError, match=rf"is still running, in process {process.pid} here"):
        refuse_running(tmp_path, read(tmp_path))
    process.kill()
    process.wait()
    refuse_running(tmp_path, read(tmp_path))  # it was killed, and its note is left
    for strange in ({"pid": {}}, {"host": tags["host"], "pid": [1]}):
        (tmp_path / PROCESS).write_text(json.dumps(strange))
        refuse_running(tmp_path, read(tmp_path))


def test_nor_as_long_as_one_of_its_jobs_runs_whose_launcher_was_killed(tmp_path, neighbour, monkeypatch):
    plan(tmp_path, [["seed=1"]])
    MultirunJob(0, ["seed=1"], LOST, run="a/b").write(tmp_path)
    process, tags = neighbour
    monkeypatch.setattr(lookup, "tags_of_running", lambda folder: tags)
    with pytest.raises(ConfigError, match=rf"is still running, in process {process.pid} here"):
        refuse_running(tmp_path, read(tmp_path))


def test_a_multirun_says_which_process_launches_its_jobs_until_it_ends(tmp_path):
    with running(tmp_path):
        assert json.loads((tmp_path / PROCESS).read_text()) == process_tags()
    assert not (tmp_path / PROCESS).exists()
