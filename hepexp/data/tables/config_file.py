"""A configuration of `data=files` for files that nobody has described, with guesses to be corrected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepexp.config.suggest import typed
from hepexp.data.expressions.parse import in_quotes
from hepexp.data.tables.edge_columns import edge_columns, same_length
from hepexp.data.tables.guess import (
    FourMomenta,
    Guess,
    channel_axis,
    four_momenta,
    is_flag,
    is_run,
    is_truth,
    lengths_of_particles,
    one_hot,
)
from hepexp.data.tables.summary import Summary

_MOST_LISTED = 20  # names in a comment, and classes
LONGEST_SHOWN = 60  # characters of a name on a screen
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "none", "nan", "inf", "y", "n"}  # mean something in YAML


@dataclass(frozen=True)
class Proposal:
    """What is written.

    Parameters
    ----------
    files : names or patterns.
    tree : as it was given.
    target : the file to write, FOLDER/dataset/NAME.yaml.
    found, guesses : the columns.
    """

    files: Sequence[str]
    tree: str | None
    target: Path
    found: Mapping[str, Summary]
    guesses: Mapping[str, Guess]

    def text(self) -> str:
        """The YAML, whose comments name what was not chosen."""
        particles = four_momenta(self.guesses, self.found, "particles")
        images = self._with_role("image")
        of_images = bool(images) and not particles
        body = ["defaults:", f"  - {'image_files' if of_images else 'files'}", "  - _self_", ""]
        body += ["files:", *(f"  - {scalar(path)}" for path in self.files)]
        if self.tree is not None:
            body += [f"tree: {scalar(self.tree)}"]
        if of_images:
            body += [f"pixels: {scalar(in_quotes(images[0]))}", *_others("pixels", images[1:]), *self._axis(images[0])]
        else:
            body += self._four_momenta(particles)
            body += ["# images, as another data set with `defaults: [image_files, _self_]`:"] * bool(images)
            body += _others("pixels", images)
            body += self._edges(bool(particles))
        body += self._classes() + self._features(of_images)
        body += self._one("weight", "an expression per example; may be negative")
        body += self._event_id()
        return "\n".join([*self._head(particles, images), *body]) + "\n"

    @property
    def has_only_features(self) -> bool:
        """Whether the examples have neither particles nor images, but numbers of their own."""
        return not self._of("particles") and not self._with_role("image") and bool(self._features_of_examples())

    @property
    def missing(self) -> list[str]:
        """The keys that have to be filled in before anything can be trained on the files."""
        found = []
        if not four_momenta(self.guesses, self.found, "particles") and not self._with_role("image"):
            if self._of("particles"):
                found.append("p4")
            elif not self._features_of_examples():
                found.append("p4, pixels or features")
        flags, labels = one_hot(self.found), self._labels()
        if not flags and not labels:
            candidates = self._with_role("label?")
            found.append(f"label and classes ({' or '.join(candidates[:3])}?)" if candidates else "classes")
        elif not flags and len(self._values(labels[0])) < 2:
            found.append("classes, as the first rows have one only")
        return found

    def _labels(self) -> list[str]:
        flags = one_hot(self.found)
        return sorted((name for name in self._with_role("label") if name not in flags), key=is_flag)

    def _values(self, label: str) -> tuple[int, ...]:
        return tuple(value for value in self.found[label].distinct if value >= 0)

    def _features_of_examples(self) -> list[str]:
        names = self._with_role("feature")
        return [name for name in names if self.found[name].column.level == "example" and not is_truth(name)]

    def _axis(self, image: str) -> list[str]:
        shape = self.found[image].column.shape
        if len(shape) == 2 or channel_axis(shape) is not None:
            return []
        return [f"channel_axis: last    # guess; or first, as the array is {' x '.join(map(str, shape))}"]

    def _head(self, particles: list[FourMomenta], images: list[str]) -> list[str]:
        model = "gin" if particles and self._with_role("edge") else "cnn" if images and not particles else "particlenet"
        name, folder = self.target.stem, self.target.parent.parent
        names = ", ".join(Path(path).name for path in self.files[:3]) + ", ..." * (len(self.files) > 3)
        model = "mlp" if self.has_only_features else model
        command = f"hepexp train --config-dir {typed(str(folder))} model={model} data={typed(name)}"
        return [
            f"# {printable(names)}: a first guess by the names and ranges of the columns, to be corrected.",
            "# Written by `hepexp data inspect`, which shows the columns themselves.",
            f"# {printable(command)}",
        ]

    def _four_momenta(self, groups: list[FourMomenta]) -> list[str]:
        if not groups:
            lengths = lengths_of_particles(self.guesses, self.found)
            edges = ("edge", "edge_target")
            names = [name for name in self._of("particles") if self.guesses[name].role not in edges]
            names = [name for name in names if same_length(self.found[name], lengths)]
            if not names:
                return []
            return ["# p4: {pt: ..., eta: ..., phi: ..., mass: ...}    # none found; the columns are", *_wrap(names)]
        first, *others = groups
        lines = ["p4:"]
        for component, column in first.columns.items():
            comment = "    # guess: there is no mass and no energy" if column == 0 else ""
            lines.append(f"  {component}: {self._expression(column)}{comment}")
        units = {self.guesses[column].unit for column in first.columns.values() if isinstance(column, str)}
        if "MeV" in units:
            lines[0] += "    # guess: in the file in MeV, here in GeV"
        named = [column for column in first.columns.values() if isinstance(column, str)]
        if any(self.guesses[column].what.endswith("?") for column in named):
            lines[0] += "    # guess: the order of EnergyFlow, pt, y, phi and PDG number"
        elif len({self.guesses[column].prefix for column in named}) > 1:
            lines[0] += "    # guess: angles from the axis of the jet"
        for other in others[:4]:
            text = ", ".join(f"{component}: {self._expression(column)}" for component, column in other.columns.items())
            lines.append(f"# p4: {{{text}}}")
        return lines

    def _edges(self, has_particles: bool) -> list[str]:
        """The ends of edges, in the order in which `guess` found them."""
        edges = edge_columns(self.found, lengths_of_particles(self.guesses, self.found))
        if edges is None:
            return []
        ends = zip(("from", "to"), edges.ends, strict=True)
        text = ", ".join(f"{key}: {scalar(in_quotes(name))}" for key, name in ends)
        hidden = "" if has_particles else "# "
        targets = ", ".join(scalar(in_quotes(name)) for name in edges.targets)
        to_predict = [f"# edge_targets: [{targets}]    # guess; 0 or 1, with model.level=edge loss=pair_cross_entropy"]
        return [f"{hidden}edges: {{{text}}}    # guess; of graphs, for models such as gin", *to_predict * bool(targets)]

    def _expression(self, column: str | float) -> str:
        if not isinstance(column, str):
            return str(column)
        name = in_quotes(column)
        return scalar(f"{name} / 1000" if self.guesses[column].unit == "MeV" else name)

    def _classes(self) -> list[str]:
        flags, labels = one_hot(self.found), self._labels()
        if flags:
            start = _common_start(flags)
            lines = ["classes:"] + [f"  {scalar(name[start:])}: {scalar(in_quotes(name))}" for name in flags]
            return lines + _others("label", labels)
        if not labels:
            candidates = self._with_role("label?")
            return [
                "# no label found: name an expression for each class, or give each class its files",
                "# classes: {signal: ..., background: ...}",
                "# files: {signal: [...], background: [...]}",
                *_others("label", candidates),
                *(["# classes: {background: 0, signal: 1}    # with label"] * bool(candidates)),
            ]
        values = self._values(labels[0])
        signal = values == (0, 1) and "sig" in labels[0].lower()
        names = ("background", "signal") if signal else tuple(f"class_{value}" for value in values)
        lines = [f"label: {scalar(in_quotes(labels[0]))}", "classes:    # values in the first rows; names are yours"]
        lines += [f"  {name}: {value}" for name, value in zip(names, values, strict=True)]
        if len(values) < len(self.found[labels[0]].distinct):
            known = scalar(f"{in_quotes(labels[0])} >= 0")
            lines += [f"selection: {known}    # guess: examples with a negative label are of no class"]
        return lines + _others("label", labels[1:])

    def _features(self, of_images: bool) -> list[str]:
        scalars = [
            name
            for name, its in self.guesses.items()
            if its.role == "scalar" and not (is_truth(name) or (its.component and not its.prefix.endswith("relative")))
        ]
        examples, lines = self._features_of_examples(), []
        if scalars and not of_images:
            lines += ["scalars: []    # per particle, standardised; may be", *_wrap(scalars)]
        if self.has_only_features:
            lines += ["features:    # guess: all of them; per example, standardised"]
            lines += [f"  - {scalar(in_quotes(name))}" for name in examples]
            lines += ["observers: []    # carried into the predictions untouched; may be the same"]
        elif examples:
            key, what = ("extras", "per example, beside the image") if of_images else ("features", "per example")
            lines += [f"{key}: []    # {what}, standardised; may be", *_wrap(examples)]
            lines += ["observers: []    # carried into the predictions untouched; may be the same"]
        return lines

    def _one(self, role: str, comment: str) -> list[str]:
        names = self._with_role(role)
        if not names:
            return []
        return [f"{role}: {scalar(in_quotes(names[0]))}    # guess; {comment}", *_others(role, names[1:])]

    def _event_id(self) -> list[str]:
        """The number of the event, with the run that it is of; a run alone tells no events apart."""
        names, comment = self._with_role("event_id"), "    # guess; tells events apart; the file and row by default"
        runs = [name for name in names if is_run(name)]
        numbers = sorted((name for name in names if name not in runs), key=lambda name: "ev" not in name.lower())
        if not numbers:
            return _others("event_id", runs)
        chosen = [*runs, numbers[0]]
        texts = [scalar(in_quotes(name)) for name in chosen]
        text = f"[{', '.join(texts)}]" if runs else texts[0]
        return [f"event_id: {text}{comment}", *_others("event_id", numbers[1:])]

    def _with_role(self, role: str) -> list[str]:
        return [name for name, its in self.guesses.items() if its.role == role]

    def _of(self, level: str) -> list[str]:
        return [name for name, summary in self.found.items() if summary.column.level == level]


def scalar(text: str) -> str:
    """A text as YAML and OmegaConf read it back, whatever characters it has."""
    if re.fullmatch(r"[A-Za-z_][\w./*-]*", text, re.ASCII) and text.lower() not in _WORDS:
        return text
    # in OmegaConf, ${ begins a reference
    return json.dumps(text.replace("${", "\\${"), ensure_ascii=True)


def printable(text: str) -> str:
    """A text of one line; names from a file may have line breaks or control characters, which mean something else."""
    return "".join(c if c.isprintable() else "?" for c in text)


def shortened(name: str) -> str:
    """The name of a column as it is shown on a screen."""
    return printable(name if len(name) <= LONGEST_SHOWN else f"{name[: LONGEST_SHOWN - 3]}...")


def number(value: float) -> str:
    """A number in a description."""
    return "-" if math.isnan(value) else f"{value:.4g}"


def _others(key: str, names: Iterable[str]) -> list[str]:
    return [f"# {key}: {printable(in_quotes(name))}" for name in list(names)[:_MOST_LISTED]]


def _wrap(names: Sequence[str]) -> list[str]:
    """Comments with names, a few a line."""
    shown = [printable(in_quotes(name)) for name in names[:_MOST_LISTED]]
    shown += [f"and {len(names) - _MOST_LISTED} more"] * (len(names) > _MOST_LISTED)
    return [f"#   {', '.join(shown[i : i + 5])}" for i in range(0, len(shown), 5)]


def _common_start(names: Sequence[str]) -> int:
    """Length of what the names begin with, up to the last separator or `is`."""
    first, last = min(names), max(names)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    match = re.match(r".*(?:[._]|is(?=[A-Z]|$))", first[:n])
    return match.end() if match else 0
