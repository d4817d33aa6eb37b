from hepexp.sweep.noted import note, noted, server


def test_a_file_is_found_again_though_the_runs_were_moved(tmp_path):
    folder = tmp_path / "runs" / "sweeps" / "name"
    folder.mkdir(parents=True)
    for url, file in (("sqlite:///{}", "sweeps.db"), ("journal:{}", "a.log")):
        (tmp_path / "runs" / file).touch()
        note(url.format(tmp_path / "runs" / file), folder)
        assert noted(folder) == url.format(tmp_path / "runs" / file)
    moved = tmp_path / "moved"
    (tmp_path / "runs").rename(moved)
    assert noted(moved / "sweeps" / "name") == f"journal:{moved / 'a.log'}"
    (moved / "a.log").unlink()
    assert noted(moved / "sweeps" / "name") is None


def test_a_file_elsewhere_is_found_though_the_runs_were_moved(tmp_path):
    folder = tmp_path / "runs" / "sweeps" / "name"
    folder.mkdir(parents=True)
    (tmp_path / "shared.log").touch()
    note(f"journal:{tmp_path / 'shared.log'}", folder)
    (tmp_path / "far").mkdir()
    moved = (tmp_path / "runs").rename(tmp_path / "far" / "moved")
    assert noted(moved / "sweeps" / "name") == f"journal:{tmp_path / 'shared.log'}"


def test_a_server_is_named_without_its_password(tmp_path):
    note("postgresql://me:secret@host/db", tmp_path)
    assert noted(tmp_path) is None
    assert server(tmp_path) == "postgresql://me:***@host/db"
    assert "secret" not in (tmp_path / "storage.json").read_text(encoding="utf-8")
    assert server(tmp_path / "none") is None
