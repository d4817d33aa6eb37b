"""An image as a sequence of tokens: what vision transformers share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import ImageBatch


class PatchTokens(nn.Module):
    """The base of vision transformers: patches become tokens, after a class token, with a trained position each.

    Images whose sides are not multiples of the patch size are padded with zeros on the right and below.

    Parameters
    ----------
    image_shape : (channels, rows, columns) of the data set's images.
    patch : rows and columns of a patch.
    dim : width of a token.

    References
    ----------
    Dosovitskiy et al., arXiv:2010.11929, equation 1.
    """

    def __init__(self, image_shape: tuple[int, int, int], patch: int, dim: int) -> None:
        super().__init__()
        channels, rows, columns = image_shape
        self.padding = (0, -columns % patch, 0, -rows % patch)
        n_patches = -(-rows // patch) * -(-columns // patch)
        self.embed = nn.Conv2d(channels, dim, patch, stride=patch)
        self.embed_norm = nn.LayerNorm(dim)
        self.class_token = nn.Parameter(torch.randn(dim) * 0.02)
        self.position = nn.Parameter(torch.randn(n_patches + 1, dim) * 0.02)

    def tokens(self, batch: ImageBatch) -> Tensor:
        """The class token and one token for each patch: (B, 1 + T, dim)."""
        image = F.pad(batch.image.to(self.position.dtype), self.padding)
        patches = self.embed_norm(self.embed(image).flatten(2).transpose(1, 2))
        return torch.cat([self.class_token.expand(patches.shape[0], 1, -1), patches], dim=1) + self.position
