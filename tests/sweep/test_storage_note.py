import pytest

from hepexp.cli.sweep import main
from hepexp.errors import ConfigError, DataError
from hepexp.sweep.storage import open_storage
from hepexp.sweep.storage_note import address_in, holds, server, write_note
from hepexp.sweep.study import make_study
from tests.sweep.plans import PLAN


def test_a_file_is_found_again_though_the_runs_were_moved(tmp_path):
    folder = tmp_path / "runs" / "sweeps" / "name"
    folder.mkdir(parents=True)
    for url, file in (("sqlite:///{}", "sweeps.db"), ("journal:{}", "a.log")):
        (tmp_path / "runs" / file).touch()
        write_note(url.format(tmp_path / "runs" / file), folder)
        assert address_in(folder) == url.format(tmp_path / "runs" / file)
    moved = tmp_path / "moved"
    (tmp_path / "runs").rename(moved)
    assert address_in(moved / "sweeps" / "name") == f"journal:{moved / 'a.log'}"
    (moved / "a.log").unlink()
    assert address_in(moved / "sweeps" / "name") is None


def test_a_file_elsewhere_is_found_though_the_runs_were_moved(tmp_path):
    folder = tmp_path / "runs" / "sweeps" / "name"
    folder.mkdir(parents=True)
    (tmp_path / "shared.log").touch()
    write_note(f"journal:{tmp_path / 'shared.log'}", folder)
    (tmp_path / "far").mkdir()
    moved = (tmp_path / "runs").rename(tmp_path / "far" / "moved")
    assert address_in(moved / "sweeps" / "name") == f"journal:{tmp_path / 'shared.log'}"


def test_a_server_is_named_without_its_password(tmp_path):
    write_note("postgresql://me:secret@host/db", tmp_path)
    assert address_in(tmp_path) is None
    assert server(tmp_path) == "postgresql://me:***@host/db"
    assert "secret" not in (tmp_path / "storage.json").read_text(encoding="utf-8")
    assert server(tmp_path / "none") is None


@pytest.mark.parametrize("url", ["sqlite:///{}", "journal:{}"])
def test_a_file_that_has_no_such_sweep_is_not_touched(tmp_path, monkeypatch, url):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / "sweeps" / "nice"
    folder.mkdir(parents=True)
    for file in (tmp_path / "places", tmp_path / "sweeps"):
        write_note(url.format(file), folder)
        if file.name == "places":  # the user's own, which a stranger's folder names
            file.write_bytes(content := b"" if url.startswith("sqlite") else b"export A=1\n")
        else:
            make_study(open_storage(url.format(file)), "other", PLAN)
            content = file.read_bytes()
        with pytest.raises(ConfigError, match=r"storage.json names .*, which has no sweep 'nice'"):
            main(["--resume", "nice"])
        assert file.read_bytes() == content
    assert holds(url.format(tmp_path / "sweeps"), "other")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"kind": "journ',
        b"\xff\x00",
        b"{}{",
        b'{"kind": "journal", "path": 3}',
        b'{"path": "a"}',
        b'{"kind": []}',
        None,
    ],
)
def test_a_damaged_note_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    file = tmp_path / "sweeps" / "name" / "storage.json"
    file.parent.mkdir(parents=True)
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{file} [^\n]+; remove it, and give sweep\.storage=\.\.\. if [^\n]+$"):
        main(["--resume", "name"])
    assert [path.name for path in tmp_path.iterdir()] == ["sweeps"]  # no database was made
