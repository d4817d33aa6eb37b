"""The key `model.head`, which every model has that takes a file of weights: no constructor needs to name it."""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from hepexp.config.annotations import TARGET, matches
from hepexp.config.constructor import Parameter
from hepexp.errors import ConfigError

KEY, WEIGHTS, NEW = "head", "weights", "new"
PARAMETER = Parameter(
    name=KEY,
    annotation=ast.parse("Literal['loaded', 'new']", mode="eval").body,
    default="'loaded'",
    doc="new takes from weights the layers that fit, except the head, which starts afresh; loaded expects all to fit.",
    module=__name__,
    from_run=False,
)


def is_offered(accepted: Iterable[Parameter]) -> bool:
    """Whether a constructor with these parameters takes a file of weights, and has no key of this name itself."""
    known = {parameter.name: parameter for parameter in accepted}
    weights = known.get(WEIGHTS)
    if weights is None or weights.from_run or KEY in known:
        return False
    return matches("file", weights.annotation) and matches(None, weights.annotation)


def split(node: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The node that a model's constructor takes, and the file that only the body is to be taken from, if it is.

    Parameters
    ----------
    node : of a model, plain values.

    Raises
    ------
    ConfigError : a new head without weights for the body, or of a model inside the model.
    """
    for name, inner in node.items():
        if isinstance(inner, Mapping) and TARGET in inner and inner.get(KEY) == NEW:
            raise ConfigError(f"model.{name}.{KEY}: only the whole model can have a new head; use model.{KEY}")
    if KEY not in node:
        return dict(node), None
    rest = {name: value for name, value in node.items() if name != KEY}
    if node[KEY] != NEW:
        return rest, None
    if node.get(WEIGHTS) is None:
        raise ConfigError(f"model.{KEY}={NEW} needs model.{WEIGHTS}=RUN, whose weights the other layers take")
    return {**rest, WEIGHTS: None}, node[WEIGHTS]
