"""A package of one's own: that of the how-tos trains as printed there, and one that is wrong is named in one line."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hepexp.batch import DataSpec
from hepexp.cli import doctor, main
from hepexp.config import figures_of_merit, metrics, plugins, schema, source
from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.options import EvaluationOptions
from hepexp.sweep.directions import directions_of
from tests import pages
from tests.commands import plugin
from tests.commands.shell import started
from tests.commands.test_own_data import write as own_root_file

SMALL = ("data=qg", "dataset.n_train=32", "dataset.n_val=32", "dataset.n_test=32", "trainer=quick")


@pytest.fixture(scope="module")
def myjets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The how-tos' package as pip would install it: on Python's path, with its entry point beside it."""
    folder = tmp_path_factory.mktemp("plugin")
    plugin.write(folder, {**plugin.printed_files(), "myjets/myjets/__init__.py": ""})
    project = tomllib.loads((folder / "myjets" / "pyproject.toml").read_text())["project"]
    (named,) = project["entry-points"]["hepexp.plugins"].items()
    plugin.register(folder / "myjets", *named)
    return folder / "myjets"


def forget() -> None:
    plugins.registered.cache_clear()
    schema.signature.cache_clear()
    source._statements.cache_clear()
    cached = (metrics.declarations, metrics.faults, metrics.of_loss, metrics.find, metrics.owners_of_figures_of_merit)
    for each in (*cached, figures_of_merit.classes):
        each.cache_clear()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Puts a folder on this process's path, and takes it away with all that was imported from it."""
    modules = set(sys.modules)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))

    def register(folder: Path) -> None:
        monkeypatch.syspath_prepend(str(folder))
        forget()

    yield register
    monkeypatch.undo()
    forget()
    for name in set(sys.modules) - modules:
        if name.split(".")[0] in ("mine", "myjets"):
            del sys.modules[name]


def commands() -> list[list[str]]:
    """The commands of the page, as words after hepexp."""
    return pages.commands(pages.block_after("howto/own_package", "tab completion included:"))


@pytest.fixture(scope="module")
def trained(myjets: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The training of the page, run by the real command; its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    (words,) = [words for words in commands() if words[0] == "train" and "-m" not in words]
    done = started(folder, *words, PYTHONPATH=str(myjets))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_package_trains_and_prints_what_the_page_says(trained: tuple[Path, str]):
    def figures(text: str) -> dict[str, list[float]]:
        return {k: [float(v), float(e)] for k, v, e in re.findall(r"(test/\S+) +([\d.]+) ± ([\d.]+)", text)}

    printed, promised = figures(trained[1]), figures(pages.block_after("howto/own_package", "every classifier gets:"))
    assert set(promised) == set(printed)
    for key, (value, error) in promised.items():
        assert printed[key][0] == pytest.approx(value, abs=2 * error)


def test_it_is_part_of_every_command(registered, trained, myjets, monkeypatch, capsys):
    registered(myjets)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(trained[0] / "runs"))
    monkeypatch.chdir(trained[0])
    assert main.main(["data", "export", "qg", "--split", "val", "--format", "energyflow", "--out", "jets.npz"]) == 0
    for verb, *words in commands():
        capsys.readouterr()
        if verb == "train":
            compose(read(words))
            continue
        assert main.main([verb, *words]) == 0
        printed = capsys.readouterr().out
        if verb == "list":
            assert "Deep sets on the momentum shares of the particles" in printed
    assert (trained[0] / "scores.parquet").is_file()


def test_show_prints_what_the_page_says(registered, myjets, capsys):
    registered(myjets)
    assert main.main(["show", "model=deep_sets"]) == 0
    printed = "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())
    assert printed == pages.block_after("howto/own_model", "`hepexp show model=deep_sets` prints")
    for line, found in {"train loss=fo": "loss=focal", "train model=deep_sets model.": "model.width="}.items():
        assert main.main(["__complete", f"hepexp {line}"]) == 0
        assert capsys.readouterr().out.split() == [found]


def test_doctor_has_a_line_on_it(registered, myjets):
    registered(myjets)
    (finding,) = doctor._plugins()
    assert (finding.name, finding.state) == ("plug-in myjets", "ok")
    assert finding.found.endswith(f"{myjets / 'myjets'}: dataset=our_jets, loss=focal, model=deep_sets, task=my_study")


def test_files_of_ones_own_are_a_data_set_under_the_name_of_one_yaml(registered, myjets, monkeypatch, tmp_path, capsys):
    registered(myjets)
    monkeypatch.chdir(tmp_path)
    for first, name in enumerate(("qcd_1", "qcd_2", "top_1")):
        own_root_file(Path(f"data/{name}.root"), first, n=20, labelled=False)
    assert main.main(["data", "show", "our_jets", "--no-pictures"]) == 0
    shown = capsys.readouterr().out.split()
    assert shown[shown.index("jets") + 1] == "60"
    assert shown.index("QCD") < shown.index("top")
    compose(read(["data=our_jets", "model=deep_sets"]))
    assert main.main(["__complete", "hepexp train data=our"]) == 0
    assert capsys.readouterr().out.split() == ["data=our_jets"]


NET = """
from torch import nn

class Net(nn.Module):
    input = "particles"

    def __init__(self, *, n_classes: int):
        super().__init__()
        self.layer = nn.Linear(4, n_classes)

    def forward(self, batch):
        return self.layer(batch.p4.sum(1).float())
"""
LOSS = """
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.losses.objective import Objective

class Loss(Objective):
    evaluator = ClassificationEvaluator()

    def terms(self, model, batch):
        scores = model(batch).softmax(1)
        return {"loss": scores.mean()}, {"scores": scores}
"""
MODELS = {
    "elsewhere": (NET, "_target_: os.path.join", "model=mine: _target_ os.path.join is not allowed"),
    "no class": (NET, "_target_: mine.net.Nett", "mine.net has no Nett; did you mean Net?"),
    "no module": (NET, "_target_: mine.nets.Net", "_target_ mine.nets.Net does not exist: there is no module mine"),
    "no YAML": (NET, "_target_: [mine", "mine/conf/model/mine.yaml"),
    "no Python": ("class Net(:\n", "", "mine/net.py:1 is not valid Python: invalid syntax"),
    "a broken import": (f"import no_such_module\n{NET}", "", "mine.net.Net cannot be imported: ModuleNotFoundError: No "
                        "module named 'no_such_module' (FOLDER/mine/net.py:1)"),
    "no input": (NET.replace("input =", "output ="), "", "model=mine: _target_ mine.net.Net is not a model: a "
                 "torch.nn.Module that says what it reads, input = particles, image, graph or features"),
    "no module of torch": (NET.replace("(nn.Module)", "").replace("super().__init__()", ""), "",
                           "model=mine: _target_ mine.net.Net is not a model: a torch.nn.Module "),
    "more than a run knows": (NET.replace("n_classes: int", "n_classes: int, n_pixels: int"), "",
                              "mine.net.Net: missing a required argument: 'n_pixels'; the run supplies class_names, "),
    "a bug": (NET.replace("batch.p4", "batch.momenta"), "", "AttributeError: 'JetBatch' object has no attribute "
              "'momenta' (FOLDER/mine/net.py:12); set HEPEXP_DEBUG=1 for the traceback"),
}  # fmt: skip


def one_error(capsys, folder: Path, *words: str) -> str:
    """The one line of a command that fails, the plug-in's folder left out."""
    assert main.main(list(words)) in (1, 2)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hepexp: error: ")]
    return line.removeprefix("hepexp: error: ").replace(str(folder), "FOLDER")


@pytest.mark.parametrize("wrong", MODELS)
def test_a_model_that_is_wrong_is_named_before_anything_is_written(registered, tmp_path, capsys, wrong):
    code, target, said = MODELS[wrong]
    config = f"# Mine.\n{target or '_target_: mine.net.Net'}\n"
    plugin.write(tmp_path, {"mine/__init__.py": "", "mine/net.py": code, "mine/conf/model/mine.yaml": config})
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    assert said in one_error(capsys, tmp_path, "train", "model=mine", *SMALL)
    assert not (tmp_path / "runs").exists()


NO_EVALUATOR = (
    "loss mine.loss.Loss has no evaluator, which says how its outputs are evaluated, such as ClassificationEvaluator()"
)
LOSSES = {
    "no terms": (LOSS.replace("def terms", "def term"), "loss mine.loss.Loss has no method terms(model, batch)"),
    "no evaluator": (LOSS.replace("    evaluator =", "    judge ="), NO_EVALUATOR),
    "readout, as it was called": (LOSS.replace("    evaluator =", "    readout ="), f"{NO_EVALUATOR}; it is called "
                                  "evaluator now, no longer readout"),
    "an import from before": (LOSS.replace("evaluators.classification import ClassificationEvaluator",
                              "classification_readout import ClassificationReadout"), "_target_ mine.loss.Loss cannot "
                              "be imported: ModuleNotFoundError: No module named 'hepexp.evaluation."
                              "classification_readout' (FOLDER/mine/loss.py:2); it is hepexp.evaluation.evaluators."
                              "classification.ClassificationEvaluator now"),
    "the worst epoch": (LOSS.replace("    evaluator", "    monitor = ('val/auc', 'min')\n    evaluator"), "loss mine."
                        "loss.Loss has monitor = ('val/auc', 'min'), but of val/auc higher values are better; see: "),
    "no objective": (LOSS.replace("(Objective)", ""), "loss=mine: _target_ mine.loss.Loss is not a loss: a "),
}  # fmt: skip


@pytest.mark.parametrize("wrong", LOSSES)
def test_a_loss_that_is_wrong_is_named(registered, tmp_path, capsys, wrong):
    code, said = LOSSES[wrong]
    config = "# Mine.\n_target_: mine.loss.Loss\n"
    plugin.write(tmp_path, {"mine/__init__.py": "", "mine/loss.py": code, "mine/conf/loss/mine.yaml": config})
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    assert one_error(capsys, tmp_path, "train", "model=pfn", "loss=mine", *SMALL).startswith(said)
    assert not (tmp_path / "runs").exists()


FIGURES = """
from hepexp.metric import Metric

RANGE = "0 to 2"
BRIER = (Metric("brier", "lower", "Brier score", "Mean squared error of the probabilities.", range=RANGE),)
ENDLESS = (*ENDLESS,)
"""
EVALUATOR = """
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.metric import Metric
from mine import figures

class Calibrated(ClassificationEvaluator):
    metrics = (
        *figures.BRIER,
        Metric(f"brier_{2}", "lower", "Brier score", "Not literal."),
    )

class Endless(ClassificationEvaluator):
    metrics = figures.ENDLESS
"""


def test_a_figure_of_ones_own_is_declared_by_its_evaluator(registered, tmp_path, capsys):
    loss = LOSS.replace("evaluator = ClassificationEvaluator()", "evaluator = Calibrated()")
    loss = loss.replace(
        "from hepexp.evaluation.evaluators.classification import Class", "from mine.evaluator import Calibrated #"
    )
    plugin.write(tmp_path, {
        "mine/__init__.py": "", "mine/figures.py": FIGURES, "mine/evaluator.py": EVALUATOR, "mine/loss.py": loss,
    })  # fmt: skip
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    assert main.main(["list", "metric"]) == 0
    printed = capsys.readouterr()
    assert ["test/brier", "lower"] in [line.split()[:2] for line in printed.out.splitlines()]
    for place in ("evaluator.py:9: mine.evaluator.Calibrated", "figures.py:6: mine.evaluator.Endless"):
        assert f"{tmp_path}/mine/{place}.metrics must be Metric(...) with literal values, or names of" in printed.err
    assert directions_of(["val/brier", "val/auc"], [], "mine.loss.Loss") == ["minimize", "maximize"]


def test_a_figure_of_merit_is_one_file_that_every_command_knows(registered, tmp_path, capsys):
    code = pages.block_after("howto/own_metric", "A figure of merit of classifiers is one file")
    plugin.write(tmp_path, {"mine/__init__.py": "", "mine/brier.py": code})
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    for words, said in (
        (["list", "metric"], "Mean squared error of the probabilities."),
        (["show", "metric=brier"], "evaluation.metrics=[brier_score]"),
    ):
        assert main.main(words) == 0
        assert said in " ".join(capsys.readouterr().out.split())
    asked = compose(read(["evaluation.metrics=[brier_score]"])).evaluation
    loss = "hepexp.losses.cross_entropy.CrossEntropy"
    assert directions_of(["val/brier"], [], loss, asked) == ["minimize"]
    for words in ("train evaluation.metrics=[brir_score]", "train evaluation.metrics=[brir]"):
        assert "evaluation.metrics: there is no figure of merit 'bri" in one_error(capsys, tmp_path, *words.split())
    spec = DataSpec(("background", "signal"))
    evaluator = ClassificationEvaluator().with_options(EvaluationOptions(metrics=["brier"]), spec)
    scores = np.array([[0.2, 0.8], [0.6, 0.4]])
    outputs = {"index": np.arange(2), "label": np.array([1, 1]), "scores": scores, "loss": -np.log(scores[:, 1])}
    assert evaluator.quick(outputs)["brier"] == pytest.approx((0.08 + 0.72) / 2)
    weighted = evaluator.quick({**outputs, "weight": np.array([3.0, 1.0])})
    assert weighted["brier"] == pytest.approx((3 * 0.08 + 0.72) / 4)
    assert metrics.find("test/brier", loss).heading == "Brier score"


def test_a_bug_in_training_keeps_its_traceback_and_the_terminal_says_where(registered, trained, tmp_path, capsys):
    shutil.copytree(trained[0] / "runs", tmp_path / "runs", symlinks=True)  # a new MLflow store takes seconds
    code = NET.replace("return", "1 / (not self.training)\n        return")
    config = "# Mine.\n_target_: mine.net.Net\n"
    plugin.write(tmp_path, {"mine/__init__.py": "", "mine/net.py": code, "mine/conf/model/mine.yaml": config})
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    said = one_error(capsys, tmp_path, "train", "model=mine", *SMALL, "trainer.progress=false", "experiment=bugs")
    log = (tmp_path / "runs" / "latest").resolve() / "log.txt"
    assert said == (
        "ZeroDivisionError: division by zero (FOLDER/mine/net.py:12); the traceback is in "
        f"{str(log).replace(str(tmp_path), 'FOLDER')}"
    )
    kept = [log, *(tmp_path / "runs" / "mlartifacts").glob("**/traceback.txt")]
    assert len(kept) == 2
    assert all(f'File "{tmp_path}/mine/net.py", line 12, in forward' in file.read_text() for file in kept)


def test_a_package_that_is_not_there_is_named_and_hurts_no_other(registered, tmp_path, capsys):
    plugin.register(tmp_path, "mine", "gone")
    registered(tmp_path)
    said = (
        "plug-in mine: its entry point names gone, but there is no such package (a folder of modules); install it, or: "
    )
    assert main.main(["list", "model"]) == 0
    assert capsys.readouterr().err == f"hepexp: note: {said}pip uninstall mine\n"
    assert one_error(capsys, tmp_path, "train", "model=gone").endswith(f"; {said}pip uninstall mine")
    (finding,) = doctor._plugins()
    assert (finding.state, finding.advice) == ("broken", f"{said}pip uninstall mine")
    compose(read(["model=pfn"]))


def test_doctor_names_what_is_broken_or_hidden(registered, tmp_path):
    config = "# Mine.\n_target_: mine.net.Net\n"
    plugin.write(tmp_path, {
        "mine/__init__.py": "", "mine/net.py": f"import no_such_module\n{NET}",
        "mine/conf/model/mine.yaml": config, "mine/conf/model/pfn.yaml": config,
    })  # fmt: skip
    plugin.register(tmp_path, "mine")
    registered(tmp_path)
    (finding,) = doctor._plugins()
    assert finding.state == "broken"
    broken, hidden = finding.advice.split("; ", 1)
    assert broken.startswith("model=mine: _target_ mine.net.Net cannot be imported: ModuleNotFoundError")
    assert hidden.startswith("model=pfn is hidden by ")
