"""A storage that cannot be used is told in one line, which never holds a password."""

import sqlite3
from importlib.util import find_spec

import optuna
import pytest

from hepexp.cli.sweep import main
from hepexp.errors import ConfigError, HepexpError
from hepexp.sweep.options import SweepOptions
from hepexp.sweep.run import run
from hepexp.sweep.storage import address, masked, open_storage, reached
from hepexp.sweep.study import load_study, make_study
from tests.sweep.plans import PLAN

ENTRY = b'{"op_code":0,"worker_id":"w","study_name":"a","directions":[1]}\n'


def test_a_password_is_never_shown():
    assert masked("postgresql://me:pass:w@rd@host:1/db") == "postgresql://me:***@host:1/db"
    assert masked("postgresql://me@host/db?password=secret&x=1") == "postgresql://me@host/db?password=***&x=1"
    assert masked("sqlite:////tmp/a.db") == "sqlite:////tmp/a.db"
    for url in ("oracel://me:secret@host/db", "postgresql://me:secret@host:port/db", "secret"):
        with pytest.raises(ConfigError, match="must be sqlite:///FILE") as error:
            open_storage(url)
        assert "secret" not in str(error.value) or url == "secret"


def test_the_address_is_given_or_of_the_environment_or_under_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "new"))
    assert address(None) == f"sqlite:///{tmp_path / 'new' / 'sweeps.db'}"
    assert not (tmp_path / "new").exists()
    monkeypatch.setenv("HEPEXP_SWEEP_STORAGE", "journal:/shared/a.log")
    assert address(None) == "journal:/shared/a.log"
    assert address("sqlite:///x.db") == "sqlite:///x.db"


def test_a_missing_driver_is_named_with_the_command_that_installs_it():
    dialect = "mysql" if find_spec("MySQLdb") is None else "postgresql+psycopg2"
    with pytest.raises(HepexpError, match=r"needs the Python module .*: pip install (mysqlclient|psycopg2-binary)"):
        open_storage(f"{dialect}://me:secret@localhost/db")


def test_a_database_of_a_newer_optuna_is_refused(tmp_path, storage):
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("update alembic_version set version_num = 'v99.0.0.a'")
        database.execute("update version_info set library_version = '99.0.0'")
    with pytest.raises(HepexpError, match=r"made by another version of Optuna .*99\.0\.0"):
        open_storage(f"sqlite:///{tmp_path / 'a.db'}")


@pytest.mark.parametrize(
    ("url", "content", "said"),
    [
        ("sqlite:///{}", b"no database" * 100, "file is not a database"),
        ("journal:{}", b"hello\nworld\n\n", "or not a journal: line 1 is not an entry of a journal: 'hello'"),
        ("journal:{}", b'{"op_code": 99}\n', "is broken, or not a journal"),
        ("journal:{}", ENTRY + b'{"op_code":4,"wor' + ENTRY, "line 2 is not an entry of a journal"),
        ("journal:{}", ENTRY + ENTRY[:9] + b"\n", "line 2 is not an entry of a journal"),
        ("sqlite:///{}/in/no/folder", b"", "unable to open"),
        ("journal:{}/in/no/folder", b"", "Not a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, url, content, said):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(HepexpError, match=said):
        open_storage(url.format(tmp_path / "file"))


def test_a_journal_survives_a_writer_that_was_killed_in_the_middle_of_a_line(tmp_path):
    url = f"journal:{tmp_path / 'a.log'}"
    reader = open_storage(url)
    make_study(open_storage(url), "before", PLAN)
    with open(tmp_path / "a.log", "ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","stu')
    assert load_study(reader, "before").trials == []
    make_study(open_storage(url), "after", PLAN)
    assert load_study(reader, "after").trials == []
    assert load_study(open_storage(url), "before").trials == []


@pytest.mark.parametrize("name", ["why?", "100%", "a#b", "p%41q", "x&y=1 ünï"])
def test_sweeps_are_kept_in_a_folder_of_any_name(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    optuna.create_study(storage=open_storage(address(None)), study_name="s")
    assert [path.name for path in (tmp_path / name).iterdir()] == ["sweeps.db"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_journal_that_breaks_while_it_is_used_is_one_line(tmp_path):
    url = f"journal:{tmp_path / 'a.log'}"
    study = make_study(open_storage(url), "name", PLAN)
    with open(tmp_path / "a.log", "ab") as file:
        file.write(b"{broken\n" + ENTRY)
    with (
        pytest.raises(HepexpError, match=r"a\.log is broken, or not a journal: line \d+ is not an entry"),
        reached(url),
    ):
        study.get_trials()


@pytest.mark.parametrize("given", [[], ["sweep.storage=sqlite:///typo.db"], ["sweep.storage=journal:typo.log"]])
def test_a_sweep_that_does_not_exist_is_refused_and_nothing_is_made(tmp_path, monkeypatch, given):
    monkeypatch.delenv("HEPEXP_RUNS_DIR", raising=False)
    monkeypatch.delenv("HEPEXP_SWEEP_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"there are no sweeps yet: .*(sweeps.db|typo.db|typo.log) does not exist"):
        main(["--resume", "nosuch", *given])
    assert not list(tmp_path.iterdir())


def test_a_log_that_is_a_link_out_of_the_runs_folder_is_not_written(tmp_path, monkeypatch, storage):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / "sweeps" / "nice"
    folder.mkdir(parents=True)
    (folder / "worker_0.log").symlink_to(tmp_path / ".bashrc")
    with pytest.raises(ConfigError, match=r"worker_0.log is a link to .*\.bashrc, out of"):
        run("nice", SweepOptions(), make_study(storage, "nice", PLAN), f"sqlite:///{tmp_path / 'a.db'}", None)
    assert not (tmp_path / ".bashrc").exists()
