"""Point Cloud Transformer: edge convolutions, then offset attention between all particles of a jet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.attention import without_padding
from hepexp.models.layers.edge_conv import EdgeConv, mean_weights
from hepexp.models.layers.kinematic_features import FEATURE_NAMES, KINEMATIC, particle_features, reads_scalars
from hepexp.models.layers.knn_graph import ParticleRows, canonical_order, reorder
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.weights import load_weights

WIDTHS, N_CONCATENATED, N_HIDDEN = (
    (128, 64),
    256,
    128,
)  # of the edge convolutions, of what is averaged, of the classifier


class LinearNorm(nn.Module):
    """A linear layer and a batch norm over real particles; x (R, n_in) -> (R, n_out)."""

    def __init__(self, n_in: int, n_out: int, bias: bool):
        super().__init__()
        self.linear, self.norm = nn.Linear(n_in, n_out, bias=bias), MaskedBatchNorm(n_out)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self.norm(self.linear(x), mask)


class OffsetAttention(nn.Module):
    """x_j + relu(norm(W (x_j - sum_i A_ij v_i))), where A is the softmax of q_i . k_j over j, normalised over i.

    Queries and keys are a quarter as wide as x; q, k and v have batch norms.

    References
    ----------
    Guo et al., arXiv:2012.09688, section 3.3; Mikuni and Canelli, arXiv:2102.05073, section 2.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.widths = (dim // 4, dim // 4, dim)
        self.qkv, self.out = LinearNorm(dim, sum(self.widths), bias=False), LinearNorm(dim, dim, bias=False)

    def forward(self, x: Tensor, rows: ParticleRows) -> Tensor:
        q, k, v = rows.unpack(self.qkv(x, rows.mask)).split(self.widths, dim=-1)  # (B, N, width)
        attention = (q @ k.mT + without_padding(rows.padded_mask, q.dtype)[:, 0]).softmax(-1)
        attention = attention * rows.padded_mask[..., None]  # of real particles alone
        attention = attention / (attention.sum(1, keepdim=True) + 1e-9)
        mean = rows.pack(attention.mT @ v)
        return x + F.relu(self.out(x - mean, rows.mask))


class PCT(nn.Module):
    """Edge convolutions on nearest neighbours, then offset attention; the mean over particles is classified.

    The first convolution takes neighbours in (eta, phi), the second in feature space. What each block gives and what
    the first one received are concatenated for each particle. The mean is over real particles, where the reference
    averages over a fixed number of places.

    Parameters
    ----------
    k : number of neighbours of a particle; a jet with fewer particles uses those that it has.
    n_blocks : blocks of attention.
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
    Mikuni and Canelli, arXiv:2102.05073, section 3; layers as in the authors' ViniciusMikuni/PCT_HEP, models/pct.py.
    """

    input = "particles"
    feature_names = FEATURE_NAMES
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        k: int = 20,
        n_blocks: int = 3,
        dropout: float = 0.5,
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        scalar_names: Sequence[str] = (),
        own_scalars: bool = False,
    ):
        super().__init__()
        require_positive(k=k, n_blocks=n_blocks)
        require_dropout(dropout)
        self.k = k
        self.use_scalars = reads_scalars(use_scalars, own_scalars, scalar_names)
        n, (first, dim) = len(KINEMATIC) + (n_scalars if self.use_scalars else 0), WIDTHS
        self.edge_convs = nn.ModuleList(
            EdgeConv(n_in, n_out, bias=True, skip="none", n_layers=2) for n_in, n_out in ((n, first), (first, dim))
        )
        self.attention = nn.ModuleList(OffsetAttention(dim) for _ in range(n_blocks))
        self.concatenated = LinearNorm((n_blocks + 1) * dim, N_CONCATENATED, bias=True)
        self.hidden = LinearNorm(N_CONCATENATED, N_HIDDEN, bias=True)
        self.dropout, self.classifier = nn.Dropout(dropout), nn.Linear(N_HIDDEN, n_classes)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        order = canonical_order(batch.p4, batch.mask)
        rows = ParticleRows(reorder(batch.mask, order))
        features = rows.pack(reorder(particle_features(batch, self.use_scalars), order))
        x, points = features.to(self.classifier.weight.dtype), features[:, -2:]  # neighbours in float64
        for edge_conv in self.edge_convs:
            x = points = edge_conv(x, rows.graph(points, self.k))
        seen = [x]
        for block in self.attention:
            x = block(x, rows)
            seen.append(x)
        x = rows.unpack(F.relu(self.concatenated(torch.cat(seen, dim=1), rows.mask)))
        weights = mean_weights(rows.padded_mask.to(x.dtype))
        jet = (weights[..., None] * x).sum(1)  # (B, 256)
        return self.classifier(self.dropout(F.relu(self.hidden(jet, None))))
