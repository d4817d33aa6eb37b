"""What was called differently before is told by its present name, which exists."""

from importlib import import_module

import pytest

from hepexp.config import former, schema
from hepexp.errors import ConfigError

MODELS = "hepexp.models"
LORENTZ_NET = {"_target_": f"{MODELS}.lorentz_net.LorentzNet"}


@pytest.mark.parametrize("target", former.CLASSES.values())
def test_a_present_name_is_that_of_a_class(target):
    module, _, name = target.rpartition(".")
    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize("module", former.MODULES.values())
def test_a_present_module_exists(module):
    import_module(module)


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        (
            "from hepexp.evaluation.readout import Outputs, Readout as Base  # both",
            ["hepexp.evaluation.evaluators.evaluator.Outputs", "hepexp.evaluation.evaluators.evaluator.Evaluator"],
        ),
        ("from hepexp.losses.objective import Objective", []),
        ("import hepexp.metric", []),
    ],
)
def test_a_line_that_imports_former_names(line, moved):
    assert former.imported(line) == moved


def test_what_is_gone_has_no_present_name():
    assert [former.imported("from {} import {}".format(*name.rsplit(".", 1))) for name in former.GONE] == [[], []]


@pytest.mark.parametrize(
    ("recorded", "present"),
    [
        (LORENTZ_NET | {"compat": False, "compat_length": 139, "c": 0.1}, LORENTZ_NET | {"variant": "exact", "c": 0.1}),
        (
            LORENTZ_NET | {"compat": True, "compat_length": 9},
            LORENTZ_NET | {"variant": "published", "padded_length": 9},
        ),
        *[({"_target_": f"{MODELS}.{model}", "variant": old}, {"_target_": f"{MODELS}.{model}", "variant": new})
          for model, old, new in [
              ("particle_net.ParticleNet", "document", "qmlhep_2"),
              ("particle_net.ParticleNet", "published", "published"),
              ("resnet15.ResNet15", "document", "cms_1"),
          ]],
    ],
)  # fmt: skip
def test_recorded_keys_and_values_become_those_of_today(recorded, present):
    assert former.updated({"model": [recorded]}) == {"model": [present]}
    schema.check(present, "model")


@pytest.mark.parametrize(
    ("model", "key", "value", "said"),
    [
        (
            "lorentz_net.LorentzNet",
            "compat",
            True,
            "model.compat=true is a .* it is now model.variant=published",
        ),
        ("lorentz_net.LorentzNet", "compat_length", 9, "model.compat_length=9 is a .* it is now model.padded_length=9"),
        ("resnet15.ResNet15", "variant", "document", "model.variant=document is a .* it is now model.variant=cms_1"),
    ],
)
def test_a_former_key_or_value_in_a_config_is_told_what_it_is_now(model, key, value, said):
    with pytest.raises(ConfigError, match=said):
        schema.check({"_target_": f"{MODELS}.{model}", key: value}, "model")
