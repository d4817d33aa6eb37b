"""Attention maps of transformers, which show where a network looks, and are no attribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, ImageBatch
from hepexp.errors import ConfigError
from hepexp.explanation.reading import Reading

WARNING = (
    "attention is no attribution: it says where values are taken from, not what they contribute; compare the deletion "
    "curves with those of --method lrp"
)
_TOKENS_BEFORE = 2  # at most: a class token, or two beams


class _Attention(Reading):
    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.maps: list[Tensor] = []  # (B, ..., queries, keys)

    def rule(self, func: Callable, args: tuple, kwargs: dict) -> Any:
        name = getattr(func, "__name__", "")
        found = func(*args, **kwargs)
        if name == "softmax" and found.ndim >= 3:
            self.maps.append(found.detach())
        elif name == "scaled_dot_product_attention":
            q, k, _, *others = args
            bias = kwargs.get("attn_mask", others[0] if others else None)
            scores = q @ k.mT * (kwargs.get("scale") or q.shape[-1] ** -0.5)
            self.maps.append((scores if bias is None else scores + bias).softmax(-1).detach())
        return found


def attention_maps(model: nn.Module, batch: Batch, n: int) -> Tensor:
    """The attention that each element gets, (B, N): the mean over layers, heads and queries.

    Of images cut into patches, each pixel gets that of its patch.

    Parameters
    ----------
    n : elements N of each example.

    Raises
    ------
    ConfigError : the network has no attention between elements.
    """
    attention = _Attention(model)
    attention(batch)
    means = []
    for found in attention.maps:
        if found.shape[0] != len(batch):
            continue
        got = found.flatten(1, -2).mean(1)  # (B, keys)
        for before in range(_TOKENS_BEFORE + 1):
            if (spread := _over_elements(got[:, before:], batch, n)) is not None:
                means.append(spread)
                break
    if not means:
        raise ConfigError(f"--method attention: {type(model).__name__} has no attention between what it reads")
    return torch.stack(means).mean(0)


def _over_elements(got: Tensor, batch: Batch, n: int) -> Tensor | None:
    if got.shape[1] == n:
        return got
    if not isinstance(batch, ImageBatch):
        return None
    rows, columns = batch.image.shape[2:]
    side = math.isqrt(got.shape[1])
    if side < 2 or side * side != got.shape[1] or rows % side or columns % side:
        return None
    patches = got.view(-1, side, side)
    return patches.repeat_interleave(rows // side, 1).repeat_interleave(columns // side, 2).flatten(1) / (n / side**2)
