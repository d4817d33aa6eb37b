"""LLoCa: a transformer that local frames of the particles make Lorentz-invariant, from its authors' package."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.frame_vectors import TINY, FrameVectors
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.layers.lorentz_block import psi
from hepexp.models.layers.lorentz_packages import require_package
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights
from hepexp.precision import full_precision


class LLoCa(nn.Module):
    """Lorentz Local Canonicalization of a transformer.

    A small equivariant network predicts a frame of each particle. In it, the momenta of particle and jet are invariant,
    and are the inputs of a transformer. What the particles tell each other in attention, scalars and vectors, is
    transformed from frame to frame. The mean of the outputs over particles is the prediction.

    Parameters
    ----------
    n_blocks : blocks of the transformer.
    n_heads : attention heads.
    n_head_scalars, n_head_vectors : scalar and vector channels of each head; together they are n_head_scalars +
        4 n_head_vectors wide, and n_heads of them the width of the transformer.
    mlp_ratio : width of the multilayer perceptrons, as a multiple of that of the transformer.
    n_frame_hidden : width of the network that predicts the frames.
    dropout : probability of dropping a hidden unit in training.
    symmetry_breaking : what the network learns of the frame. beam: the two beams are particles, and two scalars tell
        particles from beams. none is Lorentz-invariant. scalars: log pT and others of each particle. both.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        named in `data=files`.
    weights : file with a state dict to start from.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    has_beams : whether the first two particles of each jet are the beams.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an invalid size or rate, beams added twice, or the package lloca is not installed.

    References
    ----------
    Spinner et al., arXiv:2505.20280; Favaro et al., arXiv:2508.14898. Package: lloca.
    """

    input = "particles"
    head = "net.linear_out"
    lorentz_invariant: bool
    exact_gradient = False  # the package takes the Lorentz factors by which it scales vectors as constants

    def __init__(
        self,
        n_blocks: int = 12,
        n_heads: int = 8,
        n_head_scalars: int = 12,
        n_head_vectors: int = 1,
        mlp_ratio: int = 2,
        n_frame_hidden: int = 32,
        dropout: float = 0.0,
        symmetry_breaking: Literal["none", "beam", "scalars", "both"] = "beam",
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        has_beams: bool = False,
        own_scalars: bool = False,
    ):
        super().__init__()
        require_positive(
            n_blocks=n_blocks,
            n_heads=n_heads,
            n_head_scalars=n_head_scalars,
            n_head_vectors=n_head_vectors,
            mlp_ratio=mlp_ratio,
            n_frame_hidden=n_frame_hidden,
        )
        require_dropout(dropout)
        require_package("lloca")
        from lloca import LearnedPDFrames
        from lloca.backbone.transformer import Transformer

        self.lorentz_invariant = symmetry_breaking == "none"
        self.use_scalars = reads_scalars(use_scalars, own_scalars)
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars if self.use_scalars else 0, has_beams)
        self.frames = LearnedPDFrames(
            equivectors=partial(FrameVectors, n_scalars=self.breaking.n_scalars, n_hidden=n_frame_hidden)
        )
        self.net = Transformer(
            in_channels=self.breaking.n_scalars + 8,
            attn_reps=f"{n_head_scalars}x0n+{n_head_vectors}x1n",
            out_channels=n_classes,
            num_blocks=n_blocks,
            num_heads=n_heads,
            mlp_factor=mlp_ratio,
            dropout_prob=dropout or None,
        )
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        batch = self.breaking(batch if self.use_scalars else replace(batch, scalars=batch.scalars[..., :0]))
        dtype, mask = self.net.linear_out.weight.dtype, batch.mask
        hidden = self.frames.equivectors.n_hidden * (4 if torch.is_grad_enabled() else 2)
        require_pair_memory(mask, hidden, dtype, padded=True)
        p4, scalars = (torch.where(mask[..., None], x, 0) for x in (batch.p4, batch.scalars))
        jet, scalars = p4.sum(1), scalars.to(dtype)
        with full_precision(p4):
            # the same frames as from p4 and jet; at rest, large Lorentz factors cost no digits
            boost = rest_frame(jet)[:, None]
            p4, jet = (boost @ p4[..., None])[..., 0], (boost[:, 0] @ jet[..., None])[..., 0]
            frames = self.frames(p4, scalars, mask=mask)
            both = torch.stack([p4, jet[:, None].expand_as(p4)], dim=-1)  # (B, N, 4, 2)
            local = psi((frames.matrices @ both).flatten(2)).to(dtype)  # (B, N, 8)
        inputs = torch.cat([local, scalars], dim=-1)
        outputs = self.net(inputs, frames, p_ref=jet, attn_mask=mask[:, None, None])  # (B, N, n_classes)
        self._forget_frames()
        n = mask.sum(1, keepdim=True).clamp(min=1)
        return torch.where(mask[..., None], outputs, 0).sum(1) / n

    def _forget_frames(self) -> None:
        """The package keeps the frames of a batch in the network, which then could not be copied."""
        attention = self.net.attention
        attention.frames = attention.frames_qkv = attention.frames_out = None


def rest_frame(p4: Tensor) -> Tensor:
    """The boost (..., 4, 4) to the rest frame of p4 (..., 4); for one without mass, to a frame where it is softer."""
    e, p = p4[..., :1].clamp(min=TINY), p4[..., 1:]
    mass = (e.square() - p.square().sum(-1, keepdim=True)).clamp(min=0).sqrt().maximum(1e-6 * e)
    energy = (mass.square() + p.square().sum(-1, keepdim=True)).sqrt()  # e, if there is a mass
    u0, u = energy / mass, p / mass
    space = torch.eye(3, dtype=p4.dtype, device=p4.device) + u[..., :, None] * u[..., None, :] / (1 + u0[..., None])
    return torch.cat([torch.cat([u0, -u], dim=-1)[..., None, :], torch.cat([-u[..., None], space], dim=-1)], dim=-2)
