import json
import subprocess
import sys

import pytest

import hepexp
from hepexp.tracking.provenance import MAX_DIFF, checkout_state, environment, version


@pytest.fixture
def checkout(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return package


def test_environment_is_json_and_names_what_matters(monkeypatch):
    monkeypatch.setenv("HEPEXP_DATA_DIR", "somewhere")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("HEPEXP_SWEEP_STORAGE", "postgresql://me:hidden@host/sweeps")
    found = json.loads(json.dumps(environment(["model=pfn", "name=a b"])))
    assert found["command"] == "hepexp train model=pfn 'name=a b'"  # a process that hepexp train did not start
    assert found["packages"]["torch"]
    assert found["packages"]["hepexp"]
    assert found["hardware"]["cores"] >= 1
    assert found["hardware"]["memory_gib"] > 0
    assert found["variables"]["HEPEXP_DATA_DIR"] == "somewhere"
    assert not {"SECRET_TOKEN", "HEPEXP_SWEEP_STORAGE"} & found["variables"].keys()


def test_the_command_is_what_was_typed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/hepexp", "train", "-m", "data=qg,top", "name=a b"])
    assert environment(["dataset=qg", "name=a b"])["command"] == "hepexp train -m data=qg,top 'name=a b'"


def test_a_clean_checkout_is_its_commit(checkout):
    state = checkout_state(checkout)
    assert len(state["sha"]) == 40
    assert (state["dirty"], state["diff"], state["untracked"]) == (False, "", [])
    assert version(checkout) == f"{hepexp.__version__}, commit {state['sha'][:10]}"


def test_the_diff_rebuilds_a_dirty_checkout(checkout):
    (checkout / "__init__.py").write_text("a = 2\n")
    (checkout / "new.py").write_text("b = 3\n")
    state = checkout_state(checkout)
    assert state["dirty"]
    assert state["untracked"] == ["package/new.py"]
    assert version(checkout).endswith(f"{state['sha'][:10]}, with uncommitted changes")
    subprocess.run(["git", "checkout", "."], cwd=checkout.parent, check=True, capture_output=True)
    subprocess.run(["git", "apply"], cwd=checkout.parent, check=True, input=state["diff"].encode())
    assert (checkout / "__init__.py").read_text() == "a = 2\n"


def test_a_long_diff_says_that_it_was_cut(checkout):
    (checkout / "__init__.py").write_text("a = 2\n" * (MAX_DIFF // 6))
    assert "cut here" in checkout_state(checkout)["diff"][-60:]


def test_a_wheel_inside_a_foreign_repository_is_not_a_checkout(checkout):
    installed = checkout.parent / "venv" / "hepexp"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert checkout_state(installed) is None
    assert version(installed) == hepexp.__version__


def test_outside_git_there_is_no_state(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert checkout_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert checkout_state(tmp_path) is None
