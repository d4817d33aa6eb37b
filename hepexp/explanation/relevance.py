"""Relevances of what a network reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.explanation.reading import Read, Reading


@dataclass
class Relevance:
    """What each number that a network has read contributes to one of its outputs.

    Parameters
    ----------
    reads : what was read.
    of_reads : the relevance of each number of it.
    output : (B,) the output that is explained.
    reference : (B,) what the relevances of an example should add up to if none is lost: the output, or its difference
        from that of a baseline.
    order : (B, N) the order into which the network has brought the particles before it read them, if it has.
    graph : the output with its graph in torch, for those who must look at it.
    """

    reads: list[Read]
    of_reads: list[Tensor]
    output: Tensor
    reference: Tensor
    order: Tensor | None = None
    graph: Tensor | None = None


def chosen(outputs: Tensor, which: Tensor) -> Tensor:
    """Output `which` (B,) of each example; (B, C) -> (B,)."""
    return outputs.gather(1, which[:, None])[:, 0]


def times_gradient(reading: Reading, batch: Batch, which: Tensor) -> Relevance:
    """x dz/dx for every x that is read, with the derivative that the reading's rules give."""
    output = chosen(reading(batch), which)
    leaves = [read.value for read in reading.reads]
    found = (
        torch.autograd.grad(output.sum(), leaves, allow_unused=True) if output.requires_grad else [None] * len(leaves)
    )
    relevance = [torch.zeros_like(x) if g is None else (x * g).detach() for x, g in zip(leaves, found, strict=True)]
    return Relevance(reading.reads, relevance, output.detach(), output.detach(), reading.order, output)


def gradient_input(model: nn.Module, batch: Batch, which: Tensor) -> Relevance:
    """x dz/dx of every number x that the network reads, for one output z.

    Of a ReLU network without biases, which is homogeneous of degree 1, they add up to z.

    Parameters
    ----------
    which : (B,) the output of each example that is explained.

    References
    ----------
    Shrikumar et al., arXiv:1605.01713.
    """
    return times_gradient(Reading(model), batch, which)
