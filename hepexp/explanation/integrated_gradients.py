"""Integrated gradients, by captum."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.explanation.reading import Reading
from hepexp.explanation.relevance import Relevance, chosen

STEPS = 32  # points of the Gauss-Legendre quadrature along the path


def integrated_gradients(model: nn.Module, batch: Batch, which: Tensor, steps: int = STEPS) -> Relevance:
    """x times the mean of dz/dx along the straight line from 0 to x, for every x that the network reads.

    They add up to z(x) - z(0), up to the error of the quadrature (completeness). Standardised features are at their
    means in the baseline 0; particles without features, a jet of them.

    Parameters
    ----------
    which : (B,) the output z of each example that is explained.
    steps : points on the line.

    Raises
    ------
    ConfigError : captum is not installed.

    References
    ----------
    Sundararajan, Taly and Yan, arXiv:1703.01365, equation 1.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise ConfigError(
            "--method integrated_gradients needs captum, which is not installed; pip install --no-deps captum==0.9.0"
        ) from None
    reading = Reading(model)
    with torch.no_grad():
        output = chosen(reading(batch), which)
    inputs = tuple(read.value.detach() for read in reading.reads)
    baselines = tuple(torch.zeros_like(x) for x in inputs)

    def at(*values: Tensor) -> Tensor:
        return chosen(Reading(model, values)(batch), which)

    integral = IntegratedGradients(at, multiply_by_inputs=True)
    # as many rows at once as there are: one point of the line per pass, as what is read has rows of different kinds
    found = integral.attribute(inputs, baselines, n_steps=steps, internal_batch_size=max(1, len(inputs[0])))
    with torch.no_grad():
        start = at(*baselines)
    return Relevance(reading.reads, [x.detach() for x in found], output, output - start, reading.order)
