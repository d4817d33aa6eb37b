"""What the graph of an exported network costs, its preparation of inputs included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hepexp.export.network import ExportedNetwork
from hepexp.export.tensors import PARTICLES
from hepexp.learning.cost import FORMULAS


def cost_of(network: ExportedNetwork, graph: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> dict[str, Any]:
    """Floating-point operations for one example: the matrix products and convolutions that the graph does.

    Parameters
    ----------
    graph : of the network, as it was written.
    inputs : of examples of median multiplicity, the first of which is taken.

    Returns
    -------
    `flops`, with each multiplication and each addition counted, and `particles`, the length of that axis if there is
    one.
    """
    first = tuple(one[:1] for one in inputs)
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter, torch.no_grad():
        graph(*first)
    lengths = [
        one.shape[spec.axes.index(PARTICLES)]
        for one, spec in zip(first, network.tensors, strict=True)
        if PARTICLES in spec.axes
    ]
    return {"flops": counter.get_total_flops(), **({"particles": lengths[0]} if lengths else {})}
