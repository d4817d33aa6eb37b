"""Layer-wise relevance propagation, with the rule for message passing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.explanation import rules
from hepexp.explanation.reading import Reading
from hepexp.explanation.relevance import Relevance, times_gradient

EPSILON = 1e-10  # in units of a layer's output, beside which it is to be small


class Propagation(Reading):
    """Runs a model so that the derivative of its output times what it reads is the relevance of that.

    A rule that gives the inputs x of a layer the relevance R_x = x c, where c follows linearly from R_y / y of its
    outputs, is a derivative in place of the layer's own (Ancona et al., arXiv:1711.06104, section 3). So each kind of
    layer has a rule in `rules`, and torch applies the chain rule.

    Parameters
    ----------
    epsilon : added to |z| where a rule divides by an output z of a linear layer; with the sign of z.
    """

    def __init__(self, model: nn.Module, epsilon: float = EPSILON) -> None:
        super().__init__(model)
        self.epsilon = epsilon

    def rule(self, func: Callable, args: tuple, kwargs: dict) -> Any:
        found = rules.RULES.get(getattr(func, "__name__", ""))
        return func(*args, **kwargs) if found is None else found(func, args, kwargs, self.epsilon)


def lrp(model: nn.Module, batch: Batch, which: Tensor, epsilon: float = EPSILON) -> Relevance:
    """The relevance of all that a network reads for one of its outputs, propagated back layer by layer.

    - Linear layers, convolutions: the epsilon rule, R_x = x * W^T (R_z / (z + epsilon sign z)). A bias keeps its share.
    - Activations pass on what they get.
    - Batch and layer norms are linear, their statistics constant, and shifts keep their share as biases do. To pass on
      the relevance of each element, as in arXiv:2111.12840, conserves it, but divides by what is often close to zero:
      in a ParticleNet single relevances were 10,000 times the output, and deletion no better than at random.
    - Sums of messages: R_j = sum_k x_j A_jk / (sum_m x_m A_mk) R_k, each feature by itself. The weights A, of
      neighbours, of attention, of gates, are held constant.
    - Of a product of two features, each gets half.

    Relevance is conserved: what does not arrive is the share of biases, and of epsilon.

    Parameters
    ----------
    which : (B,) the output of each example that is explained.

    Raises
    ------
    ConfigError : the network has a layer without a rule, such as a circuit.

    References
    ----------
    Bach et al., PLoS ONE 10 (2015) e0130140, equation 58; message passing: Mokhtar et al., arXiv:2111.12840, section 3.
    """
    propagation = Propagation(model, epsilon)
    found = times_gradient(propagation, batch, which)
    if found.graph is not None and (unknown := rules.without_rule(found.graph)):
        raise ConfigError(f"--method lrp has no rule for {', '.join(unknown)} in {type(model).__name__}")
    return found
