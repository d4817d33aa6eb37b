"""No callable but the intended classes can be named in a place of a configuration."""

import ast
import importlib
import pkgutil
import sys
from inspect import isclass

import pytest
import torch

import hepexp
from hepexp.config import catalog, kind, paths, schema, targets, yaml_file
from hepexp.config.annotations import members
from hepexp.errors import ConfigError

# Bases of each kind, as Python has them: the check under test reads source instead.
BASES = {
    "dataset": "pytorch_lightning.LightningDataModule",
    "model": "torch.nn.Module",
    "loss": "hepexp.losses.objective.Objective",
    "backend": "hepexp.quantum.backend.Backend",
    "circuit": "hepexp.quantum.circuit.Circuit",
    "optimizer": "hepexp.learning.optimizers.Optimizer",
    "trainer": "hepexp.learning.trainer.TrainerOptions",
    "sweep": "hepexp.sweep.options.SweepOptions",
    "study": "hepexp.study.options.StudyOptions",
}


def places():
    """Every key of every option: its kind, None where it takes a plain value, and the bases that it means."""
    found = {(group, ""): (kind.of_group(group), base) for group, base in BASES.items()}
    conf = [paths.conf_dir()]
    for group in kind.GROUPS:
        for path in catalog.options(group, conf).values():
            target = yaml_file.load(path)[schema.TARGET]
            known = schema.signature(target)
            for parameter in known.parameters.values():
                inner = held(members(parameter.annotation))
                wanted = schema.kind_of(inner, parameter.module)
                found[(group, target, parameter.name)] = (wanted, wanted.bases[0] if wanted else None)
    return found


def held(annotations):
    """The types of a place and of all places in it."""
    inner = [item for a in annotations if isinstance(a, ast.Subscript) and a.value.id != "Literal" for item in parts(a)]
    return [*annotations, *(held([m for item in inner for m in members(item)]) if inner else [])]


def parts(annotation):
    return annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]


# Geant4 asks on its import for data to be downloaded, and ACTS may be missing
NOT_NEEDED = (
    "hepexp.bench",
    "hepexp.__main__",
    "hepexp.data.datasets.calogan.geant4",
    "hepexp.simulation.fatras",
    "hepexp.simulation.acts_tracks",
)


def callables():
    """Dotted path and object of every callable that a module of torch or hepexp holds, whoever defined it."""
    ours = {"hepexp"}  # torch-geometric puts modules that it writes beside ours
    for module in pkgutil.walk_packages(hepexp.__path__, "hepexp."):
        ours.add(module.name)
        if not module.name.startswith(NOT_NEEDED):  # by any configuration
            importlib.import_module(module.name)
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] == "torch" or name in ours:
            for attribute, value in list(vars(module).items()):
                if callable(value):
                    yield f"{name}.{attribute}", value


def imported(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_only_the_intended_classes_may_stand_in_a_place():
    found, every = places(), list(callables())
    kinds = {wanted: base for wanted, base in found.values() if wanted}
    for wanted, base in kinds.items():
        intended = {
            path
            for path, value in every
            if path.startswith("hepexp.")
            and isclass(value)
            and value.__module__.startswith("hepexp.")
            and issubclass(value, imported(base))
            and (wanted.declares == "" or isinstance(getattr(value, wanted.declares, None), str))
        }
        accepted = {path for path, _ in every if is_accepted(path, wanted)}
        assert accepted == intended, (wanted, accepted ^ intended)
        assert intended, wanted
    assert len(found) > 200
    assert len(every) > 10_000
    print(f"{len(every):,} callables in {len(found)} places of {len(kinds)} kinds")


def is_accepted(path, wanted):
    try:
        targets.check_kind(path, wanted)
    except ConfigError:
        return False
    return True


def test_a_place_of_plain_values_takes_no_target_at_all():
    """In each key of each option, at each depth of its value, even the classes that are right elsewhere."""
    call = {schema.TARGET: "hepexp.models.pfn.PFN"}
    for (group, target, *key), (wanted, _) in places().items():
        if key and wanted is None:
            for value in (call, [call], {"a": call}):
                with pytest.raises(ConfigError, match=f"{group}.{key[0]}"):
                    schema.check({schema.TARGET: target, key[0]: value}, group)


def test_what_is_refused_is_neither_imported_nor_called(tree, monkeypatch):
    monkeypatch.setattr(torch.utils, "collect_env", None, raising=False)
    before = set(sys.modules)
    for target in ("torch.utils.collect_env.run", "os.system", "toy.nets.build", "hepexp.cli.main.main"):
        for group in kind.GROUPS:
            with pytest.raises(ConfigError):
                targets.load(target, kind.of_group(group))
    assert set(sys.modules) == before
