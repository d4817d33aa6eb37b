"""The methods of explanation by name, and which of them suits a model."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.explanation.integrated_gradients import integrated_gradients
from hepexp.explanation.lrp import lrp
from hepexp.explanation.relevance import Relevance, gradient_input

Method = Callable[[nn.Module, Batch, Tensor], Relevance]
METHODS: dict[str, Method] = {
    "lrp": lrp,
    "gradient_input": gradient_input,
    "integrated_gradients": integrated_gradients,
}
ATTENTION = "attention"


def best(model: nn.Module, batch: Batch, which: Tensor) -> str:
    """lrp where every layer of the model has a rule, otherwise integrated_gradients."""
    try:
        lrp(model, batch, which)
    except ConfigError:
        return "integrated_gradients"
    return "lrp"
