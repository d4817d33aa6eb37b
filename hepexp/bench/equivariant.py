"""Training steps of the steerable networks: ours against the same network of escnn's layers, and the floor.

All have the same weights, and the same logits to 1e-5, checked before anything is timed. The floor is the ordinary
convolutions alone, with as many channels as the expanded kernels have, as no exact implementation that convolves by the
library's convolution does less. Its operations are 2 x 9 x channels in x channels out for a pixel, three times in a
training step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.bench.escnn_network import EscnnNetwork
from hepexp.bench.taggers import Tagger, check_logits, in_turn, training
from hepexp.models.layers.steerable import GroupPool, SteerableBlock
from hepexp.models.layers.symmetric_image import BlurPool
from hepexp.models.steerable_cnn import SteerableCNN

Group = Literal["C4", "D4", "C8", "SO2"]
GROUPS: tuple[Group, ...] = get_args(Group)
CONVS = (2, 2, 4, 4, 4)
PIXELS = 127  # of quark/gluon images, padded


def rows(
    n_images: int = 8,
    pixels: int = 63,
    repeats: int = 5,
    groups: Sequence[Group] = GROUPS,
    widths: Sequence[int] | None = None,
    convs: Sequence[int] = CONVS,
) -> list[dict]:
    """Images per second in training, of each group: medians over alternating measurements, after a warm-up.

    None without escnn.

    Parameters
    ----------
    n_images : images in the batch.
    pixels : rows and columns of an image.
    repeats : measurements of each.
    widths, convs : of the network; by default those of size=lite.
    """
    found: list[dict] = []
    if not find_spec("escnn"):
        return found
    for group in groups:
        torch.manual_seed(1)
        tagger = Tagger(
            partial(SteerableCNN, group, "lite", widths, convs, image_shape=(3, pixels, pixels), n_classes=2),
            partial(EscnnNetwork, group=group),
            "escnn",
        )
        ours = tagger.ours()
        models: dict[str, nn.Module] = {"hepexp": ours, "escnn": tagger.reference(ours)}
        batch = images(n_images, pixels)
        difference = check_logits(group, tagger, models, batch)
        models["convolutions"] = convolutions = Convolutions(ours)
        seconds = in_turn({name: training(model.train(), batch) for name, model in models.items()}, repeats)
        floor = 3 * convolutions.operations(pixels)
        beside: dict[str, dict[str, float | str]] = {
            "escnn": {"difference": difference},
            "convolutions": {"note": f"{floor / 1e9:.3g} GFLOP an image"},
        }
        found += [
            {"case": f"equivariant {group}", "implementation": name, "per_second": n_images / s, **beside.get(name, {})}
            for name, s in seconds.items()
        ]
    return found


class Convolutions(nn.Module):
    """The expanded convolutions of a steerable network, its blurs and pools, and nothing between them.

    Parameters
    ----------
    ours : network whose convolutions are made ordinary ones of the same shape.
    """

    def __init__(self, ours: SteerableCNN):
        super().__init__()
        layers: list[nn.Module] = []
        for layer in ours.features:
            if isinstance(layer, SteerableBlock):
                n_out, n_in = layer.conv.kernel().shape[:2]
                layers.append(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False))
            elif not isinstance(layer, GroupPool):
                layers.append(layer)
        self.layers = nn.Sequential(*layers)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.layers(batch.image)

    def operations(self, pixels: int) -> int:
        """Of a forward pass of one image, in the convolutions: 2 for a product and its sum."""
        total = 0
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                total += 2 * layer.weight.numel() * pixels**2
            elif isinstance(layer, BlurPool):
                pixels = -(-pixels // 2)
        return total


def images(n: int, pixels: int = PIXELS) -> ImageBatch:
    """Images of which one in twenty pixels is not zero."""
    g = torch.Generator().manual_seed(1)
    shape = (n, 3, pixels, pixels)
    image = torch.empty(shape).exponential_(generator=g) * (torch.rand(shape, generator=g) < 0.05)
    index = torch.arange(n)
    return ImageBatch(label=index % 2, index=index, extras=torch.zeros(n, 0), image=image)
