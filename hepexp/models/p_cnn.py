"""P-CNN: a residual network of one-dimensional convolutions over particles in order of pT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.exporting import is_exported
from hepexp.models.checks import require_dropout, require_positive, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.edge_conv import mean_weights
from hepexp.models.layers.kinematic_features import FEATURE_NAMES, KINEMATIC, particle_features, reads_scalars
from hepexp.models.layers.knn_graph import canonical_order, reorder
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList


class Convolution(nn.Module):
    """A convolution over three neighbours in a list, and a batch norm over the places that it leaves.

    Places beyond the last particle are zero before the convolution and after it.

    Shapes
    ------
    x (B, N, n_in), mask (B, N) -> (B, ceil(N / stride), n_out) and their mask.
    """

    def __init__(self, n_in: int, n_out: int, stride: int = 1):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(n_in, n_out, 3, stride, padding=1), MaskedBatchNorm(n_out)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        mask = first_of_each(self.conv.stride[0], mask, x.shape[1])
        return F.relu(self.norm(x, mask)) * mask[..., None], mask


def first_of_each(stride: int, x: Tensor, n: int) -> Tensor:
    """The n entries x[:, ::stride]; an export would not know that they are as many as a convolution leaves."""
    return x if stride == 1 else x[:, stride * torch.arange(n, device=x.device)]


class ResidualUnit(nn.Module):
    """x + two convolutions of x; the first may leave out every second place; a linear layer then adapts x."""

    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.stride = stride
        self.first, self.second = Convolution(n_in, n_out, stride), Convolution(n_out, n_out)
        same = n_in == n_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Linear(n_in, n_out, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        z, mask = self.second(*self.first(x, mask))
        return self.shortcut(first_of_each(self.stride, x, z.shape[1])) + z, mask


class PCNN(nn.Module):
    """A convolution and stages of residual units over the particles in order of falling pT; their mean is classified.

    The convolutions see the order, which the network itself makes: the order of its input does not matter. The mean is
    over the places of real particles, so that padding does not matter either; the reference averages over a fixed
    number of places.

    Parameters
    ----------
    n_first : channels of the first convolution.
    stages : channels of each stage; each but the first begins by leaving out every second place.
    units_per_stage : residual units in a stage, of two convolutions each.
    n_hidden : hidden width of the classifier.
    dropout : probability of dropping a hidden unit of the classifier in training.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        those of `kinpid` or `full`, the feature sets of JetClass, or named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    scalar_names : of the data set's scalars, if they have names.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1, or a dropout outside [0, 1).

    References
    ----------
    Kasieczka et al., arXiv:1902.09914, section 3.2.2; CMS, arXiv:2004.08262, section 7 (DeepAK8). Widths and inputs as
    in jet-universe/particle_transformer, networks/example_PCNN.py, of arXiv:2202.03772.
    """

    input = "particles"
    feature_names = FEATURE_NAMES
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        n_first: int = 32,
        stages: Sequence[int] = (64, 64, 128),
        units_per_stage: int = 2,
        n_hidden: int = 512,
        dropout: float = 0.2,
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        scalar_names: Sequence[str] = (),
        own_scalars: bool = False,
    ):
        super().__init__()
        require_positive(n_first=n_first, units_per_stage=units_per_stage, n_hidden=n_hidden)
        require_widths(stages=stages)
        require_dropout(dropout)
        self.use_scalars = reads_scalars(use_scalars, own_scalars, scalar_names)
        n_in = len(KINEMATIC) + (n_scalars if self.use_scalars else 0)
        self.input_norm, self.first, n = MaskedBatchNorm(n_in), Convolution(n_in, n_first), n_first
        self.units: ModuleList[ResidualUnit] = ModuleList()
        for stage, width in enumerate(stages):
            for unit in range(units_per_stage):
                self.units.append(ResidualUnit(n, width, stride=2 if stage > 0 and unit == 0 else 1))
                n = width
        self.classifier = dense(n, [n_hidden], n_classes, nn.ReLU, dropout)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        if is_exported():  # two places at the end, however few particles a batch has: a graph takes one for many
            n = 2 * prod(unit.stride for unit in self.units)
            p4, scalars = (F.pad(x, (0, 0, 0, n)) for x in (batch.p4, batch.scalars))
            batch = replace(batch, p4=p4, scalars=scalars, mask=F.pad(batch.mask, (0, n)))
        order = by_pt(batch.p4, batch.mask)
        mask = reorder(batch.mask, order)
        x = reorder(particle_features(batch, self.use_scalars), order).to(next(self.classifier.parameters()).dtype)
        x, mask = self.first(self.input_norm(x, mask) * mask[..., None], mask)
        for unit in self.units:
            x, mask = unit(x, mask)
        return self.classifier((mean_weights(mask.to(x.dtype))[..., None] * x).sum(1))


def by_pt(p4: Tensor, mask: Tensor) -> Tensor:
    """Indices (B, N) that sort particles by falling pT, ties by px, py, pz; padding last."""
    pt = torch.hypot(p4[..., 1], p4[..., 2])
    return canonical_order(torch.cat([pt[..., None], p4[..., 1:]], dim=-1), mask)
