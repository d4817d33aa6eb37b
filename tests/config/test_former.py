"""What was called differently before is told by its present name, which exists."""

from importlib import import_module

import pytest

from hepexp.config import former


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
