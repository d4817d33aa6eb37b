"""The More-Interaction Particle Transformer as its equations are written, on padded batches and by torch's own layers.

The reference for speed and for numerical agreement: its authors publish no package. As in the package of ParT, the
features of a pair are embedded once for (i, j) and (j, i).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.layers.attention import MultiHeadAttention, without_padding
from hepexp.models.layers.kinematic_features import particle_features
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.layers.normformer import Block
from hepexp.models.layers.pair_features import log_pair_features, triangle
from hepexp.models.mi_part import MIParticleTransformer
from hepexp.models.particle_transformer import SOMEWHERE


class PaddedMIParT(nn.Module):
    """The function of a MIParT model with its own parameters; padding enters batch statistics in training."""

    def __init__(self, model: MIParticleTransformer):
        super().__init__()
        self.model = model

    def forward(self, batch: JetBatch) -> Tensor:
        model, mask = self.model, batch.mask
        dtype = model.norm.weight.dtype
        x = particle_features(batch, model.use_scalars, model.scales).to(dtype)  # (B, N, F)
        x = self._through([model.embed.input_bn, *model.embed.embed], x)[-1]
        p4 = torch.where(mask[..., None], batch.p4, SOMEWHERE.to(batch.p4.dtype))
        *_, u1, u2 = self._through(model.pair_embed.embed, log_pair_features(p4, dtype))
        weights = self._square(u1, mask).softmax(-1)  # (B, heads, N, N)
        for mi_block in model.mi_blocks:
            value = _heads(F.linear(mi_block.pre_attn_norm(x), mi_block.attn.value.weight), mi_block.attn.n_heads)
            attended = (self._drop(weights, mi_block) @ value).transpose(1, 2).flatten(2)
            x = self._add(mi_block, x, attended * mi_block.scale())
        bias = self._square(u2, mask)
        for block in model.blocks:
            u = block.pre_attn_norm(x)
            x = self._add(block, x, self._attend(block, u, u, bias))
        token = model.cls_token.expand(len(mask), -1, -1)  # (B, 1, dim)
        with_token = without_padding(F.pad(mask, (1, 0), value=True), dtype)
        for cls_block in model.cls_blocks:
            u = cls_block.pre_attn_norm(torch.cat([token, x], dim=1))
            token = self._add(cls_block, token, self._attend(cls_block, token, u, with_token))
        return model.fc(model.norm(token[:, 0]))

    def _through(self, layers: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
        """What each activation gives."""
        found = []
        for layer in layers:
            if isinstance(layer, MaskedBatchNorm):
                mean, var = (None, None) if self.training else (layer.running_mean, layer.running_var)
                x = F.batch_norm(x.mT, mean, var, layer.weight, layer.bias, self.training, eps=layer.eps).mT
            elif isinstance(layer, nn.Linear):
                x = F.linear(x, layer.weight, layer.bias)
            else:
                x = layer(x)
                found.append(x)
        return found

    def _square(self, u: Tensor, mask: Tensor) -> Tensor:
        """Rows (B, N (N + 1) / 2, heads) of pairs as (B, heads, N, N), large and negative towards padding."""
        i, j = triangle(mask.shape[1], mask.device)
        square = u.new_zeros(len(u), u.shape[-1], *[mask.shape[1]] * 2)
        square[:, :, i, j] = u.mT
        square[:, :, j, i] = u.mT
        return without_padding(mask, u.dtype, square)

    def _attend(self, block: Block[MultiHeadAttention], x: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        """Scaled heads of the attention of x (B, Q, dim) to its context (B, N, dim)."""
        n_heads, (w_q, w_k, w_v) = block.attn.n_heads, block.attn.in_proj.weight.chunk(3)
        b_q, b_k, b_v = block.attn.in_proj.bias.chunk(3)
        q = _heads(F.linear(x, w_q, b_q), n_heads)
        k, v = _heads(F.linear(context, w_k, b_k), n_heads), _heads(F.linear(context, w_v, b_v), n_heads)
        weights = (q @ k.mT * q.shape[-1] ** -0.5 + bias).softmax(-1)
        heads = (self._drop(weights, block) @ v).transpose(1, 2).flatten(2)
        return F.linear(heads, block.attn.out_proj.weight, block.attn.out_proj.bias) * block.scale()

    def _add(self, block: Block, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self._drop(block.post_attn_norm(attended), block)
        hidden = F.gelu(F.linear(block.pre_fc_norm(x), block.fc1.weight, block.fc1.bias))
        hidden = block.post_fc_norm(self._drop(hidden, block))
        return block.w_resid * x + self._drop(F.linear(hidden, block.fc2.weight, block.fc2.bias), block)

    def _drop(self, x: Tensor, block: Block) -> Tensor:
        return F.dropout(x, block.dropout.p, self.training)


def _heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)  # (B, heads, N, width)
