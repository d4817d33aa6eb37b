"""`expected`: published figures with their source and how they were obtained, and figures that are known exactly.

expected:
  published:
    - document: Gong et al., JHEP 07 (2022) 030     what one would cite
      link: https://arxiv.org/abs/2201.08187          null where nothing public is known
      data: qg                                        the data set, by its name in `hepexp list dataset`
      n_train: 1600000                                sizes, epochs and seeds as far as they are known
      figures:
        test/auc: 0.9156
        test/rejection_0.3: 110 +- 2                  with an error where one was published
  exact:
    model/parameters: 227096                          counts and closed forms
  exact_for: [loss.action]                            keys on which closed forms depend
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import yaml

from hepexp.config import metrics
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

PARTS = ("published", "exact")
EXACT_FOR = "exact_for"  # taken out by the loader
KINDS = ("test", "val", "train", "model", "symmetry")  # the first part of a metric's name
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_WRITTEN = re.compile(rf"({_NUMBER})(?:\s*(?:\+-|±)\s*({_NUMBER}))?")


@dataclass(frozen=True)
class Figure:
    """A figure, and its error if one was published.

    Parameters
    ----------
    written : both as they were published, `0.940`: the last digit says how precise a figure is.
    """

    value: float
    error: float | None = None
    written: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Publication:
    """What was published, the conditions of its figures, and the figures.

    Parameters
    ----------
    document : what one would cite.
    link : an address, if possible of arXiv or a DOI; null if nothing public is known.
    data : name of the data set, as in `hepexp list dataset`.
    figures : the figures, by the names of metrics.
    n_train, n_val, n_test : examples of each split.
    n_total : all examples together, if the split is not known.
    epochs : number of epochs trained there, or after which the figures were taken.
    seeds : number of trainings over which a figure is averaged.
    note : what else the reader should know about the figures.
    differs : what was done there differently from the task, so that its figures are not comparable with ours.
    """

    document: str
    link: str | None
    data: str
    figures: Mapping[str, Figure]
    n_train: int | None = None
    n_val: int | None = None
    n_test: int | None = None
    n_total: int | None = None
    epochs: int | None = None
    seeds: int | None = None
    note: str | None = None
    differs: str | None = None

    @property
    def conditions(self) -> str:
        """Data set, sizes, epochs and seeds, as far as they are known."""
        sizes = {"training": self.n_train, "validation": self.n_val, "test": self.n_test}
        known = [f"{size:,} {name}" for name, size in sizes.items() if size]
        said = [f"data {self.data}", f"{', '.join(known)} examples" if known else ""]
        said += [f"{self.n_total:,} examples in all" if self.n_total else ""]
        said += [counted(self.epochs, "epoch"), counted(self.seeds, "seed")]
        return ", ".join(part for part in said if part)


@dataclass(frozen=True)
class Expected:
    """All figures that a task is compared with."""

    published: tuple[Publication, ...] = ()
    exact: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.published or self.exact)

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics that have such a figure."""
        return list(dict.fromkeys([key for one in self.published for key in one.figures] + list(self.exact)))


def read(content: Mapping[str, Any]) -> Expected:
    """The figures under the key `expected` of a config.

    Raises
    ------
    ConfigError : an unknown key, a missing key, or a value of the wrong kind.
    """
    for key in content:
        if key not in (*PARTS, EXACT_FOR):
            hint = "; a figure goes under exact, or with its source under published" if "/" in str(key) else ""
            raise ConfigError(
                f"unknown key 'expected.{key}'{did_you_mean(str(key), PARTS)} (keys: {', '.join(PARTS)}){hint}"
            )
    published, exact = content.get("published") or [], content.get("exact") or {}
    if not isinstance(published, list):
        raise ConfigError(f"expected.published must be a list of documents, got {published!r}")
    exact = _figures(exact, "expected.exact")
    for name, figure in exact.items():
        if figure.error is not None:
            raise ConfigError(f"expected.exact.{name} must be a number without error, as it is exact")
    documents = tuple(_publication(one, f"expected.published[{i}]") for i, one in enumerate(published))
    return Expected(documents, {name: figure.value for name, figure in exact.items()})


def as_written(content: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The values of a file with its published figures as text: of 0.940 the number has lost a digit.

    Parameters
    ----------
    content : the values, figures under `expected`; what is no figure is left as it is.
    text : the file.
    """
    if not isinstance(known := content.get("expected"), Mapping) or "published" not in known:
        return dict(content)
    written = yaml.load(text, yaml.BaseLoader)["expected"]["published"]  # all values are text
    return {**content, "expected": {**known, "published": _as_written(known["published"], written)}}


def _as_written(value: Any, text: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_written(own, text.get(str(key))) for key, own in value.items()}
    if isinstance(value, list):
        return [_as_written(own, same) for own, same in zip(value, text, strict=True)]
    return text if isinstance(value, float) and text and _WRITTEN.fullmatch(text) else value


def recorded(content: Mapping[str, Any] | None) -> Expected:
    """Like `read`, for a run's record: empty if it was written before figures had sources."""
    try:
        return read(content or {})
    except ConfigError:
        return Expected()


def check_metrics(expected: Expected, loss: str | None) -> None:
    """Refuse figures for metrics that no run with this loss can have.

    Parameters
    ----------
    loss : dotted path of its class; if the metrics cannot be told from its source, nothing is checked.

    Raises
    ------
    ConfigError : names the figure, and the closest metric.
    """
    known = metrics.of_loss(loss) if loss and expected else None
    if known is None:
        return
    for name in expected.metrics:
        if metrics.find(name, loss) is None:
            keys = [metrics.full_key(key) for metric in known for key in metric.names]
            raise ConfigError(f"expected: no run with this loss has a metric '{name}'{did_you_mean(name, keys)}")


def counted(n: int | None, noun: str) -> str:
    """`1 seed`, `3 seeds`; empty where the number is not known."""
    return "" if n is None else f"{n:,} {noun}{'' if n == 1 else 's'}"


def _publication(content: Any, key: str) -> Publication:
    known = [item.name for item in fields(Publication)]
    if not isinstance(content, Mapping):
        raise ConfigError(f"{key} must have the keys {', '.join(known[:4])}, got {content!r}")
    for name in content:
        if name not in known:
            raise ConfigError(f"unknown key '{key}.{name}'{did_you_mean(str(name), known)} (keys: {', '.join(known)})")
    for name in known[:4]:
        if name not in content:
            hint = "; null where nothing public is known" if name == "link" else ""
            raise ConfigError(f"{key} needs {name}: a published figure carries its source{hint}")
    for name in ("document", "data", "link", "note", "differs"):
        value, may_lack = content.get(name), name in ("link", "note", "differs")
        if not (isinstance(value, str) and value.strip()) and not (value is None and may_lack):
            raise ConfigError(f"{key}.{name} must be text, got {value!r}")
    if content["link"] is not None and not re.match(r"https?://\S+$", content["link"]):
        raise ConfigError(f"{key}.link must be an address such as https://arxiv.org/abs/2201.08187 or null")
    for name in ("n_train", "n_val", "n_test", "n_total", "epochs", "seeds"):
        value = content.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ConfigError(f"{key}.{name} must be a whole number > 0, or left out where unknown, got {value!r}")
    return Publication(**{**content, "figures": _figures(content["figures"], f"{key}.figures")})


def _figures(content: Any, key: str) -> dict[str, Figure]:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{key} must have a number for each metric, such as test/auc: 0.9, got {content!r}")
    return {str(name): _figure(str(name), value, key) for name, value in content.items()}


def _figure(name: str, value: Any, key: str) -> Figure:
    kind, slash, _ = name.partition("/")
    if not slash or kind not in KINDS:
        meant = [f"{kind}/{name.rpartition('/')[2]}" for kind in KINDS]
        raise ConfigError(
            f"{key}: '{name}' is not the name of a metric{did_you_mean(name, meant)}; expected one like "
            f"test/auc, beginning with {', '.join(f'{kind}/' for kind in KINDS)}"
        )
    if isinstance(value, str) and (found := _WRITTEN.fullmatch(value.strip())):
        written = tuple(text for text in found.groups() if text)
        value, *error = map(float, written)
        if all(map(isfinite, (value, *error))):
            return Figure(value, error[0] if error else None, written)
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise ConfigError(
            f"{key}.{name} must be a number, or one with an error such as 0.9868 +- 0.0003, got {value!r}"
        )
    return Figure(value)
