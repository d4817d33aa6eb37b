"""Run the real command, as a user does, in an empty folder."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from hepexp.cli.main import main
from tests.commands import shell
from tests.lean import be_lean

Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session", autouse=True)
def lean() -> Iterator[None]:
    """Trainings of commands that run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        be_lean(patch)
        yield


@pytest.fixture
def hepexp(tmp_path: Path) -> Command:
    """`hepexp("train", "model=pfn")` runs it and returns what it printed and its exit code."""
    return partial(shell.hepexp, tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """`run("train", "model=pfn")` runs it in this process and the working folder: exit code, and what was said."""

    def of(*words: str) -> str:
        code = main(list(words))
        said = capsys.readouterr()
        return f"{code} {said.err}{said.out}"

    return of
