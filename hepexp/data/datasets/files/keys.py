"""The keys of `data=files` that say what is read of a file, parsed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hepexp.config.quoting import cut_expression
from hepexp.data.datasets.files.classes import OF_PARTICLE, Classes
from hepexp.data.datasets.files.inputs import class_names
from hepexp.data.datasets.files.names import check_names
from hepexp.data.datasets.files.scaled_input import Input, Text, inputs_of
from hepexp.data.expressions.expression import Expression
from hepexp.data.expressions.parse import parse
from hepexp.data.tables.component_names import BASES
from hepexp.data.transforms.carry import edge_target
from hepexp.errors import ConfigError

TYPED = (*BASES, ("pt", "eta", "phi", "pid"))  # a column of that name may be anything: only where it is typed


@dataclass(frozen=True)
class Keys:
    """What is read of each file; the meaning of each key is with the class that has them, in `module`.

    Raises
    ------
    ConfigError : a value is no expression, or keys contradict one another.
    """

    tree: str | None = None
    p4: Mapping[str, Text] | None = None
    classes: Mapping[str, Text | Sequence[float]] | None = None
    label: str | None = None
    element_classes: Mapping[str, Text | Sequence[float]] | None = None
    element_label: str | None = None
    targets: Mapping[str, Text] = field(default_factory=dict)
    element_targets: Mapping[str, Text] = field(default_factory=dict)
    pair_targets: Mapping[str, Text] = field(default_factory=dict)
    edge_targets: Mapping[str, Text] = field(default_factory=dict)
    scalars: tuple[Input, ...] = ()
    features: tuple[Input, ...] = ()
    extras: tuple[Input, ...] = ()
    observers: Sequence[Text] = ()
    selection: str | None = None
    particle_selection: str | None = None
    weight: str | None = None
    event_id: Sequence[str] = ()
    variables: Sequence[str] = ()
    edges: Mapping[str, Text] | None = None
    pixels: Sequence[str] = ()
    channel_axis: str | None = None

    def __post_init__(self) -> None:
        if self.p4 is not None and set(self.p4) not in map(set, TYPED):
            known = "; ".join(" ".join(basis) for basis in TYPED)
            got = " ".join(map(str, self.p4)) or "none"
            cut = cut_expression(self.p4)
            hint = f"; YAML cuts at commas: write '{cut}' in quotes" if cut else ""
            raise ConfigError(f"dataset.p4 must have the components of one of {known}; got {got}{hint}")
        for name in ("pt", "mass", "energy"):
            value = (self.p4 or {}).get(name)
            if isinstance(value, int | float) and not value >= 0:
                raise ConfigError(f"dataset.p4.{name} must be >= 0, got {value}")
        if self.element_classes and not self.p4:
            raise ConfigError(
                f"{self.of_particle_class.key} needs dataset.p4, the particles that have a class; got "
                f"{', '.join(self.element_classes)} alone"
            )
        if self.element_classes and OF_PARTICLE in {*self.element_targets, *self.pair_targets}:
            raise ConfigError(f"dataset.element_targets: '{OF_PARTICLE}' stands for element_classes; expected another")
        if self.edges is not None and set(self.edges) != {"from", "to"}:
            raise ConfigError(
                "dataset.edges must be the columns with the two ends of each edge, {from: ..., to: ...}; got "
                f"{', '.join(map(str, self.edges)) or 'none'}"
            )
        if self.edges is not None and not self.p4:
            raise ConfigError("dataset.edges needs dataset.p4, the particles that they connect; got edges alone")
        if self.edge_targets and self.edges is None:
            raise ConfigError(
                "dataset.edge_targets needs dataset.edges, {from: ..., to: ...}; got "
                f"{', '.join(self.edge_targets)} alone"
            )
        for key in ("targets", "element_targets", "pair_targets", "edge_targets"):
            check_names(f"dataset.{key}", getattr(self, key))
        for _ in (*self.of_examples, *self.of_particles, *self.of_edges, *self.conditions):
            pass  # parsed, so that what is no expression is refused now

    @cached_property
    def of_examples(self) -> dict[str, Expression]:
        """What is stored for each example: targets by their names, the rest by the text of the expression."""
        found: dict[str, Expression] = {}
        for key, texts in {
            "extras": [one.expr for one in self.extras],
            "features": [one.expr for one in self.features],
            "observers": self.observers,
            "weight": [] if self.weight is None else [self.weight],
            "reweight.variables": self.variables,
            "event_id": self.event_id,
        }.items():
            for text in texts:
                _add(found, str(text), f"dataset.{key}", text)
        for name, text in self.targets.items():
            _add(found, name, f"dataset.targets.{name}", text)
        return found

    @cached_property
    def momenta(self) -> dict[str, Expression | float]:
        """The components of four-momenta: expressions, or constants."""
        return {
            name: float(text) if isinstance(text, int | float) else parse(text, f"dataset.p4.{name}")
            for name, text in (self.p4 or {}).items()
        }

    @cached_property
    def of_either(self) -> dict[str, Expression]:
        """What is stored for each example or particle: a scalar may be a column with one value for each example."""
        return self.of_particles | self.of_examples

    @cached_property
    def of_particles(self) -> dict[str, Expression]:
        """What is stored for each particle: targets by their names, the rest by the text of the expression."""
        found = {one.text: one for one in self.momenta.values() if isinstance(one, Expression)}
        for one in self.scalars:
            _add(found, one.expr, "dataset.scalars", one.expr)
        for name, text in self.element_targets.items():
            _add(found, name, f"dataset.element_targets.{name}", text)
        for name, text in self.pair_targets.items():
            _add(found, name, f"dataset.pair_targets.{name}", text)
        return found

    @cached_property
    def of_edges(self) -> dict[str, Expression]:
        """What is stored for each edge: the place of either end among the particles of its example, and targets."""
        if self.edges is None:
            return {}
        ends = {"source": "from", "target": "to"}
        found = {end: parse(self.edges[key], f"dataset.edges.{key}") for end, key in ends.items()}
        for name, text in self.edge_targets.items():
            found[edge_target(name)] = parse(text, f"dataset.edge_targets.{name}")
        return found

    @cached_property
    def cuts(self) -> dict[str, Expression]:
        """The selections of examples and of particles, by their keys."""
        given = {"selection": self.selection, "particle_selection": self.particle_selection}
        return {key: parse(text, f"dataset.{key}") for key, text in given.items() if text is not None}

    @cached_property
    def of_class(self) -> Classes:
        """The classes of examples."""
        return Classes(self.classes or {}, self.label)

    @cached_property
    def of_particle_class(self) -> Classes:
        """The classes of particles."""
        return Classes(self.element_classes or {}, self.element_label, "element_")

    @property
    def conditions(self) -> Iterator[Expression]:
        """All expressions that are true or false, or a label."""
        yield from self.cuts.values()
        yield from self.of_class.expressions.values()
        yield from self.of_particle_class.expressions.values()

    @cached_property
    def untouched(self) -> frozenset[str]:
        """What no model and no loss sees, so that it may be any number, NaN included."""
        seen = {*(one.expr for one in (*self.extras, *self.features)), *self.targets, self.weight, *self.variables}
        return frozenset(map(str, self.observers)) - seen

    @cached_property
    def may_miss(self) -> frozenset[str]:
        """What may be NaN or infinite: what nobody sees, and inputs that say what stands in its place."""
        inputs = (*self.scalars, *self.extras, *self.features)
        padded = {one.expr for one in inputs if one.pad is not None} - {one.expr for one in inputs if one.pad is None}
        needed = {one.text for one in self.momenta.values() if isinstance(one, Expression)}
        needed |= {*self.targets, *self.element_targets, *map(str, (self.weight, *self.variables))}
        return self.untouched | (padded - needed)

    def to_score(self, columns: Container[str]) -> Keys:
        """What is read of a file with these columns in order to score it: what a model needs, and what is there."""

        def there(text: Text) -> bool:
            return all(name in columns for name in parse(text, "").names)

        known = all(name in columns for name in self.of_class.names)
        particles_known = all(name in columns for name in self.of_particle_class.names)
        return replace(
            self,
            classes=self.classes if known else None,
            label=self.label if known else None,
            element_classes=self.element_classes if particles_known else None,
            element_label=self.element_label if particles_known else None,
            targets={},
            element_targets={name: text for name, text in self.element_targets.items() if there(text)},
            pair_targets={name: text for name, text in self.pair_targets.items() if there(text)},
            edge_targets={name: text for name, text in self.edge_targets.items() if there(text)},
            observers=tuple(filter(there, self.observers)),
            selection=None,
            weight=None,
            event_id=tuple(filter(there, self.event_id)),
            variables=(),
        )

    @property
    def numbers_particles(self) -> bool:
        """Whether it is stored which particles and edges of the file are left: where each is to have a prediction."""
        targets = (self.element_targets, self.element_classes, self.pair_targets, self.edge_targets)
        return self.particle_selection is not None and any(targets)

    @cached_property
    def fingerprint(self) -> str:
        """Names the converted files that these keys give: of other keys, or ways of storing, they differ."""
        parts = (self.of_examples, self.of_particles, self.cuts, self.of_class.expressions)
        what = [2, self.tree, *([name, one.text] for part in parts for name, one in part.items()), str(self.p4)]
        what += [str(self.classes), sorted(self.may_miss)]
        what += [list(self.pixels), self.channel_axis] if self.pixels else []
        what += [[end, one.text] for end, one in self.of_edges.items()]
        what += [self.element_label, str(self.element_classes)] if self.element_classes else []
        what += ["numbered"] if self.numbers_particles else []
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]


def _add(found: dict[str, Expression], name: str, key: str, text: Text) -> None:
    expression = parse(text, key)
    if found.setdefault(name, expression).text != expression.text:
        raise ConfigError(f"{key}: '{name}' stands for '{found[name].text}' elsewhere; expected a name of its own")


def keys_of(given: Mapping[str, Any]) -> Keys:
    """The keys that say what is read, from the values of a configuration.

    Raises
    ------
    ConfigError : a value cannot be what the key means.
    """
    names = ("tree", "label", "selection", "particle_selection", "weight", "channel_axis")
    plain = {name: given[name] for name in (*names, "element_label", "element_classes") if name in given}
    by_name = given.get("files") if class_names(given.get("files")) else None
    scalars, features, extras = (inputs_of(name, given.get(name) or ()) for name in ("scalars", "features", "extras"))
    of = ("targets", "element_targets", "pair_targets", "edge_targets")
    targets, element_targets, pair_targets, edge_targets = (_named(given.get(name) or {}) for name in of)
    event_id, pixels = given.get("event_id") or (), given.get("pixels") or ()
    return Keys(
        **plain,
        scalars=scalars,
        features=features,
        extras=extras,
        targets=targets,
        element_targets=element_targets,
        pair_targets=pair_targets,
        edge_targets=edge_targets,
        p4=given.get("p4"),
        classes=None if by_name else given.get("classes"),
        observers=tuple(given.get("observers") or ()),
        event_id=(event_id,) if isinstance(event_id, str) else tuple(event_id),
        variables=tuple(given.get("variables") or ()),
        edges=given.get("edges"),
        pixels=(pixels,) if isinstance(pixels, str) else tuple(pixels),
    )


def _named(targets: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    return dict(targets) if isinstance(targets, Mapping) else {str(text): text for text in targets}
