"""A pipe in the place of a file of a run is refused at once: opening it would wait for a writer for ever."""

import os
import socket

import pytest

from hepexp import regular_file
from hepexp.config import record
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.predictions import read_predictions
from hepexp.learning import multirun
from hepexp.learning.checkpoint_io import read_checkpoint
from hepexp.sweep import storage_note
from hepexp.tracking import record_file

READERS = (
    record.load,
    record_file.figures,
    record_file.rows,
    record_file.words,
    record_file.environment,
    read_predictions,
    read_checkpoint,
)


@pytest.mark.parametrize("read", READERS)
def test_every_reader_of_a_record_refuses_a_pipe(tmp_path, read):
    os.mkfifo(tmp_path / "file")
    with pytest.raises((DataError, ConfigError), match="is not a regular file"):
        read(tmp_path / "file")


def test_a_pipe_is_no_list_of_jobs_and_no_note_of_a_sweep(tmp_path):
    for name in (multirun.JOBS, storage_note.FILE):
        os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigError, match="not the folder of a multirun"):
        multirun.read(tmp_path)
    with pytest.raises(DataError, match=r"storage.json is not a regular file"):
        storage_note.address_in(tmp_path)


def test_only_files_are_regular_and_a_missing_one_is_left_to_the_reader(tmp_path):
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    for path in (tmp_path / "real", tmp_path / "link", tmp_path / "none"):
        regular_file.check(path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        for path in (tmp_path, tmp_path / "s", "/dev/zero"):
            with pytest.raises(DataError, match="not a regular file"):
                regular_file.check(path)


def test_a_link_that_leads_out_of_a_folder_is_not_within_it(tmp_path):
    (tmp_path / "run").mkdir()
    for folder in (tmp_path, tmp_path / "run"):
        (folder / "a.png").touch()
    (tmp_path / "run" / "plots").symlink_to(tmp_path)
    assert regular_file.is_within(tmp_path / "run" / "a.png", tmp_path / "run")
    assert not regular_file.is_within(tmp_path / "run" / "plots" / "a.png", tmp_path / "run")
