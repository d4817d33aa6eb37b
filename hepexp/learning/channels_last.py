"""Images with their channels next to each other in memory, the layout in which tensor cores convolve."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from hepexp.batch import Batch, ImageBatch

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def channels_last(model: nn.Module) -> None:
    """Lay out the kernels of a model's convolutions of images, and the images that it reads, with channels last.

    Shapes and names stay, and outputs agree up to rounding. Convolutions hand the layout on. Kernels of one or three
    dimensions, and batches that are not images, stay as they are.
    """
    for layer in model.modules():
        if isinstance(layer, _CONVOLUTIONS):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    model.register_forward_pre_hook(_with_channels_last)


def _with_channels_last(model: nn.Module, inputs: tuple[Batch, ...]) -> tuple[Batch, ...]:
    batch, *others = inputs
    if not isinstance(batch, ImageBatch):
        return inputs
    return replace(batch, image=batch.image.contiguous(memory_format=torch.channels_last)), *others
