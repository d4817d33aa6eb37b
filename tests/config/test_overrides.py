import pytest
from omegaconf import OmegaConf

from hepexp.config.command_line import read, translate
from hepexp.config.compose import Composer
from hepexp.config.overrides import compose
from hepexp.errors import ConfigError

BAD = [
    ("modle=net", "unknown group or key 'modle'; did you mean model?"),
    ("model=nett", "unknown model 'nett'; did you mean net? (options: net, other)"),
    ("data=qgg", "unknown dataset 'qgg'; did you mean qg?"),
    ("model=5", "unknown model '5' (options: net, other)"),
    ("model=null", "unknown model 'null' (options: net, other)"),
    ("~model", "a run needs a model (options: net, other)"),
    ("model.n_hiden=3", "model.n_hiden is not an option of net; did you mean n_hidden?"),
    ("+model.n_hiden=3", "model.n_hiden is not an option of net; did you mean n_hidden?"),
    ("model.n_hidden=abc", "model.n_hidden: expected a whole number, got 'abc'; see: hepexp show model=net"),
    ("model.n_hidden=", "model.n_hidden: expected a whole number, got ''"),
    ("model.pid=1", "model.pid: expected true or false, got 1"),
    ("data.n_hidden=1.5", "dataset.n_hidden: expected a whole number, got 1.5; see: hepexp show dataset=qg"),
    ("seed=abc", "seed: expected a whole number, got 'abc'"),
    ("sead=3", "unknown group or key 'sead'; did you mean seed?"),
    ("+sead=3", "unknown group or key 'sead'; did you mean seed?"),
    ("rate=3", "unknown group or key 'rate'; did you mean model.rate?"),
    ("n_hidden=3", "unknown group or key 'n_hidden'; did you mean model.n_hidden or dataset.n_hidden?"),
    ("drop_out=0", "unknown group or key 'drop_out'; did you mean model.dropout?"),
    ("other=1", "unknown group or key 'other'; did you mean model=other?"),
    ("hidden_layers=1", "unknown group or key 'hidden_layers'; did you mean model.n_hidden?"),  # by its meaning
    ("model_n_hidden=1", "unknown group or key 'model_n_hidden'; did you mean model.n_hidden?"),
    ("zzz=1", "unknown group or key 'zzz'; see: hepexp list"),
    ("name=3", "name: expected text or null, got 3; see: hepexp show train; for text write 'name=\"3\"'"),
    ("tracking.timout=3", "unknown key 'tracking.timout'; did you mean timeout?"),
    ("tracking.timeout=soon", "tracking.timeout: expected a whole number, got 'soon'"),
    ("~model.n_hidden", "model.n_hidden needs a value"),
    ("~model.gone", "Could not delete from config"),
    ("task=wrong", "unknown key 'sead'; did you mean seed?"),
    ("model=net,other", "model=net,other has several values: add -m"),
    ("seed=range(1,3)", "seed=range(1,3) has several values: add -m"),
    ("net", "cannot read 'net': expected KEY=VALUE; it is a model, model=net"),
    ("nothing", "cannot read 'nothing': expected KEY=VALUE, e.g. model=lorentznet"),
    ("=3", "cannot read '=3': expected KEY=VALUE"),
    ("model.sizes=[1,2", "cannot read 'model.sizes=[1,2'"),
    ("name='abc", "cannot read 'name='abc'"),
    ("model.metric={a:", "cannot read 'model.metric={a:'"),
    ("seed=${nowhere}", "seed: Interpolation key 'nowhere' not found"),
    ("hydra/launcher=joblb", "unknown hydra/launcher 'joblb'; did you mean joblib?"),
    ("hydra/lancher=joblib", "unknown group 'hydra/lancher'; did you mean hydra/launcher?"),
    ("hydra.swep.dir=x", "Could not override 'hydra.swep.dir'"),
    ("--dry-run", "--dry-run is not supported; use --cfg job"),
    ("--multirum", "unknown flag '--multirum'; did you mean --multirun?"),
    ("--model=net", "unknown flag '--model'; groups and keys are typed without dashes, model=net; see"),
    ("--config-dir=nowhere", "--config-dir nowhere is not a folder"),
    ("--config-dir", "--config-dir needs a value"),
    ("--config-path=x", "--config-path is not supported; use --config-dir"),
    ("model.n_hidden.deep=3", "model.n_hidden"),
    (
        "model.sizes=[" + "1," * 19_999 + "1]",
        "model.sizes: 20,000 values are too many to type, at most 2,000; put",
    ),
]


@pytest.mark.parametrize(("arg", "message"), BAD, ids=[arg[:40] for arg, _ in BAD])
def test_a_wrong_request_is_one_line_that_says_what_is_wrong(tree, arg, message):
    with pytest.raises(ConfigError) as caught:
        compose(read([arg]))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], []),
        (["data=qg", "data.n_hidden=3"], ["dataset=qg", "dataset.n_hidden=3"]),
        (["+model.n_hidden=3", "~model.dropout"],) * 2,
        (["seed=3", "-m", "model=net,other"], ["--multirun", "seed=3", "model=net,other"]),
        (["-m", "seed=range(1,3)", "model=glob(n*)"], ["--multirun", "seed=range(1,3)", "model=glob(n*)"]),
        (["--cfg", "job", "--resolve", "seed=2"],) * 2,
        (["--info", "seed=2"], ["--info", "all", "seed=2"]),
        (["--info", "defaults"],) * 2,
        (["--config-dir", "data", "--hydra-help"],) * 2,  # a folder, not the alias
    ],
)
def test_a_line_is_handed_to_hydra_flags_first(args, words):
    assert read(args).words == words


@pytest.mark.parametrize(
    ("args", "said"),
    [(["--cfg", "job", "-m"], "--multirun and --cfg exclude each other"), (["--resolve"], "add --cfg job")],
)
def test_flags_that_make_no_sense_together_are_refused(args, said):
    with pytest.raises(ConfigError, match=said):
        read(args)


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("data.n_hidden=3", "dataset.n_hidden", 3),
        ("model.n_hidden=3", "model.n_hidden", 3),
        ("+model.n_hidden=3", "model.n_hidden", 3),  # in the file: Hydra itself would refuse the +
        ("model.weights=w.pt", "model.weights", "w.pt"),  # left out by the file: Hydra itself would ask for a +
        ("+model.weights=w.pt", "model.weights", "w.pt"),
        ("model.metric=[[1,0],[0,1]]", "model.metric", [[1, 0], [0, 1]]),
        ("tags.study=a", "tags.study", "a"),
        ("task=study", "hydra.runtime.choices.task", "study"),
        ("+hydra.launcher.n_jobs=2", "hydra.launcher.n_jobs", 2),
    ],
)
def test_a_right_request_is_composed_and_recorded_as_typed(tree, typed, key, value):
    line = read([typed])
    config = compose(line)
    assert OmegaConf.select(config, key) == value
    assert [*config.hydra.overrides.task, *config.hydra.overrides.hydra] == line.overrides


def test_a_configuration_is_composed_once_and_hydras_own_part_once(tree, monkeypatch):
    composed = []
    original = Composer.compose
    monkeypatch.setattr(Composer, "compose", lambda self, words: composed.append(words) or original(self, words))
    compose(read(["model=net", "model.weights=w.pt", "seed=3"]))
    assert composed == [["model=net", "model.weights=w.pt", "seed=3"], []]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["model=net,nett"], "unknown model 'nett'; did you mean net?"),
        (["model=net,other", "model.rate=1,2"], "model.rate is not an option of other"),
        (["model.n_hidden=1,2,x"], "model.n_hidden: expected a whole number, got 'x'"),
        (["seed=range(1,5000)", "model.n_hidden=1,x"], "model.n_hidden: expected a whole number, got 'x'"),
        (["seed=interval(1,5)"], "a grid needs a list of values"),
    ],
)
def test_every_value_of_a_sweep_is_checked(tree, args, message):
    with pytest.raises(ConfigError) as caught:
        compose(read(["-m", *args]))
    assert message in str(caught.value)


def test_a_folder_of_the_users_own_adds_options(tree, tmp_path):
    mine = tmp_path / "mine" / "model"
    mine.mkdir(parents=True)
    (mine / "wide.yaml").write_text("# Mine.\n_target_: toy.nets.Net\nn_hidden: 500\n")
    args = ["--config-dir", str(mine.parent), "model=wide", "model.rate=2"]
    model = compose(read(args)).model
    assert (model.n_hidden, model.rate) == (500, 2)


def test_a_plugins_conf_folder_joins_the_search_path(tree):
    extra = tree / "toy" / "conf" / "model"
    extra.mkdir(parents=True)
    (extra / "theirs.yaml").write_text("# Theirs.\n_target_: toy.nets.Net\nn_hidden: 1\n")
    assert compose(read(["model=theirs"])).model.n_hidden == 1
    with pytest.raises(ConfigError, match="did you mean theirs"):
        compose(read(["model=their"]))


def test_a_task_with_spaces_is_suggested_as_it_is_typed_and_accepted(tree):
    (tree / "conf" / "task").mkdir(exist_ok=True)
    (tree / "conf" / "task" / "my study.yaml").write_text("# @package _global_\nmodel: {n_hidden: 77}\n")
    with pytest.raises(ConfigError, match=r"did you mean 'my study'\?"):
        compose(read(["task=my stdy"]))
    for typed in ("task=my study", "task='my study'"):
        assert compose(read([typed])).model.n_hidden == 77


def test_a_byte_order_mark_does_not_hide_the_package_of_a_task(tree):
    (tree / "conf" / "task").mkdir(exist_ok=True)
    (tree / "conf" / "task" / "marked.yaml").write_text("\ufeff# @package _global_\nmodel: {n_hidden: 77}\n", "utf-8")
    (tree / "conf" / "task" / "wide.yaml").write_text("# @package _global_\n", "utf-16")
    assert compose(read(["task=marked"])).model.n_hidden == 77
    with pytest.raises(ConfigError, match=r"wide\.yaml is not UTF-8 text"):
        compose(read(["task=wide"]))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("data=qg", "dataset=qg"),
        ("data=qg,top", "dataset=qg,top"),
        ("data.batch_size=64", "dataset.batch_size=64"),
        ("+data.x=1", "+dataset.x=1"),
        ("++data.x=1", "++dataset.x=1"),
        ("~data.x", "~dataset.x"),
        ("data@second=qg", "dataset@second=qg"),
        ("database=1", "database=1"),
        ("name=data=qg", "name=data=qg"),
        ("dataset=qg", "dataset=qg"),
        ("-m", "-m"),
    ],
)
def test_data_stands_for_dataset_and_nothing_else(typed, meant):
    assert translate([typed]) == [meant]
