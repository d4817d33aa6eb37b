"""Networks of the package lloca that pass scalars and vectors between particles, from local frame to local frame.

Defaults are the sizes of the authors (heidelberg-hepml/lloca-experiments, config/model/tag_*.yaml). Each network says
whether the beams are particles of it (`sees_beams`), how many particles, padding included, its code needs of a jet
(`n_least`), and how many numbers each of its layers keeps for the backward pass, per pair of particles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from lloca.backbone import particlenet, particletransformer, transformer
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.models.layers.local_jets import N_FEATURES, LocalJets
from hepexp.models.layers.lorentz_block import psi
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm


class PlainTransformer(transformer.Transformer):
    """Attention; the mean of its outputs over particles is the prediction. The beams are particles of it."""

    sees_beams = True
    n_least = 1

    def __init__(
        self,
        n_scalars: int,
        n_classes: int,
        n_blocks: int = 12,
        n_heads: int = 8,
        n_head_scalars: int = 12,
        n_head_vectors: int = 1,
        mlp_ratio: int = 2,
        dropout: float = 0.0,
    ):
        super().__init__(
            in_channels=n_scalars + 8,
            attn_reps=f"{n_head_scalars}x0n+{n_head_vectors}x1n",
            out_channels=n_classes,
            num_blocks=n_blocks,
            num_heads=n_heads,
            mlp_factor=mlp_ratio,
            dropout_prob=dropout or None,
        )

    def numbers_per_pair(self, n_particles: int) -> list[float]:
        """None: attention has no bias."""
        return [0]

    def forward(self, jets: LocalJets) -> Tensor:
        local = psi(torch.stack([jets.p4, jets.jet], dim=-1).flatten(2)).to(jets.scalars.dtype)  # (B, N, 8)
        inputs, mask = torch.cat([local, jets.scalars], dim=-1), jets.mask
        outputs = super().forward(inputs, jets.frames, p_ref=jets.p_ref, attn_mask=mask[:, None, None])
        _forget_frames(self.attention)
        n = mask.sum(1, keepdim=True).clamp(min=1)
        return torch.where(mask[..., None], outputs, 0).sum(1) / n


class ParticleTransformer(particletransformer.ParticleTransformer):
    """Attention biased by features of pairs, computed from the momentum that each of the two has in its own frame.

    As in weaver they are constants to the gradient: in the package it has no value where two momenta are equal. Pairs
    of a particle with itself have no bias.
    """

    sees_beams = False
    n_least = 2

    def __init__(
        self,
        n_scalars: int,
        n_classes: int,
        n_blocks: int = 8,
        n_heads: int = 8,
        n_head_scalars: int = 8,
        n_head_vectors: int = 2,
        mlp_ratio: int = 4,
        dropout: float = 0.1,
    ):
        width = n_heads * (n_head_scalars + 4 * n_head_vectors)
        super().__init__(
            input_dim=n_scalars + N_FEATURES,
            attn_reps=f"{n_head_scalars}x0n+{n_head_vectors}x1n",
            num_classes=n_classes,
            remove_self_pair=True,  # its m^2, for a light particle, is rounding error and not invariant
            use_pre_activation_pair=False,
            embed_dims=(width, 4 * width, width),
            ffn_ratio=mlp_ratio,
            num_heads=n_heads,
            num_layers=n_blocks,
            block_params={"dropout": dropout, "attn_dropout": dropout, "activation_dropout": dropout},
        )
        self.pair_embed.sparse_eval = False  # to pick the real pairs would wait for the device
        _mask_norms(self)

    def numbers_per_pair(self, n_particles: int) -> list[float]:
        """Outputs of convolutions, norms and activations, once for i and j; biases and weights of attention."""
        widths = [layer.num_features for layer in self.pair_embed.embed if isinstance(layer, MaskedBatchNorm)]
        return [*(1.5 * width for width in widths), *(2 * block.num_heads for block in self.blocks)]

    def forward(self, jets: LocalJets) -> Tensor:
        n = jets.mask.shape[1]
        i, j = torch.tril_indices(n, n, offset=-1, device=jets.mask.device)
        p4 = jets.p4.detach().roll(-1, dims=-1).mT  # (px, py, pz, E)
        real = {self.embed: jets.mask, self.pair_embed: jets.mask[:, i] & jets.mask[:, j]}
        with _real_entries(real):
            outputs = super().forward(jets.features().mT, jets.frames, v=p4, mask=jets.mask[:, None], p_ref=jets.p_ref)
        _forget_frames(self.attention)
        return outputs


class ParticleNet(particlenet.ParticleNet):
    """Edge convolutions on the nearest neighbours, in (y, phi) of their own frames and then in feature space.

    A jet of up to k particles is filled up with neighbours of zero features, as in weaver.
    """

    sees_beams = False

    def __init__(
        self,
        n_scalars: int,
        n_classes: int,
        channels: Sequence[int] = (64, 128, 256),
        k: int = 16,
        dropout: float = 0.1,
    ):
        if any(width % 8 for width in channels):
            raise ConfigError(f"model.channels must be multiples of 8, half of them in vectors, got {list(channels)}")
        n_in = n_scalars + N_FEATURES
        super().__init__(
            input_dims=n_in,
            hidden_reps_list=[f"{n_in}x0n", *(f"{width // 2}x0n+{width // 8}x1n" for width in channels[:-1])],
            num_classes=n_classes,
            conv_params=[(k, [width] * 3) for width in channels],
            fc_params=[(channels[-1], dropout)],
            use_fusion=False,
        )
        self.n_least = k + 1  # particles of a jet, with padding: the package takes k others
        _mask_norms(self)

    def numbers_per_pair(self, n_particles: int) -> list[float]:
        """Outputs of convolutions, norms and activations on the k edges of each particle, inputs, and frames."""
        return [
            block.k / n_particles * (9 * block.convs[-1].out_channels + 2 * block.convs[0].in_channels + 128)
            for block in self.edge_convs
        ]

    def forward(self, jets: LocalJets) -> Tensor:
        seen = jets.coordinates()
        points = torch.stack([seen.dy, seen.dphi], dim=1)  # their distances need all digits
        frames = jets.frames.reshape(-1, 4, 4)
        with _real_entries({self: jets.mask}):
            return super().forward(points, jets.features().mT, frames, mask=jets.mask[:, None])


BACKBONES: dict[str, type[PlainTransformer | ParticleTransformer | ParticleNet]] = {
    "transformer": PlainTransformer,
    "part": ParticleTransformer,
    "particlenet": ParticleNet,
}


class _Norm(MaskedBatchNorm):
    """MaskedBatchNorm of channels in the second axis, in place of that of torch in a network that passes no mask on.

    Attributes
    ----------
    real : (B, N), for the time of a forward pass, True for the entries (B, C, N) or (B, C, N, K) that are real.
    """

    real: Tensor | None = None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        rows = x.movedim(1, -1)
        if self.training and self.real is not None:
            mask = self.real.reshape(self.real.shape + (1,) * (x.ndim - 3)).expand(rows.shape[:-1])
        normed = super().forward(rows, mask).movedim(-1, 1)
        return normed.to(self.weight.dtype) if x.dtype == torch.float64 else normed


def _mask_norms(network: nn.Module) -> None:
    """Let the batch statistics of a network of the package leave padding out."""
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, _Norm(layer.num_features))


@contextmanager
def _real_entries(masks: dict[nn.Module, Tensor]) -> Iterator[None]:
    """A block in which the norms inside each of the networks know which of their entries are real."""
    with ExitStack() as after:
        for network, mask in masks.items():
            for layer in network.modules():
                if isinstance(layer, _Norm):
                    layer.real = mask
                    after.callback(setattr, layer, "real", None)
        yield


def _forget_frames(attention: nn.Module) -> None:
    """The package keeps the frames of a batch in the network, which then could not be copied."""
    for name in ("frames", "frames_qkv", "frames_out"):
        setattr(attention, name, None)
