import pytest

from hepexp.config import front
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
    ("model.n_hidden=abc", "model.n_hidden: expected int, got 'abc' (str); see: hepexp show model=net"),
    ("model.n_hidden=", "model.n_hidden: expected int, got '' (str)"),
    ("model.pid=1", "model.pid: expected bool, got 1 (int)"),
    ("data.n_hidden=1.5", "dataset.n_hidden: expected int, got 1.5 (float); see: hepexp show dataset=qg"),
    ("seed=abc", "seed: expected int, got 'abc' (str)"),
    ("sead=3", "unknown group or key 'sead'; did you mean seed?"),
    ("+sead=3", "unknown group or key 'sead'; did you mean seed?"),
    ("name=3", "name: expected str | None, got 3 (int); see: hepexp show train; for text write 'name=\"3\"'"),
    ("tracking.timout=3", "unknown key 'tracking.timout'; did you mean timeout?"),
    ("tracking.timeout=soon", "tracking.timeout: expected int, got 'soon' (str)"),
    ("~model.n_hidden", "model.n_hidden needs a value"),
    ("~model.gone", "Could not delete from config"),
    ("task=wrong", "unknown key 'sead'; did you mean seed?"),
    ("model=net,other", "model=net,other has several values: add -m"),
    ("seed=range(1,3)", "seed=range(1,3) has several values: add -m"),
    ("net", "cannot read 'net': expected KEY=VALUE"),
    ("=3", "cannot read '=3': expected KEY=VALUE"),
    ("model.sizes=[1,2", "cannot read 'model.sizes=[1,2'"),
    ("name='abc", "cannot read 'name='abc'"),
    ("model.metric={a:", "cannot read 'model.metric={a:'"),
    ("seed=${nowhere}", "seed: Interpolation key 'nowhere' not found"),
    ("hydra/launcher=joblb", "unknown hydra/launcher 'joblb'; did you mean joblib?"),
    ("hydra/lancher=joblib", "unknown group 'hydra/lancher'; did you mean hydra/launcher?"),
    ("hydra.swep.dir=x", "Could not override 'hydra.swep.dir'"),
    ("--multirum", "unknown flag '--multirum'; did you mean --multirun?"),
    ("--config-dir=nowhere", "--config-dir nowhere is not a folder"),
    ("--config-dir", "--config-dir needs a value"),
    ("--config-path=x", "--config-path is not supported; use --config-dir"),
    ("model.n_hidden.deep=3", "model.n_hidden"),
]


@pytest.mark.parametrize(("arg", "message"), BAD, ids=[arg for arg, _ in BAD])
def test_a_wrong_request_is_one_line_that_says_what_is_wrong(tree, arg, message):
    with pytest.raises(ConfigError) as caught:
        front.prepare([arg])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "prepared"),
    [
        ([], []),
        (["data=qg", "data.n_hidden=3"], ["dataset=qg", "dataset.n_hidden=3"]),
        (["model.n_hidden=3"], ["model.n_hidden=3"]),
        (["model.weights=w.pt"], ["++model.weights=w.pt"]),
        (["+model.weights=w.pt"], ["++model.weights=w.pt"]),
        (["+model.n_hidden=3"], ["++model.n_hidden=3"]),
        (["model.metric=[[1,0],[0,1]]"], ["++model.metric=[[1,0],[0,1]]"]),
        (["~model.dropout"], ["~model.dropout"]),
        (["tags.study=a"], ["++tags.study=a"]),
        (["task=study"], ["task=study"]),
        (["seed=3", "-m", "model=net,other"], ["--multirun", "seed=3", "model=net,other"]),
        (["-m", "seed=range(1,3)", "model=glob(n*)"], ["--multirun", "seed=range(1,3)", "model=glob(n*)"]),
        (["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],) * 2,
        (["--cfg", "job", "--resolve", "seed=2"], ["--cfg", "job", "--resolve", "seed=2"]),
        (["--info", "seed=2"], ["--info", "all", "seed=2"]),
        (["--info", "defaults"], ["--info", "defaults"]),
        (["--hydra-help"], ["--hydra-help"]),
    ],
)
def test_a_right_request_is_handed_to_hydra(tree, args, prepared):
    assert front.prepare(args) == [{"-m": "--multirun"}.get(arg, arg) for arg in prepared]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["model=net,nett"], "unknown model 'nett'; did you mean net?"),
        (["model=net,other", "model.rate=1,2"], "model.rate is not an option of other"),
        (["model.n_hidden=1,2,x"], "model.n_hidden: expected int, got 'x' (str)"),
        (["seed=range(1,5000)", "model.n_hidden=1,x"], "model.n_hidden: expected int, got 'x' (str)"),
        (["seed=interval(1,5)"], "a grid needs a list of values"),
    ],
)
def test_every_value_of_a_sweep_is_checked(tree, args, message):
    with pytest.raises(ConfigError) as caught:
        front.prepare(["-m", *args])
    assert message in str(caught.value)


def test_a_folder_of_the_users_own_adds_options(tree, tmp_path):
    mine = tmp_path / "mine" / "model"
    mine.mkdir(parents=True)
    (mine / "wide.yaml").write_text("# Mine.\n_target_: toy.nets.Net\nn_hidden: 500\n")
    args = ["--config-dir", str(mine.parent), "model=wide", "model.rate=2"]
    assert front.prepare(args) == ["--config-dir", str(mine.parent), "model=wide", "++model.rate=2"]


def test_a_plugins_conf_folder_joins_the_search_path(tree):
    extra = tree / "toy" / "conf" / "model"
    extra.mkdir(parents=True)
    (extra / "theirs.yaml").write_text("# Theirs.\n_target_: toy.nets.Net\nn_hidden: 1\n")
    assert front.prepare(["model=theirs"]) == ["model=theirs"]
    with pytest.raises(ConfigError, match="did you mean theirs"):
        front.prepare(["model=their"])


def test_a_task_with_spaces_is_suggested_as_it_is_typed_and_accepted(tree):
    (tree / "conf" / "task").mkdir(exist_ok=True)
    (tree / "conf" / "task" / "my study.yaml").write_text("# @package _global_\nmodel: {n_hidden: 77}\n")
    with pytest.raises(ConfigError, match=r"did you mean 'my study'\?"):
        front.compose(["task=my stdy"])
    for typed in ("task=my study", "task='my study'"):
        assert front.compose([typed])[0].model.n_hidden == 77


def test_a_byte_order_mark_does_not_hide_the_package_of_a_task(tree):
    (tree / "conf" / "task").mkdir(exist_ok=True)
    (tree / "conf" / "task" / "marked.yaml").write_text("\ufeff# @package _global_\nmodel: {n_hidden: 77}\n", "utf-8")
    (tree / "conf" / "task" / "wide.yaml").write_text("# @package _global_\n", "utf-16")
    assert front.compose(["task=marked"])[0].model.n_hidden == 77
    with pytest.raises(ConfigError, match=r"wide\.yaml is not UTF-8 text"):
        front.compose(["task=wide"])
