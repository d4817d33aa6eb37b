"""What a signal raises may get lost or change on its way; the signal does not."""

import os
import signal
import subprocess
import sys

import pytest

from hepexp.errors import HepexpError, Interrupted
from hepexp.interrupts import Interrupts


class Signalling:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def interrupted(work, match="SIG"):
    """Whether work(interrupts) ends by `Interrupted`."""
    with pytest.raises(Interrupted, match=match), Interrupts() as interrupts:
        work(interrupts)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_that_a_finaliser_drops_is_raised_again():
    interrupted(lambda interrupts: Signalling() and None, "SIGTERM")
    interrupted(lambda interrupts: (Signalling() and None, interrupts.check(), pytest.fail("not raised")), "SIGTERM")


def test_an_exception_that_became_another_is_an_interruption():
    def work(interrupts):
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException as error:
            raise HepexpError("a worker ended") from error

    interrupted(work, "SIGINT")


def test_what_is_held_is_finished_first():
    done = []

    def work(interrupts):
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            done.append("record")
        interrupts.check()
        done.append("more")

    def impatient(interrupts):
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            done.append("a store that does not answer")

    interrupted(work)
    interrupted(impatient)
    assert done == ["record"]


def test_a_second_signal_does_not_wait_for_the_batch():
    done = []

    def work(interrupts):
        interrupts.wait_for_batch = True
        signal.raise_signal(signal.SIGINT)
        done.append("batch")
        signal.raise_signal(signal.SIGINT)
        done.append("more")

    interrupted(work)
    assert done == ["batch"]


def test_a_forked_process_leaves_ctrl_c_to_its_parent():
    with Interrupts() as interrupts:
        child = os.fork()
        if not child:
            signal.raise_signal(signal.SIGINT)
            os._exit(7 if interrupts.signal is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        child = os.fork()
        if not child:
            signal.raise_signal(signal.SIGTERM)
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


# the module that is being imported when the signal comes, as `python -m hepexp` and the installed command do
AT_IMPORT = """
import signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            signal.raise_signal({number})
sys.meta_path.insert(0, Finder())
sys.argv = ["hepexp", *{words}]
from hepexp.__main__ import run
sys.exit(run())
"""


@pytest.mark.parametrize("number", Interrupts.SIGNALS)
@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("hepexp.cli.main", ["list"]),
        ("hepexp.cli.list", ["list"]),
        ("hydra", ["train", "model=pfn", "data=qg"]),
        ("torch", ["train", "model=pfn", "data=qg"]),
        ("torch", ["__work", "name", "run"]),
    ],
)
def test_a_signal_while_modules_load_is_one_line_and_exit_code_130(tmp_path, module, words, number):
    code = AT_IMPORT.format(module=module, number=int(number), words=words)
    environment = {**os.environ, "HEPEXP_RUNS_DIR": str(tmp_path / "runs")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (130, "hepexp: error: interrupted\n", "")
