"""A vision transformer: an image as a sequence of its patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.patch_tokens import PatchTokens
from hepexp.models.weights import load_weights


class SelfAttention(nn.Module):
    """Softmax attention of all tokens to all tokens (equations 5 to 8 of the paper, without its U_msa by default).

    Parameters
    ----------
    dim : width of a token.
    n_heads : heads, which share the width equally.
    output_projection : whether a linear layer mixes the heads' outputs.

    Shapes
    ------
    tokens (B, T, dim) -> (B, T, dim).
    """

    def __init__(self, dim: int, n_heads: int, output_projection: bool) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim) if output_projection else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, heads, T, width)
        return self.project(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A pre-norm transformer block: x + attention(norm x), then x + MLP(norm x) (equations 2 and 3)."""

    def __init__(self, dim: int, attention: nn.Module, mlp: Sequence[nn.Module], dropout: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(dim), attention, nn.Dropout(dropout))
        self.mlp = nn.Sequential(nn.LayerNorm(dim), *mlp, nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.mlp(x)


def perceptron(dim: int, n_mlp: int) -> list[nn.Module]:
    """The MLP of a block, with one hidden layer of width n_mlp."""
    return [nn.Linear(dim, n_mlp), nn.GELU(), nn.Linear(n_mlp, dim)]


class ViT(PatchTokens):
    """Image patches become tokens, which transformer blocks mix by self-attention; a class token is then classified.

    Patches and the final class token each pass through a layer norm. Images whose sides are not multiples of the patch
    size are padded with zeros on the right and below.

    Parameters
    ----------
    patch : rows and columns of a patch.
    dim : width of a token.
    n_blocks : transformer blocks.
    n_heads : attention heads in each; they divide `dim`.
    n_mlp : hidden width of the MLP in each block.
    dropout : probability of dropping, in training, an element of what a block adds to its input.
    output_projection : whether a linear layer mixes the outputs of the heads, as in the paper.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1, heads that do not divide the width, or a dropout outside [0, 1).

    References
    ----------
    Dosovitskiy et al., arXiv:2010.11929, section 3.1.
    """

    input = "image"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        patch: int = 4,
        dim: int = 256,
        n_blocks: int = 6,
        n_heads: int = 8,
        n_mlp: int = 512,
        dropout: float = 0.0,
        output_projection: bool = False,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        require_positive(patch=patch, dim=dim, n_blocks=n_blocks, n_heads=n_heads, n_mlp=n_mlp)
        if dim % n_heads:
            raise ConfigError(f"model.n_heads must divide model.dim ({dim}), got {n_heads}")
        require_dropout(dropout)
        super().__init__(image_shape, patch, dim)
        self.blocks = nn.Sequential(
            *(
                Block(dim, SelfAttention(dim, n_heads, output_projection), perceptron(dim, n_mlp), dropout)
                for _ in range(n_blocks)
            )
        )
        self.norm = nn.LayerNorm(dim)
        self.classifier = nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, n_classes))
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.classifier(self.norm(self.blocks(self.tokens(batch))[:, 0]))
