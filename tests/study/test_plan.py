"""The runs of a study: every setting at every place with every seed, each a command that can be typed."""

import shlex

import pytest

from hepexp.compare.places import MOST
from hepexp.config import catalog, schema, yaml_file
from hepexp.config.build import instantiate
from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.config.paths import conf_dir
from hepexp.errors import ConfigError
from hepexp.study.every_task import EveryTask
from hepexp.study.figures import undrawable
from hepexp.study.folder import folder_of
from hepexp.study.options import StudyOptions
from hepexp.study.plan import make_plan
from hepexp.study.typed import Typed
from tests.unlike_classifiers import OF_ELEMENTS

TWO = {"small": "model=pfn", "large": "model=pfn optimizer.lr=1e-2"}
MANY = {f"s{k}": f"model=pfn optimizer.lr={k + 1}e-4" for k in range(9)}


def planned(*typed, **keys):
    return make_plan(
        "mine", StudyOptions(**{"settings": TWO, "base": "data=qg", "seeds": 2, **keys}), Typed.read(read([*typed]))
    )


def test_there_is_a_run_for_each_setting_place_and_seed():
    plan = planned(axes={"dataset.n_train": [100, 200], "trainer": ["quick"]})
    assert [row.name for row in plan.rows] == [
        "small n_train=100", "small n_train=200", "large n_train=100", "large n_train=200",
    ]  # fmt: skip
    assert len({tuple(run.words) for run in plan.runs}) == 8
    assert [run.seed for run in plan.runs] == [1] * 4 + [2] * 4  # every row once before any has a second seed


def test_each_command_gives_the_configuration_that_it_stands_for():
    for run in planned(axes={"dataset.n_train": [100, 200]}).runs:
        config = compose(read(shlex.split(shlex.join(run.words))))
        assert (config.seed, config.dataset.n_train) == (run.seed, run.config["dataset"]["n_train"])
        assert config.optimizer.lr == run.config["optimizer"]["lr"]
        assert config.experiment == "mine"


def test_what_is_typed_takes_the_place_of_what_the_file_says():
    plan = planned(
        "data=top", "data.n_train=50", "seed=7,8,9", "optimizer.weight_decay=0.1,0.2", axes={"data.n_train": [1, 2]}
    )
    (seeds,) = {tuple(run.seed for run in row.runs) for row in plan.rows}
    assert seeds == (7, 8, 9)
    assert [row.name for row in plan.rows][:2] == ["small weight_decay=0.1", "small weight_decay=0.2"]
    for run in plan.runs:
        assert "dataset=top" in run.words
        assert run.config["dataset"]["n_train"] == 50
        assert sum(word.startswith("dataset") for word in run.words) == 2


def test_a_length_that_is_typed_is_the_whole_length():
    def length(*typed):
        (trainer,) = [
            run.config["trainer"] for run in planned(*typed, settings={"a": "model=pfn"}, base=base, seeds=1).runs
        ]
        return trainer["max_epochs"], trainer["min_steps"]

    base = "data=qg trainer.max_epochs=2 trainer.min_steps=500"
    assert length() == (2, 500)
    assert length("trainer.max_epochs=5") == (5, None)
    assert length("trainer.max_epochs=5", "trainer.min_steps=10") == (5, 10)


def test_other_overrides_have_a_folder_of_their_own_and_more_seeds_do_not():
    bare = folder_of(planned())
    assert bare.name == "mine"
    assert folder_of(planned("seeds=1")) == folder_of(planned("seed=3")) == bare
    short = folder_of(planned("trainer=quick", "data.n_train=50"))
    assert short.name == "mine,dataset.n_train=50,trainer=quick"
    assert folder_of(planned("data.n_train=50", "trainer=quick")) == short
    long = {folder_of(planned(f"name={'x' * 100}{k}")).name for k in range(2)}
    assert len(long) == 2
    assert all(len(name) < 130 for name in long)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"settings": {}}, "study.settings needs one setting"),
        ({"settings": {"a\nb": ""}}, "a name is 1 to 60 characters"),
        ({"seeds": 0}, "study.seeds must be a number from 1"),
        ({"seeds": [1, 1]}, "distinct seeds"),
        ({"seeds": [-1]}, "study.seeds must be from 0"),
        ({"axes": {"dataset.n_train": []}}, "study.axes.dataset.n_train needs distinct values"),
        ({"axes": {"dataset.n_train": ["1,2"]}}, "is several values"),
        ({"axes": {"seed": [1]}}, "the seeds of a study are study.seeds"),
        ({"axes": {"hydra.run.dir": ["x"]}}, "a run must not set 'hydra.run.dir=x'"),
        ({"against": "smal"}, "study.against=smal is none of the settings"),
        ({"y": []}, "study.y needs one metric or several distinct ones, got []"),
        ({"y": ["auc", "acu"]}, "study.y: there is no metric 'acu'; did you mean auc?"),
        ({"instead": {"trainer": {"quick": {}}}}, "study.instead: trainer=quick is not a value on study.axes"),
        (
            {"axes": {"trainer": ["quick"]}, "instead": {"trainer": {"quick": {"smal": ""}}}},
            "study.instead.trainer.quick: smal is none of the settings; did you mean small?",
        ),
        (
            {"axes": {"trainer": ["quick"]}, "instead": {"trainer": {"quick": {"small": "hydra.x=1"}}}},
            "study.instead.trainer.quick.small: a run must not set 'hydra.x=1'",
        ),
        ({"y": "acu"}, "study.y: there is no metric 'acu'; did you mean auc?"),
        ({"columns": ["parametres"]}, "did you mean parameters?"),
        ({"x": "n_tran"}, "study.x: 'n_tran' is neither a key nor a metric; did you mean n_train?"),
        ({"settings": {"a": "model=pnf"}}, "study=mine, a: unknown model 'pnf'; did you mean pfn?"),
        ({"settings": {"a": "model=pfn,part"}}, "study.settings.a: model=pfn,part has several values"),
        ({"settings": {"a": "model=pfn seed=3"}}, "the seeds of a study are study.seeds"),
        ({"settings": {"a": "model='pfn"}}, "study.settings.a: cannot read"),
        ({"settings": {"a": "pfn"}}, "study.settings.a: cannot read 'pfn': expected KEY=VALUE"),
        ({"settings": {"a": "model=pfn", "b": "model=pfn"}}, "a and b would be the same runs"),
        ({"settings": {"a": "-m model=pfn"}}, "a run must not set '-m'"),
        ({"base": "hydra/launcher=joblib"}, "study.base: a run must not set 'hydra/launcher=joblib'"),
        ({"base": "++hydra.job.name=x"}, "study.base: a run must not set"),
        ({"base": "name=${oc.env:HOME}"}, "must not record what is in the environment"),
        ({"settings": {"a": "model._target_=os.system"}}, "_target_ os.system is not allowed"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(keys, said):
    with pytest.raises(ConfigError) as error:
        planned(**keys)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("optimizer.lr=1e-3", "small and large would be the same runs with optimizer.lr=1e-3"),
        ("seeds=none", "seeds must be a number"),
        ("seed=-1", "seed must be from 0"),
        ("seed=interval(1,3)", "expected values"),
        ("study=mine", "for hepexp study"),
    ],
)
def test_what_is_typed_and_makes_no_sense_is_refused(typed, said):
    with pytest.raises(ConfigError) as error:
        planned(typed)
    assert said in str(error.value)


STUDIES = catalog.options("study", [conf_dir()])


def shipped(name):
    node = yaml_file.load(STUDIES[name])
    schema.check(node, "study", name)
    return instantiate(node, "study")


@pytest.mark.parametrize("name", [name for name in STUDIES if not name.startswith("every_task")])
def test_every_run_of_a_shipped_study_composes(name):
    assert folder_of(make_plan(name, shipped(name), Typed([], [], {}))).name == name


@pytest.mark.parametrize("name", [name for name in STUDIES if name.startswith("every_task")])
def test_a_study_of_every_task_has_each_and_those_made_smaller_compose(name, monkeypatch):
    whole, tasks = shipped(name), catalog.options("task", [conf_dir()])
    assert list(whole.settings) == list(tasks)
    node = yaml_file.load(STUDIES[name])
    of_each = [next(task for task in tasks if task.startswith(words)) for words in node.get("smaller", ["top_pfn"])]
    monkeypatch.setattr(catalog, "options", lambda group, searched: {task: tasks[task] for task in of_each})
    options = instantiate(node, "study")
    monkeypatch.undo()
    plan = make_plan(name, options, Typed([], [], {}))
    assert [row.setting for row in plan.rows] == of_each
    assert plan.undrawable == ""
    assert all(run.config["choices"]["task"] == row.setting for row in plan.rows for run in row.runs)


def test_a_beginning_that_no_task_has_is_refused():
    with pytest.raises(ConfigError, match=r"smaller\.tpo: the name of no task begins so"):
        EveryTask(smaller={"tpo": "dataset.n_train=10"})


def test_tasks_are_made_smaller_by_the_beginnings_of_their_names():
    settings = EveryTask(smaller={"top": "trainer=quick", "top_pfn": "seed=2"}).settings
    assert settings["top_pfn"] == "task=top_pfn trainer=quick seed=2"
    assert settings["top_part"] == "task=top_part trainer=quick"
    assert settings["gnn_gat"] == "task=gnn_gat"


def test_the_table_of_taggers_has_every_model_that_reads_particles():
    settings = yaml_file.load(STUDIES["top_table"])["settings"].values()
    named = {line.split()[0].removeprefix("model=") for line in settings}
    models = {name: yaml_file.load(path)["_target_"] for name, path in catalog.options("model", [conf_dir()]).items()}
    from importlib import import_module

    def reads(target):
        module, _, name = target.rpartition(".")
        return getattr(import_module(module), name).input

    taggers = {name for name, target in models.items() if not name.startswith("lie_") and reads(target) == "particles"}
    assert named == taggers - OF_ELEMENTS - {"jet_vrnn"}  # which give no classes


def test_a_setting_is_another_one_at_the_places_that_say_so_and_the_same_elsewhere():
    axes = {"data.n_train": [100, 200], "trainer": ["quick", "default"]}
    plan = planned(axes=axes, instead={"data.n_train": {"200": {"large": "model=pfn optimizer.weight_decay=0.5"}}})
    for row in plan.rows:
        config, other = row.runs[0].config, row.setting == "large" and row.along["dataset.n_train"] == "200"
        assert config["dataset"]["n_train"] == int(row.along["dataset.n_train"])
        assert (config["optimizer"]["weight_decay"] == 0.5) == other
        assert (config["optimizer"]["lr"] == 1e-2) == (row.setting == "large" and not other)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"y": "response_width"}, "study.y: no run has response_width"),
        ({"y": ["response_width", "auc"]}, ""),
        ({"settings": MANY, "axes": {"trainer": ["quick", "gpu"]}}, "a figure of 18 curves would be unreadable"),
        ({"settings": {"a": "model=pfn"}, "axes": {"data.n_train": list(range(100, 101 + MOST))}, "x": "n_train"}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_known_before_it_is_trained(keys, said):
    found = planned(**{"axes": {"dataset.n_train": [100, 200]}, **keys, "seeds": 1}).undrawable
    assert said in found
    assert bool(said) == bool(found)
    words = [{"choices": {"task": f"task {k}"}} for k in range(MOST + 1)]
    assert f"has {MOST + 1} places" in undrawable(StudyOptions({"a": ""}, x="task"), {}, words)
