import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from hepexp.config import kind, schema, targets
from hepexp.config.build import instantiate
from hepexp.errors import ConfigError

CALL = {"_target_": "torch.utils.collect_env.run", "command": "touch called"}


def node(**keys):
    return {"_target_": "toy.nets.Net", "n_hidden": 3, **keys}


def test_the_signature_lists_keys_types_defaults_and_meanings(tree):
    found = schema.signature("toy.nets.Net")
    assert found.doc == "A toy network."
    assert list(found.parameters)[:3] == ["n_hidden", "dropout", "rate"]
    assert found.parameters["n_hidden"].doc == "width of the hidden layers."
    assert found.parameters["rate"].doc == found.parameters["dropout"].doc == "probability, and rate."
    assert (found.parameters["weights"].type, found.parameters["weights"].default) == ("str | None", "None")
    assert found.parameters["metric"].type == "Literal['minkowski', 'euclidean'] | list[list[float]]"
    assert found.parameters["n_hidden"].default is None
    assert found.runtime == ("n_classes",)


def test_a_re_export_is_followed(tree):
    assert schema.signature("toy.Exported").parameters.keys() == schema.signature("toy.nets.Net").parameters.keys()


def test_a_class_without_a_constructor_has_that_of_its_base(tree):
    assert schema.signature("toy.nets.Plain") == replace(schema.signature("toy.nets.Net"), doc="No constructor.")


def test_annotated_keys_are_those_of_the_class_then_of_its_bases(tree):
    found = schema.signature("toy.sets.Images")
    assert list(found.parameters) == ["crop", "channels", "files", "n", "source", "net"]
    assert {key: parameter.default for key, parameter in found.parameters.items()} == {
        "crop": "None", "channels": "tuple()", "files": None, "n": "100", "source": "'auto'", "net": "None"
    }  # fmt: skip
    assert found.parameters["source"].type == "Literal['auto', 'mini']"
    assert found.parameters["n"].doc == "number of examples."
    assert found.runtime == ("seed",)
    assert schema.signature("toy.sets.Lines") == replace(found, doc="Lines.")


@pytest.mark.parametrize("name", ["Set", "Images", "Lines", "Plain"])
def test_the_keys_read_from_the_source_are_those_that_python_sees(tree, name):
    found = schema.signature(f"toy.sets.{name}")
    seen = inspect.signature(getattr(importlib.import_module("toy.sets"), name)).parameters
    assert {*found.parameters, *found.runtime} == {*seen}
    for key, parameter in found.parameters.items():
        assert (parameter.default is None) == (seen[key].default is inspect.Parameter.empty)
    assert {parameter.type for parameter in schema.signature("toy.sets.Plain").parameters.values()} == {"int"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"corp": 3}, "dataset.corp is not an option of Images; did you mean crop?"),
        ({"soruce": "mini"}, "dataset.soruce is not an option of Images; did you mean source?"),
        ({"source": "full"}, "dataset.source: expected auto or mini, got 'full'"),
        ({"bucket": 2}, "dataset.bucket is not an option of Images"),
        ({"noun": "jet"}, "dataset.noun is not an option of Images"),
        ({"seed": 2}, "dataset.seed is set by the run"),
        ({"files": None}, "dataset.files: expected a list of texts, got null"),
        ({"net": {"_target_": "toy.sets.Set"}}, "dataset.net: _target_ toy.sets.Set is not toy.nets.Net"),
        ({}, "dataset.files needs a value"),
    ],
)
def test_inherited_keys_are_checked_as_own_ones(tree, keys, message):
    content = {"_target_": "toy.sets.Images"} | ({"files": ["a"]} if keys else {}) | keys
    with pytest.raises(ConfigError, match=re.escape(message)):
        schema.check(content, "dataset")


def test_a_data_set_is_built_from_own_and_inherited_keys(tree):
    content = {"_target_": "toy.sets.Images", "files": ["a"], "net": node()}
    built = instantiate(content, "dataset", seed=3, n_classes=2)
    assert (built.files, built.n, built.bucket, built.seed, built.net.n_hidden) == (["a"], 100, 8, 3, 3)


def test_another_default_without_its_type_is_refused(tree):
    text = "from toy.sets import Set\n\nclass More(Set):\n    n = 100\n"
    (tree / "toy" / "more.py").write_text(text)
    (tree / "toy" / "own.py").write_text(
        f"{text}    def __init__(self, bucket: int = 3, *, seed: int):\n        pass\n"
    )
    with pytest.raises(ConfigError, match=r"More\.n is a key of a base class: write its type too"):
        targets.load("toy.more.More", kind.of_group("dataset"))
    assert targets.load("toy.own.More", kind.of_group("dataset"))(seed=1).n == 100  # its constructor is its own
    assert (list(schema.signature("toy.own.More").parameters), schema.signature("toy.own.More").runtime) == (
        ["bucket"], ("seed",)
    )  # fmt: skip


def test_models_are_checked_without_importing_them():
    code = """
import sys
from hepexp.config import schema
schema.check({'_target_': 'hepexp.models.pfn.PFN'}, 'model')
assert 'torch' not in sys.modules and 'hepexp.models.pfn' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (node(n_hiden=3), "model.n_hiden is not an option of net; did you mean n_hidden?"),
        (node(zzz=3), "model.zzz is not an option of net"),
        (node(n_hidden="abc"), "model.n_hidden: expected a whole number, got 'abc'; see: hepexp show model=net"),
        (
            node(n_hidden={"a": "hypot(x", "y)": None}),
            "got {'a': 'hypot(x', 'y)': None}; YAML cuts at commas: write 'hypot(x, y)' in quotes",
        ),
        (node(n_hidden=True), "model.n_hidden: expected a whole number, got true; see: hepexp show model=net"),
        (node(metric="euclid"), "model.metric: expected minkowski, euclidean or a list of lists of numbers, got"),
        (node(n_classes=3), "model.n_classes is set by the run"),
        ({"_target_": "toy.nets.Net"}, "model.n_hidden needs a value"),
        (node(n_hidden="???"), "model.n_hidden needs a value"),
        (node(inner=node(n_hiden=1)), "model.inner.n_hiden is not an option of Net; did you mean n_hidden?"),
        (node(inner={"a": node(n_hiden=1)}), "model.inner.a.n_hiden is not an option of Net; did you mean n_hidden?"),
        (node(inner={"a": [node(n_hidden=1), node(zzz=1)]}), "model.inner.a.1.zzz is not an option of Net"),
        ({"_target_": "toy.nets.Plain", "x": 1}, "model.x is not an option of net"),
        (
            {"_target_": "toy.nets.Nett"},
            "toy.nets has no Nett; did you mean Net?",
        ),
        ({"_target_": "toy.gone.Net"}, "_target_ toy.gone.Net does not exist: there is no module toy.gone"),
        ({"_target_": "toy.broken.Net"}, "broken.py:1 is not valid Python"),
        ({"_target_": "os.system"}, "_target_ os.system is not allowed"),
        ({"_target_": "toyy.Net"}, "_target_ toyy.Net is not allowed; did you mean toy?"),
        ({"_target_": "toy.nets.json.loads"}, "_target_ toy.nets.json.loads does not exist"),
        (node(n_hidden=CALL), "model.n_hidden: expected a whole number, got _target_ torch.utils.collect_env.run"),
        (node(n_hidden=node()), "model.n_hidden: expected a whole number, got _target_ toy.nets.Net"),
        (node(sizes=[CALL]), "model.sizes: expected a list of whole numbers"),
        (node(inner={"a": {"_target_": "toy.nets.Jets"}}), "model.inner.a: _target_ toy.nets.Jets is not toy.nets.Net"),
        (node(inner={"a": [CALL]}), "model.inner.a.0: _target_ torch.utils.collect_env.run is not allowed"),
        ({"_target_": 3}, "_target_ must be a dotted path"),
    ],
)
def test_what_the_signature_lacks_is_an_error_that_says_so(tree, content, message):
    with pytest.raises(ConfigError) as caught:
        schema.check(content, "model", "net")
    assert message in str(caught.value)


def test_what_the_signature_has_passes(tree):
    schema.check(node(dropout=0, weights="w.pt", metric=[[1, 0], [0, 1.0]], sizes=[1, 2, 3], inner={"a": 1}), "model")
