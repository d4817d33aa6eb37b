"""The shell: verbs, exit codes, one line for every mistake, and answers without the heavy libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hepexp.cli import main as shell
from hepexp.config import source
from hepexp.errors import ConfigError, DataError
from tests.commands.shell import started

HEAVY = {"torch", "pytorch_lightning", "mlflow", "pandas", "matplotlib"}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian model=pfn", "unknown verb 'trian'; did you mean train?"),
        ("tune model=pfn", "unknown verb 'tune'; type hepexp sweep ("),
        ("train model=pfn epochs=3", "unknown group or key 'epochs'; did you mean trainer.max_epochs?"),
        ("train --model pfn", "unknown flag '--model'; groups and keys are typed without dashes, model=pfn"),
        ("train modle=pfn", "unknown group or key 'modle'; did you mean model?"),
        (
            "train model=lorentnet",
            "unknown model 'lorentnet'; did you mean lorentznet? (options: acts_ckf, boosted_trees, ",
        ),
        ("train data=gq", "unknown dataset 'gq'"),
        ("train model.n_hiden=3", "model.n_hiden is not an option of lorentznet; did you mean n_hidden?"),
        (
            "train model.n_hidden=abc",
            "model.n_hidden: expected a whole number, got 'abc'; see: hepexp show model=lorentznet",
        ),
        ("train data.n_train=many", "dataset.n_train: expected a whole number or null, got 'many'"),
        ("train trainer.max_epochs=1.5", "trainer.max_epochs: expected a whole number, got 1.5"),
        ("train seed=x", "seed: expected a whole number, got 'x'"),
        ("train lorentznet", "cannot read 'lorentznet': expected KEY=VALUE"),
        ("train -m hydra/launcher=jobib", "unknown hydra/launcher 'jobib'; did you mean joblib?"),
        ("list modle", "unknown group 'modle'; did you mean model?"),
        ("show model=pnf", "unknown model 'pnf'; did you mean pfn?"),
        ("show pfn", "unknown group 'pfn': it is a model, model=pfn"),
        ("show auc", "auc is a metric: hepexp show metric=auc"),
        ("show model", "name an option"),
        ("show metric=test/knn_acu", "unknown metric 'test/knn_acu'; did you mean test/knn_auc?"),
        (
            "compare --by rejektion_0.5",
            "--by: there is no figure of merit 'rejektion_0.5'; did you mean rejection_0.5?",
        ),
        ("completion csh", "unknown SHELL 'csh'"),
        ("explain", "the following arguments are required: RUN; see: hepexp explain --help"),
        ("explain latest --mehtod lrp", "unknown argument '--mehtod'; did you mean --method?"),
        ("doctor --jsn", "unknown argument '--jsn'; did you mean --json?"),
        ("ui --port many", "invalid int value: 'many'"),
    ],
)
def test_a_wrong_request_exits_2_with_one_line(words, message, capsys):
    assert shell.main(words.split()) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("hepexp: error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


@pytest.mark.parametrize("words", ["trian", "train model=lorentnet", "train model.n_hidden=abc", "list modle"])
def test_the_real_command_prints_no_traceback(tmp_path, words):
    done = started(tmp_path, *words.split())
    assert done.returncode == 2
    assert done.stderr.startswith("hepexp: error: ")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["--help", "train --help", "list", "list model", "show model=pfn", "show train", "completion bash",
              "list metric", "show metric=test/knn_auc", "__complete 'hepexp show metric=t'",
              "__complete 'hepexp train model.'", "train model=lorentnet", "train model.n_hidden=abc"],
)  # fmt: skip
def test_the_front_does_not_import_heavy_libraries(words, tmp_path):
    code = f"""
import json, shlex, sys
from hepexp.cli.main import main
code = main(shlex.split({words!r}))
print(json.dumps([code, sorted({HEAVY!r} & set(sys.modules))]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    code, imported = json.loads(done.stdout.splitlines()[-1])
    assert imported == []
    assert code == (2 if words.startswith("train model") else 0)


def test_every_verb_has_a_module_and_a_help_page():
    for name, verb in (shell.VERBS | shell.HIDDEN).items():
        assert source.module_file(verb.module), name


def test_help_and_version(capsys):
    assert shell.main([]) == shell.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in shell.VERBS)
    assert shell.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hepexp ")


def test_help_of_a_verb_is_its_own_help(capsys):
    shown = []
    for words in (["help", "list"], ["list", "--help"]):
        with pytest.raises(SystemExit, match="0"):  # argparse's
            shell.main(words)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != ""


@pytest.mark.parametrize(
    ("raised", "code", "printed"),
    [
        (ConfigError("model.n_hidden must be > 0, got -3"), 2, "hepexp: error: model.n_hidden must be > 0, got -3\n"),
        (DataError("a.npz is\ntruncated"), 1, "hepexp: error: a.npz is truncated\n"),
        (KeyboardInterrupt(), 130, "hepexp: error: interrupted\n"),
        (
            ZeroDivisionError("oops"),
            1,
            "hepexp: error: ZeroDivisionError: oops; set HEPEXP_DEBUG=1 for the traceback\n",
        ),
    ],
)
def test_errors_become_one_line_and_an_exit_code(raised, code, printed, capsys, monkeypatch):
    def fail(_):
        raise raised

    monkeypatch.delenv("HEPEXP_DEBUG", raising=False)
    monkeypatch.setattr("hepexp.cli.list.main", fail)
    assert shell.main(["list"]) == code
    assert capsys.readouterr().err.startswith(printed)


def test_a_programmer_can_see_the_traceback(monkeypatch):
    monkeypatch.setenv("HEPEXP_DEBUG", "1")
    monkeypatch.setattr("hepexp.cli.list.main", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shell.main(["list"])


def test_a_reader_that_stops_early_is_no_error(tmp_path):
    command = f"{sys.executable} -m hepexp list | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_registered_package_brings_options_and_targets(tmp_path):
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hepexp.plugins]\nmine = mine\n")
    (tmp_path / "mine" / "conf" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "__init__.py").write_text(
        "from torch import nn\n"
        'class Net(nn.Module):\n    """Mine.\n\n    Parameters\n    ----------\n    width : of it.\n    """\n'
        "    input = 'image'\n    def __init__(self, width: int = 3, *, n_classes: int): ...\n"
    )
    (tmp_path / "mine" / "conf" / "model" / "mine.yaml").write_text("# My network.\n_target_: mine.Net\nwidth: 4\n")
    assert "My network." in started(tmp_path, "list", "model", PYTHONPATH=str(tmp_path)).stdout
    assert "of it" in started(tmp_path, "show", "model=mine", PYTHONPATH=str(tmp_path)).stdout
    wrong = started(tmp_path, "train", "model=mine", "model.widht=3", PYTHONPATH=str(tmp_path))
    assert wrong.stderr == "hepexp: error: model.widht is not an option of mine; did you mean width?\n"
    shown = started(tmp_path, "train", "model=mine", "--cfg", "job", PYTHONPATH=str(tmp_path))
    assert "_target_: mine.Net" in shown.stdout, shown.stderr
