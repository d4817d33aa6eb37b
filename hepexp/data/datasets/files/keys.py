"""The keys of `data=files` that say what is read of a file, parsed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from hepexp.config.suggest import did_you_mean
from hepexp.data.expressions.expression import Expression
from hepexp.data.expressions.parse import parse
from hepexp.data.transforms.carry import edge_target
from hepexp.data.values import Values
from hepexp.errors import ConfigError

BASES = (
    ("px", "py", "pz", "energy"),
    ("px", "py", "pz", "mass"),
    ("pt", "eta", "phi", "mass"),
    ("pt", "eta", "phi", "energy"),
    ("pt", "y", "phi", "mass"),
    ("pt", "y", "phi", "energy"),
    ("pt", "y", "phi", "pid"),
    ("pt", "eta", "phi", "pid"),
)
MOST_CLASSES = 127  # labels are stored in a byte
Text = str | int | float
DEFAULT_CLIP = (-5.0, 5.0)  # of what is standardised: the tails of an impact parameter are thousands of widths away
_OF_INPUT = ("expr", "shift", "scale", "clip", "pad")


@dataclass(frozen=True)
class Input:
    """One input of a model, and how it is scaled.

    Parameters
    ----------
    expr : an expression of columns.
    shift, scale : the value becomes (value - shift) / scale; None to take both from the training examples.
    clip : range to which the scaled value is clipped; None for no limit. The default of a configuration is
        `DEFAULT_CLIP` where the scale is fitted, and none where it is given.
    pad : the scaled value where the column is NaN or infinite, as a missing one is; None to refuse these.
    """

    expr: str
    shift: float | None = None
    scale: float | None = None
    clip: tuple[float, float] | None = None
    pad: float | None = None


def inputs_of(key: str, given: Sequence[Text | Mapping[str, object]]) -> tuple[Input, ...]:
    """The inputs that a list of expressions, or of mappings with expr, shift, scale, clip and pad, describes.

    Raises
    ------
    ConfigError : an item is neither.
    """
    return tuple(_input(f"dataset.{key}[{i}]", item) for i, item in enumerate(given))


def _input(key: str, item: Text | Mapping[str, object]) -> Input:
    if not isinstance(item, Mapping):
        return Input(parse(item, key).text, clip=DEFAULT_CLIP)
    for name in item:
        if name not in _OF_INPUT:
            close = did_you_mean(str(name), _OF_INPUT)
            raise ConfigError(f"{key}: unknown key '{name}'{close} (keys: {', '.join(_OF_INPUT)})")
    if "expr" not in item:
        raise ConfigError(f"{key} has no expr; expected such as {{expr: log(part_pt), clip: [-5, 5]}}")
    numbers = {name: item.get(name) for name in ("shift", "scale", "pad")}
    for name, value in numbers.items():
        if value is not None and not _is_number(value):
            raise ConfigError(f"{key}.{name} must be a number, got {value!r}")
    if numbers["scale"] is not None and numbers["scale"] <= 0:
        raise ConfigError(f"{key}.scale must be > 0, got {numbers['scale']}")
    if numbers["shift"] is not None or numbers["scale"] is not None:
        numbers |= {"shift": numbers["shift"] or 0.0, "scale": numbers["scale"] or 1.0}
    clip = item.get("clip", DEFAULT_CLIP if numbers["scale"] is None else None)
    if clip is not None and not (
        isinstance(clip, list | tuple) and len(clip) == 2 and all(map(_is_number, clip)) and clip[0] < clip[1]
    ):
        raise ConfigError(f"{key}.clip must be [low, high] with low < high, got {clip}")
    return Input(parse(item["expr"], f"{key}.expr").text, **numbers, clip=tuple(clip) if clip else None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


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
        if self.p4 is not None and tuple(self.p4) not in BASES and set(self.p4) not in map(set, BASES):
            known = "; ".join(" ".join(basis) for basis in BASES)
            got = " ".join(map(str, self.p4)) or "none"
            raise ConfigError(f"dataset.p4 must have the components of one of {known}; got {got}")
        for name in ("pt", "mass", "energy"):
            value = (self.p4 or {}).get(name)
            if isinstance(value, int | float) and not value >= 0:
                raise ConfigError(f"dataset.p4.{name} must be >= 0, got {value}")
        if self.label is not None and not self.classes:
            raise ConfigError(
                f"dataset.label needs dataset.classes, the value of each class, such as {{QCD: 0, top: 1}}; got "
                f"label={self.label} and no classes"
            )
        if self.label is not None:
            values = [value for name in self.classes for value in self.values_of(name)]
            if len(set(values)) < len(values):
                raise ConfigError(f"dataset.classes must have different values for each class, got {values}")
        else:
            for name, value in (self.classes or {}).items():
                if isinstance(value, list | tuple):
                    raise ConfigError(
                        f"dataset.classes.{name} must be a condition such as 'flavour >= 4', or dataset.label must "
                        f"name the column of these values; got {value!r} and no label"
                    )
        if len(self.classes or ()) > MOST_CLASSES:
            raise ConfigError(f"dataset.classes must be at most {MOST_CLASSES}, got {len(self.classes)}")
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

    def values_of(self, name: str) -> list[float]:
        """The values of the label in a class.

        Raises
        ------
        ConfigError : it is neither a number nor a list of numbers.
        """
        given = self.classes[name]
        values = list(given) if isinstance(given, list | tuple) else [given]
        if not values or not all(map(_is_number, values)):
            raise ConfigError(
                f"dataset.classes.{name} must be a number, the value of dataset.label in this class, or a list of "
                f"numbers, got {given!r}"
            )
        return values

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
    def labels(self) -> dict[str, Expression]:
        """What the class follows from: the label, or a condition for each class."""
        if self.label is not None:
            return {"": parse(self.label, "dataset.label")}
        return {name: parse(text, f"dataset.classes.{name}") for name, text in (self.classes or {}).items()}

    @property
    def conditions(self) -> Iterator[Expression]:
        """All expressions that are true or false, or a label."""
        yield from self.cuts.values()
        yield from self.labels.values()

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

        known = all(name in columns for one in self.labels.values() for name in one.names)
        return replace(
            self,
            classes=self.classes if known else None,
            label=self.label if known else None,
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

    @cached_property
    def fingerprint(self) -> str:
        """Names the converted files that these keys give: of other keys, or ways of storing, they differ."""
        parts = (self.of_examples, self.of_particles, self.cuts, self.labels)
        what = [2, self.tree, *([name, one.text] for part in parts for name, one in part.items()), str(self.p4)]
        what += [str(self.classes), sorted(self.may_miss)]
        what += [list(self.pixels), self.channel_axis] if self.pixels else []
        what += [[end, one.text] for end, one in self.of_edges.items()]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]


def _add(found: dict[str, Expression], name: str, key: str, text: Text) -> None:
    expression = parse(text, key)
    if found.setdefault(name, expression).text != expression.text:
        raise ConfigError(f"{key}: '{name}' stands for '{found[name].text}' elsewhere; expected a name of its own")


def is_true(values: Values) -> object:
    """Where a condition holds; NaN is no yes."""
    return (values.values != 0) & (values.values == values.values)
