"""`list` and `show`: the files' comments and the constructors' signatures, as tables."""

from pathlib import Path

import pytest

from hepexp.cli import main as shell
from hepexp.config import catalog, recipe, schema, yaml_file
from hepexp.config.command_line import read
from hepexp.config.overrides import compose

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = sorted(path.relative_to(CONF) for path in CONF.rglob("*/*.yaml"))  # with what several include


def printed(capsys, *words):
    assert shell.main(list(words)) == 0
    return capsys.readouterr().out


def test_list_names_every_option_with_its_first_comment(capsys):
    text = printed(capsys, "list")
    for group in catalog.groups(catalog.folders()):
        assert f"{group}=" in text
        for name, path in catalog.options(group, catalog.folders()).items():
            assert name in text
            assert yaml_file.description(path)[:60] in text


@pytest.mark.parametrize(
    ("width", "words"),
    [(80, ("data", "list")), *((width, ("show", "dataset=qg")) for width in (60, 80, 120)), (80, ("list", "task"))],
)
def test_texts_wrap_on_a_narrow_terminal_and_lose_no_word(capsys, monkeypatch, width, words):
    whole = printed(capsys, *words)
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = printed(capsys, *words)
    assert not [line for line in narrow.splitlines() if len(line) > width and not line.startswith("hepexp ")]
    headings = {"key", "value", "default", "type", "meaning", ""}
    assert {word.strip("─;") for word in whole.split()} - headings <= {word.strip("─;") for word in narrow.split()}


def test_list_of_a_group_by_its_alias(capsys):
    names = [line.split()[0] for line in printed(capsys, "list", "data").splitlines() if line.strip()]
    assert set(names) == {path.stem for path in (CONF / "dataset").glob("*.yaml")}


def test_show_gives_key_value_type_and_meaning(capsys):
    text = printed(capsys, "show", "optimizer=sgd")
    line = next(line for line in text.splitlines() if line.startswith("optimizer.lr "))
    assert line.split()[1:4] == ["0.002", "0.002", "float"]
    assert "learning rate" in line


def test_show_gives_keys_that_the_file_leaves_out(capsys):
    text = printed(capsys, "show", "trainer=quick")
    line = next(line for line in text.splitlines() if line.startswith("trainer.time_limit "))
    assert line.split()[1:3] == ["null", "null"]


def test_show_gives_the_keys_of_an_object_among_the_values(capsys):
    lines = printed(capsys, "show", "dataset=qg").splitlines()
    keys = [line.split()[0] for line in lines if line.startswith("dataset.")]
    starts = {line.split()[0]: line.split() for line in lines if line.startswith("dataset.")}
    assert keys[keys.index("dataset.image") :][:3] == ["dataset.image", "dataset.image.n_pixels", "dataset.image.width"]
    assert starts["dataset.image"][1] == "JetImage"
    assert starts["dataset.image.n_pixels"][1:4] == ["33", "33", "int"]
    assert starts["dataset.graph.k"][1:4] == ["16", "16", "int"]
    assert "dataset.features.variables" in keys
    assert not any("_target_" in line for line in lines)


def test_every_key_that_is_shown_can_be_set(capsys):
    """`show` and the check of overrides read the same signatures."""
    for line in printed(capsys, "show", "dataset=qg").splitlines():
        if line.startswith(("dataset.image.", "dataset.graph.", "dataset.features.")):
            key, value = line.split()[:2]
            if not value.startswith("["):
                compose(read([f"{key}={value}"]))


def test_show_of_a_task_gives_its_choices_and_published_figures(capsys):
    text = printed(capsys, "show", "task=qmlhep_2_lorentznet")
    assert any(line.split() == ["model=", "lorentznet"] for line in text.splitlines())
    assert any(line.split() == ["test/auc", "0.8880"] for line in text.splitlines())
    assert "https://arxiv.org/abs/2201.08187" in text  # a published figure has its source beside it
    assert "80,000 training" in text


def test_show_of_a_task_gives_what_it_shares_with_others(capsys):
    lines = printed(capsys, "show", "task=siamese_mnist_classical").splitlines()
    words = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert (words["loss="], words["dataset="], words["backend="]) == (["pair"], ["mnist"], ["classical"])
    assert words["dataset.batch_size"][:2] == ["128", "as"]  # with its reason
    assert words["model.n_qubits"] == ["4"]  # 8 in the file that it includes


def test_show_of_a_run_gives_its_keys_with_meanings_and_none_of_hydra(capsys):
    lines = printed(capsys, "show", "train").splitlines()
    assert any(line.split()[:2] == ["seed", "1"] for line in lines)
    keys = [line.split() for line in lines[lines.index("sets") + 1 :]]
    assert [words[0] for words in keys if len(words) < 3] == []
    assert not any(line.strip().startswith("hydra") for line in lines)


def test_list_metric_has_a_line_on_each(capsys):
    lines = {line.split()[0]: line.split() for line in printed(capsys, "list", "metric").splitlines()}
    assert lines["test/knn_auc"][1] == "higher"
    assert lines["test/mismatch"][1] == "lower"
    assert "test/rejection_{eS}" in lines


def test_show_metric_says_what_it_means_for_each_that_computes_it(capsys):
    text = printed(capsys, "show", "metric=val/angle_error_deg")
    assert "rotation of the latent plane" in text
    assert "principal angle between the learnt generators" in text
    assert "hepexp.evaluation.evaluators.generators.GeneratorEvaluator" in text


@pytest.mark.parametrize("path", OPTIONS, ids=str)
def test_every_shipped_option_fits_its_constructor_and_is_documented(path):
    content = yaml_file.load(CONF / path)
    opening = yaml_file.header(CONF / path)
    assert len(opening) >= 2, "say what it is, then the command"
    assert opening[0].endswith("."), "the line that `list` prints is a sentence of its own"
    command = f"hepexp {path.parts[0] if path.parts[0] in ('study', 'sweep') else 'train'}"
    assert any(command in line for line in opening)
    if schema.TARGET not in content:
        return
    given = {key: ["mine.root"] if value == "???" else value for key, value in content.items()}
    recipe.check(given.pop(recipe.RECIPE, {}), str(path))
    schema.check(given, path.parent.name, path.stem)
    found = schema.signature(content[schema.TARGET])
    undocumented = [name for name, parameter in found.parameters.items() if not parameter.doc]
    untyped = [name for name, parameter in found.parameters.items() if parameter.annotation is None]
    assert (undocumented, untyped) == ([], [])


def test_show_draws_a_circuit_with_the_keys_that_are_typed(capsys, tmp_path):
    file = tmp_path / "brick.png"
    text = printed(capsys, "show", "circuit=brick", "circuit.n_qubits=3", "--save", str(file))
    assert "3 qubits, 3 inputs, 3 trained angles, 11 gates, 3 outputs, depth 5" in text
    assert "0: ──H──RY(x0)──●──RY(θ0)────────── ⟨Z⟩" in text
    assert file.read_bytes().startswith(b"\x89PNG")
    before = file.stat().st_mtime_ns
    assert shell.main(["show", "circuit=brick", "--save", str(file)]) == 2
    assert "exists; choose another name, or replace it with --overwrite" in capsys.readouterr().err
    assert file.stat().st_mtime_ns == before
    printed(capsys, "show", "circuit=brick", "--save", str(file), "--overwrite")
    assert file.stat().st_mtime_ns > before
    assert "|x⟩" in printed(capsys, "show", "circuit=amplitude")  # what the inputs are


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("circuit=brick circuit.n_qubit=3", "circuit.n_qubit is not an option of brick; did you mean n_qubits?"),
        ("circuit=brick n_qubits=3", "cannot read 'n_qubits=3': expected circuit.KEY=VALUE; did you mean"),
        ("circuit=brick circuit.n_qubits=1,2", "cannot read 'circuit.n_qubits=1,2': expected circuit.KEY=VALUE"),
        ("circuit=gates circuit.gates=[CNTO]", "a gate must read like 'RX(x0) 0', got 'CNTO'"),
        ("model=pfn --save a.png", "--save is for circuits"),
        ("circuit=brick --save a.exe", "--save must end in .png, got a.exe"),
        (
            "model=pfn data=mnist",
            "takes one option, here model=pfn, without data=mnist; only circuits are shown with",
        ),
        ("model=pfn data=qg", "The config of such a run: hepexp train model=pfn data=qg --cfg job"),
        ("train model.width=3", "hepexp train model.width=3 --cfg job"),
        (
            "metric=test/auc data=qg",
            "hepexp show metric=test/auc takes no data=qg: only circuits are shown with other keys",
        ),
    ],
)
def test_a_circuit_that_cannot_be_shown_is_one_line(words, message, capsys):
    assert shell.main(["show", *words.split()]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert not said.out  # found before anything is shown
