"""No constructor that a configuration reaches takes a number that means nothing."""

from math import nan

import pytest

from hepexp.batch import DataSpec
from hepexp.config import catalog, paths, schema, yaml_file
from hepexp.config.annotations import matches
from hepexp.config.build import instantiate
from hepexp.errors import ConfigError
from hepexp.quantum.statevector import StateVector

GROUPS = ("backend", "circuit", "dataset", "loss", "model", "optimizer", "trainer")
# Numbers of either sign: an angle of rotation, the square of a mass on a lattice, the power of a spectrum.
SIGNED = ("image.angle", "action.m2", "power")
SPEC = DataSpec(("0", "1"), 3, False, (3, 32, 32), 6, 8, 0, ("a", "b", "c"))
RUNTIME = {**vars(SPEC), "n_classes": 2, "seed": 1}


def options():
    for group in GROUPS:
        for name, file in catalog.options(group, [paths.conf_dir()]).items():
            yield pytest.param(group, name, yaml_file.load(file), id=f"{group}={name}")


def absurd(annotation):
    """Values of the right type that no size, rate, width or number of anything has."""
    return [value for value in (-1, [-1], 2**70, [2**70], nan, [nan]) if matches(value, annotation)]


def numbers(node, above=""):
    """Every key of a node and of the nodes in it, with each absurd value for it and the whole node with that value."""
    for name, parameter in schema.signature(node[schema.TARGET]).parameters.items():
        inner = node.get(name)
        if isinstance(inner, dict) and schema.TARGET in inner:
            for key, value, changed in numbers(inner, f"{above}{name}."):
                yield key, value, {**node, name: changed}
        elif parameter.annotation is not None and f"{above}{name}" not in SIGNED:
            for value in absurd(parameter.annotation):
                yield f"{above}{name}", value, {**node, name: value}


@pytest.mark.parametrize(("group", "option", "node"), options())
def test_no_key_takes_a_number_that_means_nothing(group, option, node):
    taken = []
    for key, value, changed in numbers(node):
        try:
            schema.check(changed, group, option)
            instantiate(changed, group, **RUNTIME, backend=StateVector())
        except ConfigError:
            continue
        taken.append(f"{group}.{key}={value}")
    assert not taken, taken
