"""Set2Graph: which pairs of tracks are of one vertex, from layers that commute with permutations of the tracks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_widths
from hepexp.models.layers.attention import without_padding
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.weights import load_weights

SMALL = 10  # queries and keys have a tenth of the width


class DeepSetLayer(nn.Module):
    """W1 x + W2 (A x), A = softmax(q k^T / sqrt d) over the tracks, q = tanh of a linear layer, k of one without tanh.

    The sum is divided by its length over the channels, so that each track has a unit vector.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.dim = max(1, n_in // SMALL)
        self.query, self.key = nn.Linear(n_in, self.dim), nn.Linear(n_in, self.dim)
        self.own, self.others = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x (B, N, n_in), bias (B, 1, N), which keeps padding out -> (B, N, n_out)."""
        weights = (self.query(x).tanh() @ self.key(x).mT / self.dim**0.5 + bias).softmax(-1)
        x = self.own(x) + self.others(weights @ x)
        return x / x.norm(dim=-1, keepdim=True).clamp(min=1e-12)


class Set2Graph(nn.Module):
    """A network of sets gives each track a few channels; the channels of two tracks, side by side, are classified.

    With `lin5` the pair also has, beside those of both tracks, their sum over all tracks, and both on the diagonal: the
    five linear maps of a set to a graph that commute with permutations.

    Parameters
    ----------
    widths : of the layers over the tracks.
    n_channels : that each track has in the end.
    n_hidden : width of the hidden layer of a pair.
    pairs : `lin2` or `lin5`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per track in the data set, which are all that is read.

    Shapes
    ------
    scalars (B, N, n_scalars); mask (B, N), True for real tracks, which come first -> logits (B, N, N) of two tracks
    being of one vertex; not symmetric, as published.

    Raises
    ------
    ConfigError : a width below 1, data without scalars, or more tracks than memory affords.

    References
    ----------
    H. Serviansky et al., arXiv:2002.08772; J. Shlomi et al., arXiv:2008.02831, section 3.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (256, 256, 256, 256),
        n_channels: int = 5,
        n_hidden: int = 256,
        pairs: Literal["lin2", "lin5"] = "lin2",
        weights: str | None = None,
        *,
        n_scalars: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        for name, value in (("n_channels", n_channels), ("n_hidden", n_hidden)):
            if value < 1:
                raise ConfigError(f"model.{name} must be >= 1, got {value}")
        if pairs not in ("lin2", "lin5"):
            raise ConfigError(f"model.pairs must be lin2 or lin5, got {pairs!r}")
        if n_scalars == 0:
            raise ConfigError(
                "model=set2graph reads scalars of each particle, such as impact parameters; there are none"
            )
        sizes = [n_scalars, *widths, n_channels]
        self.layers = nn.ModuleList(DeepSetLayer(a, b) for a, b in pairwise(sizes))
        self.pairs, self.n_hidden = pairs, n_hidden
        n_pair = n_channels * (2 if pairs == "lin2" else 5)
        self.classifier = nn.Sequential(nn.Linear(n_pair, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 1))
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        dtype = next(self.classifier.parameters()).dtype
        if torch.is_grad_enabled():
            require_pair_memory(batch.mask, 3 * self.n_hidden, dtype, padded=True)
        x, bias = batch.scalars.to(dtype), without_padding(batch.mask, dtype)[:, 0]
        for k, layer in enumerate(self.layers):
            x = layer(x.relu() if k else x, bias)
        x = x * batch.mask[..., None]
        n = x.shape[1]
        rows, columns = x[:, :, None].expand(-1, -1, n, -1), x[:, None].expand(-1, n, -1, -1)
        channels = [rows, columns]
        if self.pairs == "lin5":
            total = x.sum(1)[:, None, None].expand_as(rows)
            diagonal = torch.eye(n, dtype=dtype, device=x.device)[:, :, None]
            channels += [total, rows * diagonal, total * diagonal]
        return self.classifier(torch.cat(channels, -1)).squeeze(-1)
