"""What a model costs: parameters, floating-point operations of a typical example, and latency on a CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from hepexp.batch import Batch, CloudBatch, GraphBatch, JetBatch
from hepexp.learning.components import Components
from hepexp.learning.latency import latency
from hepexp.metric import Metric

METRICS = (
    Metric(
        "model/parameters",
        "lower",
        "parameters",
        "Number of trainable parameters of the model and the loss; those that optimizer.freeze names do not count.",
        range=">= 0",
        no_error="a count",
        column=True,
        whole=True,
    ),
    Metric(
        "model/flops",
        "lower",
        "FLOP/example",
        "Floating-point operations of the model for a typical example, one of `model/multiplicity` particles or nodes: "
        "matrix products and convolutions, with each multiplication and each addition counted.",
        range=">= 0",
        no_error="a count",
        whole=True,
    ),
    Metric(
        "model/multiplications",
        "lower",
        "multiplications",
        "Multiplications of an input of a layer with a weight that is not zero, for one example: what a circuit that "
        "computes everything in parallel has multipliers for. Of models that say so.",
        range=">= 0",
        no_error="a count",
        whole=True,
    ),
    Metric(
        "model/multiplicity",
        "neither",
        "multiplicity",
        "Number of particles, points or nodes, without beams, of a typical example: the median over the training "
        "examples as the model reads them. FLOPs and latencies are for such examples.",
        range=">= 0",
        no_error="a count",
        whole=True,
    ),
)


def cost(components: Components, seconds: float) -> dict[str, Any]:
    """Size, operations and latency of the model of a run, which is left as it is.

    Parameters
    ----------
    components : of the run, with the weights that are tested.
    seconds : that the training took.
    """
    model, data = components.module.model, components.data
    example = data.typical_example()
    operations, widest = _operations(model, example)
    multiplications = getattr(model, "multiplications", None)
    timed = latency(model, data.typical_examples, seconds, widest) if hasattr(data, "typical_examples") else {}
    return {
        "model/parameters": sum(p.numel() for p in components.module.parameters() if p.requires_grad),
        "model/flops": operations,
        **({"model/multiplications": multiplications()} if multiplications else {}),
        **_multiplicity(example, data.spec.has_beams),
        **timed,  # a data set from a plug-in need not have them
    }


def _operations(model: torch.nn.Module, batch: Batch) -> tuple[int, int]:
    """Floating-point operations for a batch, and the bytes of the largest tensor on the way.

    Counted on the meta device, where every model takes its plain form and nothing is computed.
    """
    # even in no_grad, a view of a parameter says that it needs a gradient, and the counter asks for its graph
    model = copy.deepcopy(model).to("meta").eval().requires_grad_(False)
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter, _Widest() as seen, torch.no_grad():
        model(batch.to("meta"))
    return counter.get_total_flops(), seen.n_bytes


def _raw(formula: Callable[..., int]) -> Callable[..., int]:
    """A formula that takes tensors; of complex numbers each product is four, with as many more additions."""

    def operations(*args: Any, out_val: Tensor, **known: Any) -> int:
        return (4 if out_val.is_complex() else 1) * formula(*args, out_val=out_val, **known)

    vars(operations)["_get_raw"] = True  # torch would otherwise give it shapes
    return operations


def _matrix_and_vector(*args: Any, **known: Any) -> int:
    matrix = args[-2]  # (M, K) of mv(matrix, vector) and addmv(input, matrix, vector)
    return 2 * matrix.numel()


_aten = torch.ops.aten
FORMULAS = {
    **{product: _raw(flop_registry[product]) for product in (_aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm)},
    # which torch leaves out
    _aten.addmm_: _raw(flop_registry[_aten.addmm]),
    _aten.baddbmm_: _raw(flop_registry[_aten.baddbmm]),
    **{product: _raw(_matrix_and_vector) for product in (_aten.mv, _aten.addmv, _aten.addmv_, _aten.dot)},
}


class _Widest(TorchDispatchMode):
    """Keeps the size of the largest tensor that an operation gives."""

    n_bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.nbytes for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.n_bytes = max(self.n_bytes, *sizes, 0)
        return result


def _multiplicity(example: Batch, has_beams: bool) -> dict[str, int]:
    """Particles or nodes of an example; nothing for images and features, which have the same size in every example."""
    if isinstance(example, JetBatch):
        return {"model/multiplicity": int(example.mask.sum()) - 2 * has_beams}
    if isinstance(example, CloudBatch):
        return {"model/multiplicity": int(example.mask.sum())}
    return {"model/multiplicity": len(example.x)} if isinstance(example, GraphBatch) else {}
