"""Servers are known once the user has named them; wishes of a record count in the store that has it."""

import pytest

from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import known_servers
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder

OURS = "http://mlflow.group.org:5000"


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """A user who has named no server."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (known_servers.VARIABLE, "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize(
    ("uri", "known"),
    [
        (OURS, True),
        (f"{OURS}/prefix", True),
        ("HTTP://MLflow.group.org:5000", True),
        ("http://mlflow.group.org", False),
        ("http://mlflow.group.org:5001", False),
        ("https://mlflow.group.org:5000", False),
        ("http://group.org:5000", False),
        ("http://mlflow.group.org:5000.evil.org", False),
        ("http://evil.org/mlflow.group.org:5000", False),
    ],
)
@pytest.mark.parametrize("how", ["typed", "remembered", "environment", "without a home"])
def test_only_the_same_scheme_host_and_port_are_known(monkeypatch, tmp_path, uri, known, how):
    assert not known_servers.is_known(uri)
    if how == "without a home":
        (tmp_path / "config").write_text("a file, in which no folder can be made")
    if how == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", OURS)
    else:
        known_servers.remember_typed(["seed=1", f"tracking.uri={OURS}"])
    if how == "remembered":  # by an earlier command
        monkeypatch.setenv(known_servers.VARIABLE, "")
    assert known_servers.is_known(uri) == known
    assert known_servers.followed(uri) == (uri if known else None)
    if not known:
        with pytest.raises(HepexpError, match=rf"hepexp sync a --uri {uri}"):
            known_servers.refuse_unknown(uri, "a")


def test_a_server_is_remembered_once():
    for _ in range(3):
        known_servers.remember(OURS)
    assert known_servers.file().read_text() == f"{OURS}\n"
    known_servers.remember(None)
    with pytest.raises(ConfigError, match=r"tracking.uri must be the address of an MLflow server"):
        known_servers.remember("ftp://group.org")


def test_a_name_to_register_counts_in_the_store_that_has_the_run(existing_store, caplog):
    folder = RunFolder.create("hepexp", "pfn")
    assert known_servers.own_wish(folder.path, None) is None
    assert known_servers.own_wish(folder.path, "tagger") is None
    assert "tracking.register=tagger comes from a record that is not of this store" in caplog.text
    params = {"tracking": {"register": "tagger"}}
    MlflowRun.start("hepexp", "pfn", params, {}, folder.path).finish("KILLED")
    assert known_servers.own_wish(folder.path, "tagger") == "tagger"
    assert known_servers.own_wish(folder.path, "other") is None
