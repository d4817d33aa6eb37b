"""SPANet: which three jets of an event are those of each top, by attention that respects their symmetries."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout
from hepexp.models.layers.attention import without_padding
from hepexp.models.layers.jet_triplets import require_triplet_memory, triplets
from hepexp.models.layers.kinematic_features import pseudorapidity
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.transformer import PAIRS_AT_A_TIME, EncoderBlock
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList

N_TOPS = 2
KINEMATIC = 5
# what the logarithms of pT and mass in GeV, 1 + x, are divided by after their typical value is subtracted
LOG_PT, LOG_MASS = (4.1, 0.6), (2.2, 0.5)


class TripletAttention(nn.Module):
    """Logits of all triplets (i, j, k) of jets for one top: i and j from the W, k the bottom quark.

    O_ijk = sum_abc Theta_abc (q_ia q'_jb + q_ja q'_ib) b_kc / 2, with an encoding of each jet as either quark and as
    the bottom quark: symmetric in i and j, as the two quarks of the W are alike (equation 6, made symmetric).

    Parameters
    ----------
    dim : width of an encoding.

    Shapes
    ------
    x (B, N, dim) -> (B, N, N, N).
    """

    def __init__(self, dim: int):
        super().__init__()
        self.first, self.second, self.bottom = (nn.Linear(dim, dim) for _ in range(3))
        self.theta = nn.Parameter(torch.randn(dim, dim, dim) / dim**1.5)

    def forward(self, x: Tensor) -> Tensor:
        of_bottom = torch.einsum("nkc,abc->nkab", self.bottom(x), self.theta)  # (B, N, dim, dim)
        of_pair = torch.einsum("nia,nkab->nkib", self.first(x), of_bottom)
        logits = torch.einsum("nkib,njb->nijk", of_pair, self.second(x))
        return (logits + logits.transpose(1, 2)) / 2


class SPANet(nn.Module):
    """Encodes the jets of an event together, then separately for each top, and scores every triplet of jets.

    It commutes with permutations of the jets, and the two quarks of a W are alike to it. That the two tops are alike
    is up to the loss.

    Parameters
    ----------
    n_hidden : width of a jet.
    n_embedding : layers that bring a jet to this width, doubling from 16.
    n_encoder : transformer blocks over all jets.
    n_branch : transformer blocks over all jets, of each top.
    n_daughter : layers that encode a jet as a decay product; those after the first are nonlinear.
    n_heads : attention heads.
    dropout : probability of dropping, in training, an attention weight or an element of what a block adds.
    use_btag : whether to use the scalars of the data set, such as the b-tag.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per jet in the data set.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real jets, which come first
    -> logits (B, 2, N, N, N) of a top's jets being i, j (from the W, i < j) and k (the bottom quark); a large negative
    number where these are not three different jets.

    Raises
    ------
    ConfigError : a number of layers or a width out of range, or more jets than memory affords.

    References
    ----------
    A. Shmakov et al., arXiv:2106.03898, section 3.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 64,
        n_embedding: int = 10,
        n_encoder: int = 6,
        n_branch: int = 3,
        n_daughter: int = 2,
        n_heads: int = 4,
        dropout: float = 0.0,
        use_btag: bool = True,
        weights: str | None = None,
        *,
        n_scalars: int,
    ):
        super().__init__()
        for name, value in (("n_hidden", n_hidden), ("n_embedding", n_embedding), ("n_heads", n_heads)):
            if value < 1:
                raise ConfigError(f"model.{name} must be >= 1, got {value}")
        for name, value in (("n_encoder", n_encoder), ("n_branch", n_branch), ("n_daughter", n_daughter)):
            if value < 0:
                raise ConfigError(f"model.{name} must be >= 0, got {value}")
        if n_hidden % n_heads:
            raise ConfigError(f"model.n_hidden must be a multiple of model.n_heads = {n_heads}, got {n_hidden}")
        require_dropout(dropout)
        self.use_btag = use_btag
        widths = [KINEMATIC + (n_scalars if use_btag else 0)]
        widths += [min(n_hidden, 16 << k) for k in range(n_embedding - 1)] + [n_hidden]
        layers = [_layer(a, b) for a, b in pairwise(widths)]
        self.embed = nn.Sequential(*layers)
        self.encoder = _blocks(n_encoder, n_hidden, n_heads, dropout)
        self.branches = ModuleList(_blocks(n_branch, n_hidden, n_heads, dropout) for _ in range(N_TOPS))
        self.daughters = nn.ModuleList(
            nn.Sequential(*(_layer(n_hidden, n_hidden) for _ in range(n_daughter))) for _ in range(N_TOPS)
        )
        self.attention = ModuleList(TripletAttention(n_hidden) for _ in range(N_TOPS))
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        dtype = self.attention[0].theta.dtype
        if torch.is_grad_enabled():
            require_triplet_memory(batch.mask, 4 * N_TOPS, dtype)
        jets = ParticlePairs.of(batch.mask, dtype, at_a_time=PAIRS_AT_A_TIME)
        x = self.embed(jets.gather(self._features(batch)).to(dtype))  # (R, n_hidden)
        biases = [without_padding(piece.nodes(jets.mask), dtype) for piece in jets.pieces]
        for block in self.encoder:
            x = block(x, jets.pieces, biases)
        logits = []
        for branch, daughter, attention in zip(self.branches, self.daughters, self.attention, strict=True):
            own = x
            for block in branch:
                own = block(own, jets.pieces, biases)
            logits.append(attention(jets.scatter(daughter(own))))
        return torch.stack(logits, 1).masked_fill(~triplets(batch.mask)[:, None], torch.finfo(dtype).min / 4)

    def _features(self, batch: JetBatch) -> Tensor:
        """log(1 + pT), eta, sin phi, cos phi, log(1 + mass), and the scalars, of order 1, of each jet (B, N, F)."""
        p4 = batch.p4
        pt = torch.hypot(p4[..., 1], p4[..., 2])
        mass = (p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(-1)).clamp(min=0).sqrt()
        safe = pt.clamp(min=1e-9)
        kinematic = [
            (torch.log1p(pt) - LOG_PT[0]) / LOG_PT[1],
            pseudorapidity(p4),
            p4[..., 2] / safe,
            p4[..., 1] / safe,
            (torch.log1p(mass) - LOG_MASS[0]) / LOG_MASS[1],
        ]
        features = torch.stack(kinematic, -1)
        return torch.cat([features, batch.scalars.to(features.dtype)], -1) if self.use_btag else features


def _layer(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.PReLU(n_out))


def _blocks(n: int, dim: int, n_heads: int, dropout: float) -> ModuleList[EncoderBlock]:
    return ModuleList(EncoderBlock(dim, n_heads, dropout) for _ in range(n))
