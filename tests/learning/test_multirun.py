"""What the folder of a multirun says of its jobs, damaged files included."""

import pytest

from hepexp.errors import ConfigError, DataError
from hepexp.learning.multirun import FINISHED, JOBS, LOST, MultirunJob, find, plan, read


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
