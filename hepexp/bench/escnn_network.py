"""The steerable network of escnn's own layers: the reference for speed and for numerical agreement."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.models.layers.escnn_import import import_escnn
from hepexp.models.layers.irrep_layers import FourierELU, IrrepBatchNorm
from hepexp.models.layers.steerable import FieldBatchNorm, SteerableBlock, SteerableConv
from hepexp.models.layers.steerable_basis import GROUPS
from hepexp.models.steerable_cnn import SteerableCNN

MAX_FREQUENCY = 2  # of SO2


class EscnnNetwork(nn.Module):
    """The function of a SteerableCNN: its convolutions, normalisations and non-linearities are those of escnn.

    Masks, blurs and pools are those of our model: escnn's group pool is of float32 only. escnn samples its kernels in
    float32.

    Parameters
    ----------
    ours : model whose weights are taken.
    group : its symmetry group: C4, C8, D4, D8, or SO2 with the default fields.
    """

    def __init__(self, ours: SteerableCNN, group: str = "C4"):
        super().__init__()
        escnn = import_escnn()
        space, field = _space(escnn, group)
        layers, kind = [], None
        blocks = [layer for layer in ours.features if isinstance(layer, SteerableBlock)]
        for layer in ours.features:
            if not isinstance(layer, SteerableBlock):
                layers.append(layer)
                continue
            n_out, n_in, _ = layer.conv.weight.shape
            gives_scalars = group == "SO2" and layer is blocks[-1]
            kind = kind or escnn.nn.FieldType(space, n_in * [space.trivial_repr])
            to = escnn.nn.FieldType(space, n_out * [space.trivial_repr if gives_scalars else field])
            layers += [_OnFields(each) for each in (_conv(escnn, layer.conv, kind, to), _norm(escnn, layer.norm, to))]
            layers.append(_OnFields(_activation(escnn, layer.activation, to, n_out)))
            kind = to
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(ours.classifier.in_features, ours.classifier.out_features)
        self.classifier.load_state_dict(ours.classifier.state_dict())

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.classifier(self.layers(batch.image.to(self.classifier.weight.dtype)))


def _space(escnn: ModuleType, group: str) -> tuple[Any, Any]:
    """The symmetry of the plane, and the representation of a field."""
    if group == "SO2":
        space = escnn.gspaces.rot2dOnR2(-1, maximum_frequency=2 * MAX_FREQUENCY)
        return space, space.fibergroup.spectral_regular_representation(*_irreps(), name=None)
    rotations, reflects = GROUPS[group]
    space = (escnn.gspaces.flipRot2dOnR2 if reflects else escnn.gspaces.rot2dOnR2)(rotations)
    return space, space.regular_repr


def _irreps() -> list[tuple[int]]:
    return [(k,) for k in range(MAX_FREQUENCY + 1)]


@torch.no_grad()
def _conv(escnn: ModuleType, ours: SteerableConv, kind: Any, to: Any) -> nn.Module:
    """escnn's convolution with the kernels of ours; weights are coefficients of its own basis of the same space."""
    conv = escnn.nn.R2Conv(kind, to, 3, padding=1, bias=False, initialize=False)
    types = [escnn.nn.FieldType(each.gspace, each.representations[:1]) for each in (kind, to)]
    expansion = escnn.nn.R2Conv(*types, 3, padding=1, bias=False, initialize=False).basisexpansion
    theirs = torch.stack([expansion(row).flatten() for row in torch.eye(expansion.dimension())]).double()
    change = torch.linalg.lstsq(theirs.T, ours._exact.flatten(1).T).solution  # (theirs, ours)
    conv.weights.copy_((ours.weight.double() @ change.T).flatten())
    return conv


@torch.no_grad()
def _norm(escnn: ModuleType, ours: FieldBatchNorm | IrrepBatchNorm, to: Any) -> nn.Module:
    if not isinstance(ours, IrrepBatchNorm):
        norm = escnn.nn.InnerBatchNorm(to)
        (inner,) = (module for module in norm.modules() if isinstance(module, nn.BatchNorm3d))
        inner.load_state_dict(ours.norm.state_dict())
        return norm
    norm, n = escnn.nn.GNormBatchNorm(to), ours.n_scalars
    given = {"weight": ours.weight, "bias": ours.bias, "mean": ours.running_mean[:, :n], "var": ours.running_var}
    for name, tensor in (*norm.named_parameters(), *norm.named_buffers()):
        if (last := name.rpartition("_")[2]) in given:
            tensor.copy_(given[last])
    return norm


def _activation(escnn: ModuleType, ours: nn.Module, to: Any, n_fields: int) -> nn.Module:
    if isinstance(ours, FourierELU):
        n_angles = len(ours.values)
        return escnn.nn.FourierELU(to.gspace, n_fields, _irreps(), type="regular", N=n_angles, inplace=True)
    return escnn.nn.ReLU(to)


class _OnFields(nn.Module):
    """A layer of escnn on the plain tensor of its fields."""

    def __init__(self, layer: Any):  # escnn has no types
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer.in_type(x)).tensor
