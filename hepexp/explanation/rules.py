"""The rules of relevance propagation, one for each kind of layer, by the name of its function in torch.

Each is called with the function, its arguments, and epsilon, and gives the function's value with the derivative that
carries relevance. Functions without a rule have their own derivative, so they must be linear; `without_rule` says which
are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils._pytree import tree_map


class Stabilised(torch.autograd.Function):
    """z, whose relevance is divided by z + epsilon sign z instead of z."""

    @staticmethod
    def forward(ctx, z: Tensor, epsilon: float) -> Tensor:
        ctx.save_for_backward(z)
        ctx.epsilon = epsilon
        return z.view_as(z)

    @staticmethod
    @once_differentiable
    def backward(ctx, c: Tensor):
        (z,) = ctx.saved_tensors
        return c * z / _away_from_zero(z, ctx.epsilon), None


class Passed(torch.autograd.Function):
    """y, a function of each element of z that is 0 at 0, which passes on the relevance of y: c_z = c_y y / z."""

    @staticmethod
    def forward(ctx, z: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(z, y)
        return y.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx, c: Tensor):
        z, y = ctx.saved_tensors
        return torch.where(z == 0, 0, c * y / z), None


def _away_from_zero(z: Tensor, epsilon: float) -> Tensor:
    return z + torch.where(z < 0, -epsilon, epsilon)


def linear(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of linear layers and convolutions."""
    z = func(*args, **kwargs)
    return Stabilised.apply(z, epsilon) if z.requires_grad else z


def activation(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of functions of each element with f(0) = 0."""
    z = args[0]
    if not z.requires_grad:
        return func(*args, **kwargs)
    given = {**kwargs, "inplace": False} if "inplace" in kwargs else kwargs
    return Passed.apply(z, func(z.detach().clone(), *args[1:], **given))


def constant(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of gates, attention weights and normalisations: their value is held constant."""
    return func(*_detached(args), **_detached(kwargs))


def product(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of products: a weight, the same for all features, is held constant; two features get half each."""
    a, b, *others = args
    if not (_has_gradient(a) and _has_gradient(b)):
        return func(*args, **kwargs)
    if _is_weight(a, b):
        return func(a.detach(), b, *others, **kwargs)
    if _is_weight(b, a):
        return func(a, b.detach(), *others, **kwargs)
    return (func(a.detach(), b, *others, **kwargs) + func(a, b.detach(), *others, **kwargs)) / 2


def contraction(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of einsum: each of its tensors that carry relevance gets the same share."""
    formula, *tensors = args
    carrying = [k for k, tensor in enumerate(tensors) if _has_gradient(tensor)]
    if len(carrying) < 2:
        return func(*args, **kwargs)
    parts = [
        func(formula, *(tensor if i == k else tensor.detach() for i, tensor in enumerate(tensors)), **kwargs)
        for k in carrying
    ]
    return sum(parts) / len(parts)


def quotient(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of quotients, whose denominators are held constant."""
    a, b, *others = args
    return func(a, b.detach() if isinstance(b, Tensor) else b, *others, **kwargs)


def attention(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of softmax(q k^T + bias) v, in which the attention is held constant."""
    q, k, v, *others = args
    return func(q.detach(), k.detach(), v, *_detached(tuple(others)), **_detached(kwargs))


def norm(func: Callable, args: tuple, kwargs: dict, epsilon: float) -> Any:
    """Of layer norms, whose mean and standard deviation s are taken from x: (x - mean) / s, with s held constant."""
    x, *others = args
    if not x.requires_grad:
        return func(*args, **kwargs)
    y = func(x.detach(), *others, **kwargs)
    shape = others[0] if others else kwargs["normalized_shape"]
    axes = tuple(range(-len(shape), 0))
    weight = kwargs.get("weight", others[1] if len(others) > 1 else None)
    eps = kwargs.get("eps", others[3] if len(others) > 3 else 1e-5)
    scale = (x.detach().var(axes, unbiased=False, keepdim=True) + eps).rsqrt()
    linear_part = (x - x.mean(axes, keepdim=True)) * (scale if weight is None else scale * weight)
    return linear_part + (y - linear_part).detach()


def _is_weight(a: Tensor, b: Tensor) -> bool:
    return a.ndim == b.ndim > 0 and a.shape[-1] == 1 < b.shape[-1]


def _has_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _detached(values: Any) -> Any:
    return tree_map(lambda value: value.detach() if isinstance(value, Tensor) else value, values)


_NAMES: dict[Callable, tuple[str, ...]] = {
    linear: ("linear", "conv1d", "conv2d", "conv3d"),
    activation: (
        *("relu", "relu_", "silu", "gelu", "elu", "leaky_relu", "selu", "celu", "mish", "hardtanh", "relu6"),
        *("tanh", "softsign", "abs", "sqrt", "square", "log1p", "pow", "__pow__", "sin", "asinh", "expm1"),
    ),
    constant: ("sigmoid", "softmax", "log_softmax", "exp", "softplus", "rsqrt", "reciprocal", "norm", "var", "std"),
    product: ("mul", "__mul__", "__rmul__", "multiply", "matmul", "__matmul__", "bmm"),
    contraction: ("einsum",),
    quotient: ("div", "__truediv__", "divide", "true_divide"),
    attention: ("scaled_dot_product_attention",),
    norm: ("layer_norm",),
}
RULES = {name: rule for rule, names in _NAMES.items() for name in names}

# nodes of torch's graph that are linear in what has a gradient once the rules have held the rest constant, or that
# choose among it: sums, products with constants, moves, maxima
LINEAR = {
    *("Add", "Sub", "Rsub", "Neg", "Mul", "Div", "Sum", "Mean", "Cumsum", "Addmm", "Mm", "Mv", "Dot", "Bmm", "Baddbmm"),
    *("Addcmul", "Convolution", "AvgPool2D", "AdaptiveAvgPool2D", "MkldnnConvolution", "Linear", "Addmv", "Einsum"),
    *("Cat", "Stack", "View", "UnsafeView", "ReshapeAlias", "Reshape", "Unsqueeze", "Squeeze", "Select", "Slice"),
    *("T", "Transpose", "Permute", "Expand", "Repeat", "Clone", "ToCopy", "Alias", "Split", "SplitWithSizes", "Chunk"),
    *("Unbind", "Index", "IndexSelect", "IndexAdd", "IndexCopy", "IndexPut", "IndexPutImpl", "Gather", "Scatter"),
    *("ScatterAdd", "Embedding", "Where", "MaskedFill", "ConstantPadNd", "Flip", "Roll", "Copysign", "CopySlices"),
    *("Amax", "Max", "Maximum", "MaxPool2DWithIndices", "Clamp", "ClampMin", "ClampMax", "ScaledDotProductAttention"),
    *("ScaledDotProductFlashAttentionForCpu", "NativeBatchNorm", "CudnnBatchNorm", "Movedim", "AsStrided", "Unfold"),
    *("Im2Col", "Tile", "Lerp", "AccumulateGrad", "Stabilised", "Passed", "Sort", "Topk", "Unsafe"),
    *("UnsafeSplit", "Diagonal", "Tril", "Triu", "SegmentReduce", "ScatterReduce", "Cross", "Copy", "Set", "Flatten"),
    *("AdaptiveMaxPool2D", "UpsampleBilinear2D", "UpsampleNearest2D", "UpsampleBicubic2D", "_Aggregate", "_Spread"),
    *("Symmetric",),
}
# those that are products if more than one of their arguments has a gradient
PRODUCTS = {"Mul", "Bmm", "Mm", "Mv", "Dot", "Baddbmm", "Convolution", "Div"}


def without_rule(output: Tensor) -> list[str]:
    """The kinds of nodes in the graph of an output that are neither linear in it nor made by a rule, by name."""
    unknown, seen, waiting = set(), set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = node.name().rsplit("::", 1)[-1]
        kind = name.rstrip("0123456789").removesuffix("Backward")
        if kind not in LINEAR:
            unknown.add(kind)
        elif kind in PRODUCTS and sum(parent is not None for parent, _ in node.next_functions) > 1:
            unknown.add(f"a product ({kind})")
        waiting += [parent for parent, _ in node.next_functions]
    return sorted(unknown)
