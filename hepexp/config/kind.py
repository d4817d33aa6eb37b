"""Kinds of classes: which of them a place in a configuration accepts, read from their source.

A group accepts classes that derive from its base; a key accepts those that derive from the class in its annotation.
"""

import ast
from dataclasses import dataclass

from hepexp.config import source
from hepexp.errors import ConfigError

REPRESENTATIONS = "particles, image, graph or features"  # of the data, one of which a model reads
MODULE, DATA_MODULE = "torch.nn.Module", "pytorch_lightning.LightningDataModule"

# How bases from other libraries are spelled, and bases that rule out all of our kinds.
_SPELLINGS = {
    "torch.nn.modules.Module": MODULE,
    "torch.nn.modules.module.Module": MODULE,
    "pytorch_lightning.core.LightningDataModule": DATA_MODULE,
    "pytorch_lightning.core.datamodule.LightningDataModule": DATA_MODULE,
}
_PLAIN = (MODULE, DATA_MODULE, "abc.ABC", "typing.Protocol", "typing.Generic", "typing.NamedTuple")


@dataclass(frozen=True)
class Kind:
    """What a place accepts.

    Parameters
    ----------
    bases : dotted paths; a class of this kind is one of these or derives from one.
    noun : with its article, for error messages.
    declares : attribute that the class must also have; empty for none.
    """

    bases: tuple[str, ...]
    noun: str
    declares: str = ""


_OPTIMIZER = "hepexp.learning.optimizers.Optimizer"
_OBJECTIVE, _BACKEND = "hepexp.losses.objective.Objective", "hepexp.quantum.backend.Backend"
_CIRCUIT = "hepexp.quantum.circuit.Circuit"
_TRAINER, _SWEEP = "hepexp.learning.trainer.TrainerOptions", "hepexp.sweep.options.SweepOptions"
_STUDY = "hepexp.study.options.StudyOptions"
EVALUATION = "hepexp.evaluation.options.EvaluationOptions"

GROUPS = {
    "dataset": Kind((DATA_MODULE,), f"a data set: a {DATA_MODULE}"),
    "model": Kind(
        (MODULE,), f"a model: a {MODULE} that says what it reads, input = {REPRESENTATIONS}", declares="input"
    ),
    "loss": Kind((_OBJECTIVE,), f"a loss: a {_OBJECTIVE}"),
    "backend": Kind((_BACKEND,), f"a backend: a {_BACKEND}"),
    "circuit": Kind((_CIRCUIT,), f"a circuit: a {_CIRCUIT}"),
    "optimizer": Kind((_OPTIMIZER,), f"an optimizer: a {_OPTIMIZER}"),
    "trainer": Kind((_TRAINER,), f"a {_TRAINER}"),
    "evaluation": Kind((EVALUATION,), f"a {EVALUATION}"),
    "sweep": Kind((_SWEEP,), f"a {_SWEEP}"),
    "study": Kind((_STUDY,), f"a {_STUDY}"),
}
OF_MANY_RUNS = ("sweep", "study")
OF_EVERY_RUN = tuple(group for group in GROUPS if group not in (*OF_MANY_RUNS, "circuit"))


def of_group(group: str) -> Kind:
    """The kind of a group's options.

    Raises
    ------
    ConfigError : nothing is built from this group.
    """
    if group not in GROUPS:
        raise ConfigError(f"nothing is built from {group}, so it takes no _target_ (groups: {', '.join(GROUPS)})")
    return GROUPS[group]


def is_a(target: str, wanted: Kind) -> bool | None:
    """Whether a target is a class of a kind; None if that depends on classes of other libraries.

    Raises
    ------
    ConfigError : there is no such target.
    """
    found = source.find(target)
    if not isinstance(found.definition, ast.ClassDef):
        return False
    ancestors = source.ancestors(found)
    foreign = [ancestor for ancestor in ancestors if not isinstance(ancestor, source.Found)]
    is_open = not found.module.startswith("hepexp.") and not {_SPELLINGS.get(path, path) for path in foreign} <= {
        *_PLAIN
    }
    paths = {
        ancestor.path if isinstance(ancestor, source.Found) else _SPELLINGS.get(ancestor, ancestor)
        for ancestor in ancestors
    }
    derives = not paths.isdisjoint(wanted.bases)
    declares = not wanted.declares or any(
        isinstance(ancestor, source.Found) and _declares(ancestor.definition, wanted.declares) for ancestor in ancestors
    )
    return True if derives and declares else None if is_open else False


def fits(found: type, wanted: Kind) -> bool:
    """Whether an imported class is of a kind."""
    paths = {f"{base.__module__}.{base.__qualname__}" for base in found.__mro__}
    derives = not {_SPELLINGS.get(path, path) for path in paths}.isdisjoint(wanted.bases)
    return derives and (not wanted.declares or isinstance(getattr(found, wanted.declares, None), str))


def _declares(definition: source.Definition, name: str) -> bool:
    """Whether a class sets an attribute to a string, `input = "particles"`."""
    for statement in definition.body:
        match source.assigned(statement):
            case (target, ast.Constant(value=str())) if target == name:
                return True
    return False
