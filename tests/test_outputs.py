"""Outputs that are closed, full, read no further, or know few letters cost nothing but what they cannot show."""

import subprocess
import sys
from pathlib import Path

import pytest

from hepexp.cli import main as shell

COMMAND = f"'{sys.executable}' -m hepexp"


def bash(script: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, check=False)


# a record that is written after both outputs were used, as a training's
WRITER = """
import sys
from hepexp.outputs import enduring, failure
with enduring() as outputs:
    for k in range(2000):
        print("0.7231 ± 0.0042 \\udcff", flush=True)
        print("0.7231 ± 0.0042", file=sys.stderr)
    with open("record.txt", "w", encoding="utf-8") as record:
        assert record.fileno() > 2
        record.write("± " + str(failure(outputs["stdout"])))
"""


@pytest.mark.parametrize(
    ("redirection", "first", "failure"),
    [
        ("", "0.7231 ± 0.0042 ?", "None"),
        (">&- 2>&- <&-", "", "None"),
        (">/dev/full 2>/dev/full", "", "No space left on device"),
        ("2>&1 | head -1", "0.7231 ± 0.0042 ?", "None"),
        ("2>/dev/full | head -1", "0.7231 ± 0.0042 ?", "None"),
    ],
)
def test_the_work_is_finished_whatever_the_outputs_take(tmp_path, redirection, first, failure):
    (tmp_path / "writer.py").write_text(WRITER, encoding="utf-8")
    done = bash(f"set -o pipefail; PYTHONIOENCODING=utf-8 '{sys.executable}' writer.py {redirection}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "record.txt").read_text(encoding="utf-8") == f"± {failure}"
    assert done.stdout.decode().partition("\n")[0] == first


def test_letters_that_the_terminal_lacks_are_spelled(tmp_path):
    (tmp_path / "writer.py").write_text(WRITER, encoding="utf-8")
    done = bash(f"PYTHONIOENCODING=ascii '{sys.executable}' writer.py", tmp_path)
    assert done.returncode == 0
    assert done.stdout.split(b"\n")[0] == b"0.7231 +- 0.0042 ?"
    assert done.stderr.split(b"\n")[0] == b"0.7231 +- 0.0042"
    assert (tmp_path / "record.txt").read_bytes() == "± None".encode()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("list model >/dev/full", 1, b"hepexp: error: standard output could not be written: No space left on device\n"),
        ("list model >&-", 0, b""),
        ("list model 2>&-", 0, b""),
        ("list model | head -1", 0, b""),
        ("list nothing 2>&-", 2, b""),
        ("list nothing >&- 2>/dev/full", 2, b""),
    ],
)
def test_the_exit_code_is_that_of_the_request(tmp_path, words, code, said):
    done = bash(f"set -o pipefail; {COMMAND} {words}", tmp_path)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_command_whose_result_is_on_disk_is_done_though_its_table_is_lost(monkeypatch, capsys):
    monkeypatch.setattr(shell, "_run", lambda args: 0)
    monkeypatch.setattr(shell, "failure", lambda descriptor: "No space left on device")
    assert shell.main(["train"]) == 0
    assert "warning: standard output could not be written: No space left on device" in capsys.readouterr().err
    assert shell.main(["compare"]) == 1
