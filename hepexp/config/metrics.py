"""All metrics, read from the source of what computes them, in hepexp and in plug-ins, without importing it.

A class declares its metrics as `metrics`; a module that computes figures for every run declares them as `METRICS`.
What several declare may have a name of its own at the top of a module: `metrics = (*SHARED, Metric(...))`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hepexp.config import plugins, source
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.metric import Metric, without_suffix
from hepexp.splits import SPLITS

OF_CLASS, OF_EVERY_RUN = "metrics", "METRICS"
FIGURE_OF_MERIT = "hepexp.evaluation.classifiers.figure_of_merit.FigureOfMerit"
CLASSIFIER = "hepexp.evaluation.evaluators.classification.ClassificationEvaluator"
ANY_EVALUATOR = "hepexp.evaluation.evaluators.evaluator.Evaluator"
DECLARES = re.compile(rf"^\s*(?:{OF_CLASS}|{OF_EVERY_RUN})\b[^=\n]*=\s*(?:[(\[]|[\w.]+\s*(?:[+#]|$))", re.MULTILINE)
DECLARATION = ast.Tuple | ast.List | ast.BinOp | ast.Name | ast.Attribute
MOST_HOPS = 8  # names of names that are followed before a cycle is assumed
BEST = "best/"  # in MLflow, before the key of a validation figure: its value in the best epoch


@dataclass(frozen=True)
class Declaration:
    """A metric and its owner, the dotted path of a class, or of a module for those of every run."""

    owner: str
    metric: Metric
    of_every_run: bool = False


@cache
def declarations() -> tuple[Declaration, ...]:
    """All declared metrics, in the order of their owners' files."""
    return tuple(found for found in _read() if isinstance(found, Declaration))


@cache
def faults() -> tuple[str, ...]:
    """One line for each declaration in a plug-in that cannot be read."""
    return tuple(found for found in _read() if isinstance(found, str))


@cache
def of_loss(loss: str) -> tuple[Metric, ...] | None:
    """What a run with this loss can record: metrics of the loss, of its evaluator, and of every run.

    A classifier can have those of all figures of merit.

    Parameters
    ----------
    loss : dotted path of its class.

    Returns
    -------
    None if its source does not show which evaluator it has: `evaluator = Some(...)` or `evaluator: Some` in the class.
    """
    evaluator = _evaluator(loss)
    if evaluator is None:
        return None
    owners = {*source.line(loss), *source.line(evaluator)}
    if CLASSIFIER in owners:
        owners |= {*owners_of_figures_of_merit()}
    return tuple(d.metric for d in declarations() if d.of_every_run or d.owner in owners)


@cache
def find(key: str, loss: str | None = None) -> Metric | None:
    """The metric for a key of metrics.json, history.json or MLflow; None if it is not declared.

    Parameters
    ----------
    key : such as test/auc, test/auc_err, best/val/auc; or auc.
    loss : dotted path of the class of the run's loss; by default the metrics of all losses are searched.
    """
    known = of_loss(loss) if loss else None
    if known is None:
        known = tuple(d.metric for d in declarations())
        known = tuple(metric for metric in known if not metric.is_open or metric.name == base_name(key))
    key = without_suffix(key).removeprefix(BEST)
    for name in dict.fromkeys((key, base_name(key))):
        if fitting := [metric for metric in known if metric.of(name)]:
            # the one that spells out most: reconstruction_mse_turned is not the MSE in a channel `turned`
            return max(fitting, key=lambda metric: metric.spelt_out).of(name)
    return None


def base_name(key: str) -> str:
    """The name of a metric without its split: auc of val/auc."""
    split, slash, name = key.partition("/")
    return name if slash and split in SPLITS else key


def heading(key: str) -> str:
    """The heading of a column or an axis; for validation or training it says so."""
    metric = find(key)
    return f"{_of_split(key, metric)}{metric.heading}" if metric else key


def latex(key: str) -> str:
    """The heading in LaTeX."""
    metric = find(key)
    return f"{_of_split(key, metric)}{metric.latex or metric.heading}" if metric else key.replace("_", r"\_")


def lower_is_better(key: str) -> bool:
    """Whether smaller values of a metric are better; False if neither is better, or if it is not declared."""
    metric = find(key)
    return metric is not None and metric.better == "lower"


def is_whole(key: str) -> bool:
    """Whether a metric is a count."""
    metric = find(key)
    return metric is not None and metric.whole


def columns() -> list[str]:
    """Keys of the metrics that tables of runs show by default, in order."""
    names = [name for d in declarations() if d.metric.column for name in d.metric.names]
    return list(dict.fromkeys(full_key(name) for name in names))


@cache
def owners_of_figures_of_merit() -> tuple[str, ...]:
    """Dotted paths of the classes below FigureOfMerit, in the order of their files."""
    owners = dict.fromkeys(d.owner for d in declarations() if not d.of_every_run)
    return tuple(owner for owner in owners if FIGURE_OF_MERIT in source.line(owner))


def snake_case(name: str) -> str:
    """`calibration_error` of CalibrationError."""
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", name).lower()


def full_key(name: str) -> str:
    """The key of a metric in metrics.json: that of the test, unless its name is already a key."""
    return name if "/" in name else f"test/{name}"


def all_keys() -> list[str]:
    """Keys of all metrics, including validation, for lists and completion."""
    found = []
    for d in declarations():
        for name in d.metric.names:
            found.append(full_key(name))
            if "/" not in name and d.metric.each_epoch:
                found.append(f"val/{name}")
    return list(dict.fromkeys(found))


def named(key: str) -> list[Declaration]:
    """The declarations of a metric; several if evaluators define different figures with the same name.

    Raises
    ------
    ConfigError : nothing declares it.
    """
    found = find(key)
    if found is None:
        raise ConfigError(f"unknown metric '{key}'{did_you_mean(key, all_keys())}; see: hepexp list metric")
    fitting = [(d, metric) for d in declarations() if (metric := d.metric.of(found.name))]
    most = max(d.metric.spelt_out for d, _ in fitting)
    return [replace(d, metric=metric) for d, metric in fitting if d.metric.spelt_out == most]


def undeclared(given: Iterable[str], loss: str) -> list[str]:
    """The keys of a record that are not metrics of the run's loss."""
    return [key for key in given if find(key, loss) is None]


def _of_split(key: str, metric: Metric) -> str:
    split = key.removeprefix(BEST).partition("/")[0]
    return {"val": "validation ", "train": "training "}.get(split, "") if "/" not in metric.name else ""


def _read() -> Iterator[Declaration | str]:
    for package in ("hepexp", *plugins.packages()):
        folder = plugins.package_dir(package)
        if folder is None:
            continue
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if DECLARES.search(text):
                module = ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
                yield from _of_module(path, module, text)


def _of_module(path: Path, module: str, text: str) -> Iterator[Declaration | str]:
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return  # reported where the module is used
    nodes = [(module, node, OF_EVERY_RUN) for node in statements]
    nodes += [
        (f"{module}.{c.name}", node, OF_CLASS) for c in statements if isinstance(c, ast.ClassDef) for node in c.body
    ]
    for owner, node, field in nodes:
        target = source.assigned(node)
        if target is None or target[0] != field or not isinstance(target[1], DECLARATION):
            continue
        for place, item in _items(module, target[1]):
            if isinstance(item, ast.Constant):
                continue  # something else of this name
            try:
                for metric in _metric(place, item).with_floor():
                    yield Declaration(owner, metric, field == OF_EVERY_RUN)
            except (ValueError, TypeError):
                file = path if place == module else source.module_file(place)
                yield f"{file}:{item.lineno}: {owner}.{field} must be Metric(...) with literal values, or names of them"


def _items(module: str, node: ast.expr, hops: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """The elements of a tuple or a list and the modules in which they are written; named ones are looked up."""
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from (
                    _items(module, element.value, hops) if isinstance(element, ast.Starred) else [(module, element)]
                )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _items(module, left, hops)
            yield from _items(module, right, hops)
        case ast.Name() | ast.Attribute() if hops < MOST_HOPS and (found := source.value_of(module, node)):
            yield from _items(*found, hops + 1)
        case _:
            yield module, node


def _metric(module: str, node: ast.expr) -> Metric:
    """The metric that an expression in a module declares.

    Raises
    ------
    ValueError, TypeError : it is something else, or has arguments that are not literal.
    """
    if isinstance(node, ast.Name | ast.Attribute) and (found := source.value_of(module, node)):
        module, node = found
    if not isinstance(node, ast.Call):
        raise TypeError(f"{ast.unparse(node)} is not a call of Metric")
    arguments = [_literal(module, argument) for argument in node.args]
    return Metric(*arguments, **{str(word.arg): _literal(module, word.value) for word in node.keywords})


def _literal(module: str, node: ast.expr) -> Any:
    if isinstance(node, ast.Name | ast.Attribute) and (found := source.value_of(module, node)):
        node = found[1]
    return ast.literal_eval(node)


def _evaluator(loss: str) -> str | None:
    """The dotted path of the class of a loss's evaluator; None if its source does not show it."""
    for owner in source.line(loss):
        for node in source.find(owner).definition.body:
            target = source.assigned(node)
            if target is None or target[0] != "evaluator":
                continue
            kind = (
                node.annotation
                if isinstance(node, ast.AnnAssign)
                else target[1].func
                if isinstance(target[1], ast.Call)
                else None
            )
            found = source.resolve(owner.rpartition(".")[0], kind) if kind else None
            return found if found and found != ANY_EVALUATOR and source.is_known(found) else None
    return None
