"""The steerable network of escnn's own layers: the reference for speed and for numerical agreement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.models.layers.escnn_import import import_escnn
from hepexp.models.layers.steerable import SteerableBlock
from hepexp.models.layers.steerable_basis import GROUPS
from hepexp.models.steerable_cnn import SteerableCNN


class EscnnNetwork(nn.Module):
    """The function of a SteerableCNN: its convolutions, normalisations and ReLUs are those of escnn.

    Masks, blurs and pools are those of our model: escnn's group pool is of float32 only. escnn samples its kernels in
    float32.

    Parameters
    ----------
    ours : model whose weights are taken.
    group : its symmetry group.
    """

    def __init__(self, ours: SteerableCNN, group: str = "C4"):
        super().__init__()
        escnn = import_escnn()
        rotations, reflects = GROUPS[group]
        space = (escnn.gspaces.flipRot2dOnR2 if reflects else escnn.gspaces.rot2dOnR2)(rotations)
        layers, kind = [], None
        for layer in ours.features:
            if not isinstance(layer, SteerableBlock):
                layers.append(layer)
                continue
            n_out, n_in, _ = layer.conv.weight.shape
            kind = kind or escnn.nn.FieldType(space, n_in * [space.trivial_repr])
            to = escnn.nn.FieldType(space, n_out * [space.regular_repr])
            conv = escnn.nn.R2Conv(kind, to, 3, padding=1, bias=False, initialize=False)
            norm, kind = escnn.nn.InnerBatchNorm(to), to
            with torch.no_grad():
                conv.weights.copy_(layer.conv.weight.flatten())
            (inner,) = (module for module in norm.modules() if isinstance(module, nn.BatchNorm3d))
            inner.load_state_dict(layer.norm.norm.state_dict())
            layers.append(_OnFields(escnn.nn.SequentialModule(conv, norm, escnn.nn.ReLU(to))))
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(ours.classifier.in_features, ours.classifier.out_features)
        self.classifier.load_state_dict(ours.classifier.state_dict())

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.classifier(self.layers(batch.image.to(self.classifier.weight.dtype)))


class _OnFields(nn.Module):
    """A layer of escnn on the plain tensor of its fields."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer.in_type(x)).tensor
