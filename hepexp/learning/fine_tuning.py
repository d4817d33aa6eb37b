"""Fine-tuning: which parameters are trained, from which epoch on, and at which rate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.learning.optimizers import Optimizer
from hepexp.models.head import head_of, is_within

BODY, HEAD = "body", "head"
_MODEL, _OBJECTIVE = "model.", "objective."


@dataclass(frozen=True)
class FineTuning:
    """What `optimizer.freeze`, `optimizer.unfreeze` and `optimizer.lr_factor` mean for the parameters of a module.

    Parameters
    ----------
    starts : the first epoch, counted from 1, in which a parameter is trained, None if it never is; for those only that
        are frozen at first.
    factors : on the learning rate, where it is not 1.
    """

    starts: Mapping[str, int | None] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_gradual(self) -> bool:
        return any(start is not None for start in self.starts.values())

    def is_frozen(self, name: str, epoch: int) -> bool:
        start = self.starts.get(name, 1)
        return start is None or epoch < start

    def groups(self, named: Iterable[tuple[str, nn.Parameter]], lr: float) -> list[nn.Parameter] | list[dict[str, Any]]:
        """The trained parameters for torch's optimiser: a list, or groups if rates differ, the base rate's first."""
        groups = self._by_factor(named)
        if not self.factors:
            return [parameter for parameters in groups.values() for parameter in parameters]
        return [{"params": parameters, "lr": lr * factor} for factor, parameters in groups.items()]

    def distinct_factors(self, named: Iterable[tuple[str, nn.Parameter]]) -> list[float]:
        """The factor of each group of the optimiser."""
        return list(self._by_factor(named))

    def _by_factor(self, named: Iterable[tuple[str, nn.Parameter]]) -> dict[float, list[nn.Parameter]]:
        """The trained parameters by their factor on the rate: one first, then the larger before the smaller."""
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in named:
            if self.starts.get(name, 1) is not None:
                groups.setdefault(self.factors.get(name, 1.0), []).append(parameter)
        return dict(sorted(groups.items(), key=lambda item: (item[0] != 1, -item[0])))

    def statistics(self, module: nn.Module) -> Iterator[tuple[nn.Module, list[str]]]:
        """The layers with running statistics, such as batch norms, whose parameters are all frozen at first.

        Yields
        ------
        The layer, and the names of its parameters; of a layer without any, those of the module that it is in.
        """
        names = [name for name, _ in module.named_parameters()]
        for path, layer in module.named_modules():
            if not list(layer.buffers(recurse=False)):
                continue
            inside: list[str] = []
            while path and not inside:
                inside = [name for name in names if is_within(name, path)]
                path = path.rpartition(".")[0]
            if inside and all(name in self.starts for name in inside):
                yield layer, inside


def fine_tuning(optimizer: Optimizer, module: nn.Module) -> FineTuning:
    """What the options of an optimiser mean for a module with parts `model` and `objective`.

    Raises
    ------
    ConfigError : a pattern that fits no parameter, parameters to unfreeze that are not frozen, or nothing to train.
    """
    if not (optimizer.freeze or optimizer.unfreeze or optimizer.lr_factor):
        return FineTuning()
    named = Names([name for name, _ in module.named_parameters()], head_of(module.get_submodule("model")))
    starts: dict[str, int | None] = dict.fromkeys(named.of(optimizer.freeze, "optimizer.freeze"))
    for epoch, patterns in sorted((optimizer.unfreeze or {}).items(), reverse=True):  # the earliest has the last word
        for pattern in _listed(patterns):
            frozen = [name for name in named.of(pattern, f"optimizer.unfreeze.{epoch}") if name in starts]
            if not frozen:
                raise ConfigError(f"optimizer.unfreeze.{epoch}: {pattern} is not frozen; name it in optimizer.freeze")
            starts |= dict.fromkeys(frozen, epoch)
    factors = _factors(optimizer, named)
    if starts and all(starts.get(name, 1) is None for name in named.names):
        raise ConfigError("optimizer.freeze leaves nothing to train; keep a layer, or name one in optimizer.unfreeze")
    return FineTuning(starts, {name: factor for name, factor in factors.items() if factor != 1})


def spare_fresh(optimizer: Optimizer, model: nn.Module, objective: nn.Module, fresh: Collection[str]) -> list[str]:
    """Take layers that start from random weights out of what an optimiser freezes or slows down.

    Frozen they would never learn, and a factor on the rate of layers that are trained already is not meant for them,
    unless its pattern selects none but fresh ones. What is left is named layer by layer, so that the record of a run
    says what was frozen, and which rates there were.

    Parameters
    ----------
    fresh : names of parameters of the model.

    Returns
    -------
    What was spared, in words: which layers are trained although they were to be frozen, at least for some epochs, and
    which have the base rate; empty if there are none.
    """
    if not fresh:
        return []
    named, untaken = _names(model, objective), {_MODEL + name for name in fresh}
    frozen = set(named.of(optimizer.freeze, "optimizer.freeze"))
    said = []
    if spared := named.layers(frozen & untaken):
        said.append(f"trained although optimizer.freeze names them, as they are fresh: {', '.join(spared)}")
        optimizer.freeze = named.layers(frozen - untaken)
        later = {
            epoch: [one for one in _listed(given) if not set(named.of(one, f"optimizer.unfreeze.{epoch}")) <= untaken]
            for epoch, given in (optimizer.unfreeze or {}).items()
        }
        optimizer.unfreeze = {epoch: patterns for epoch, patterns in later.items() if patterns} or None
    given = _factors(optimizer, named)
    meant = _factors(optimizer, named, {*untaken})
    if at_base := named.layers(given.keys() - meant.keys()):
        said.append(f"at the full rate, as they are fresh: {', '.join(at_base)}")
    if meant != given:
        optimizer.lr_factor = {
            layer: factor
            for factor in dict.fromkeys(meant.values())
            for layer in named.layers([name for name in meant if meant[name] == factor])
        } or None
    return said


def frozen_at_random(optimizer: Optimizer, model: nn.Module, objective: nn.Module) -> list[str]:
    """The layers of a model with random weights that an optimiser freezes, at least for some epochs."""
    named = _names(model, objective)
    frozen = named.of(optimizer.freeze, "optimizer.freeze")
    return named.layers([name for name in frozen if name.startswith(_MODEL)])


def _factors(optimizer: Optimizer, named: Names, spared: Collection[str] = ()) -> dict[str, float]:
    """The factor on the rate of each parameter that has one; those to be spared only where a pattern has no others."""
    factors: dict[str, float] = {}
    for pattern, factor in (optimizer.lr_factor or {}).items():
        selected = named.of(pattern, "optimizer.lr_factor")
        factors |= dict.fromkeys([n for n in selected if n not in spared] or selected, float(factor))
    return factors


def _names(model: nn.Module, objective: nn.Module) -> Names:
    parts = {_MODEL: model, _OBJECTIVE: objective}
    return Names(
        [prefix + name for prefix, part in parts.items() for name, _ in part.named_parameters()], head_of(model)
    )


class Names:
    """The names of parameters, and what patterns select of them.

    A pattern is the name of a parameter or of a submodule of the model, with * and ? as in a shell; `head`, or `body`
    for all of the model but its head. Names in the objective begin with `objective.`.

    Parameters
    ----------
    names : full names, beginning with `model.` or `objective.`.
    head : the name of the model's head.
    """

    def __init__(self, names: list[str], head: str):
        self.names, self.head = names, head

    def of(self, patterns: Iterable[str] | str, key: str) -> list[str]:
        """The full names that any of the patterns selects.

        Raises
        ------
        ConfigError : a pattern selects none; `key` is named.
        """
        found: list[str] = []
        for pattern in _listed(patterns):
            selected = [name for name in self.names if self._selects(pattern, name)]
            if not selected:
                parts = {part: None for name in self.names for part in _parts(name.removeprefix(_MODEL))}
                top = [part for part in parts if "." not in part]
                raise ConfigError(
                    f"{key}: no parameter of the model fits {pattern!r}{did_you_mean(pattern, [*parts, BODY, HEAD])} "
                    f"(expected body, head, or a name such as {', '.join(top[:5])})"
                )
            found += selected
        return found

    def layers(self, chosen: Collection[str]) -> list[str]:
        """The patterns that select these of the full names and no others, one for each of the largest submodules."""
        outside = {part for name in self.names if name not in chosen for part in _parts(name.removeprefix(_MODEL))}
        parts = [_parts(name.removeprefix(_MODEL)) for name in self.names if name in chosen]
        return list(dict.fromkeys(next(part for part in of if part not in {*outside, BODY, HEAD}) for of in parts))

    def _selects(self, pattern: str, name: str) -> bool:
        if name.startswith(_OBJECTIVE) and not pattern.startswith(_OBJECTIVE.rstrip(".")):
            return False  # a temperature is trained unless it is named
        short = name.removeprefix(_MODEL)
        if pattern in (BODY, HEAD):
            return is_within(short, self.head) == (pattern == HEAD)
        return any(fnmatchcase(part, pattern) for part in _parts(short))


def _listed(patterns: Iterable[str] | str) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _parts(name: str) -> list[str]:
    """`a`, `a.b` and `a.b.c` of `a.b.c`."""
    words = name.split(".")
    return [".".join(words[: n + 1]) for n in range(len(words))]
