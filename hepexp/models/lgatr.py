"""L-GATr: a transformer of multivectors of the geometric algebra of spacetime, from its authors' package."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.layers.lorentz_packages import require_package
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights

UNIT = 20.0  # GeV, of momenta inside the network


class LGATr(nn.Module):
    """Lorentz-equivariant Geometric Algebra Transformer.

    Particles, and a token without momentum whose scalar output is the prediction, attend to each other. Each has
    multivector channels, into which its four-momentum is embedded, and scalar channels.

    Parameters
    ----------
    slim : the form with vectors and scalars in place of multivectors.
    n_blocks : number of blocks.
    n_multivectors : multivector channels; with slim, vector channels.
    n_hidden_scalars : scalar channels.
    n_heads : attention heads.
    attention_ratio, mlp_ratio : channels in attention and in the multilayer perceptrons, as multiples of those between
        blocks.
    dropout : probability of dropping a channel in training.
    symmetry_breaking : what the network learns of the frame. beam: the two beams are particles, and two scalars tell
        particles from beams. none is Lorentz-invariant. scalars: log pT and others of each particle. both: beam and
        scalars.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
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
    ConfigError : an invalid size or rate, beams added twice, or the package lgatr is not installed.

    References
    ----------
    Brehmer et al., arXiv:2411.00446, sections 3 and 5; Spinner et al., arXiv:2405.14806. Package: lgatr.
    """

    input = "particles"
    head = "net.linear_out"
    lorentz_invariant: bool
    invariant_about_beam = True  # whatever breaks the symmetry

    def __init__(
        self,
        slim: bool = False,
        n_blocks: int = 12,
        n_multivectors: int = 16,
        n_hidden_scalars: int = 32,
        n_heads: int = 8,
        attention_ratio: int = 2,
        mlp_ratio: int = 2,
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
            n_multivectors=n_multivectors,
            n_hidden_scalars=n_hidden_scalars,
            n_heads=n_heads,
            attention_ratio=attention_ratio,
            mlp_ratio=mlp_ratio,
        )
        require_dropout(dropout)
        for key, width in (("n_multivectors", n_multivectors), ("n_hidden_scalars", n_hidden_scalars)):
            if width % n_heads:
                raise ConfigError(f"model.{key} must be a multiple of model.n_heads={n_heads}, got {width}")
        require_package("lgatr")
        self.lorentz_invariant = symmetry_breaking == "none"
        self.slim, self.use_scalars = slim, reads_scalars(use_scalars, own_scalars)
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars if self.use_scalars else 0, has_beams)
        make = _slim_network if slim else _network
        self.net = make(
            n_blocks,
            n_multivectors,
            n_hidden_scalars,
            n_heads,
            attention_ratio,
            mlp_ratio,
            dropout or None,
            n_in=self.breaking.n_scalars + 1,
            n_out=n_classes,
        )
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        batch = self.breaking(batch)
        dtype = next(self.net.parameters()).dtype
        p4, scalars, mask = batch.p4, batch.scalars, batch.mask
        beams, particles = p4.tensor_split([self.breaking.n_beams], dim=1)
        p4 = torch.cat([beams, particles / UNIT], dim=1)
        real = mask[..., None]
        p4, scalars = torch.where(real, p4, 0).to(dtype), torch.where(real, scalars, 0).to(dtype)
        p4 = torch.cat([torch.zeros_like(p4[:, :1]), p4], dim=1)[:, :, None]  # (B, 1 + N, 1, 4)
        is_token = (torch.arange(p4.shape[1], device=p4.device) == 0)[:, None].to(dtype).expand(p4.shape[0], -1, 1)
        scalars = torch.cat([torch.cat([torch.zeros_like(scalars[:, :1]), scalars], dim=1), is_token], dim=2)
        keys = torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1)[:, None, None]  # (B, 1, 1, 1 + N)
        if self.slim:
            return self.net(p4, scalars, attn_mask=keys)[1][:, 0]
        from lgatr import embed_vector

        scalar = torch.nn.functional.pad(is_token[..., None], (0, 15))  # the token is the scalar 1
        multivectors = embed_vector(p4) + scalar
        return self.net(multivectors, scalars, attn_mask=keys)[0][:, 0, :, 0]


def _network(
    blocks: int,
    vectors: int,
    scalars: int,
    heads: int,
    attention_ratio: int,
    mlp_ratio: int,
    dropout: float | None,
    *,
    n_in: int,
    n_out: int,
) -> nn.Module:
    """The package's network: n_in scalars and one multivector of each token to n_out multivectors."""
    from lgatr import LGATr as Network

    return Network(
        num_blocks=blocks,
        in_mv_channels=1,
        out_mv_channels=n_out,
        hidden_mv_channels=vectors,
        in_s_channels=n_in,
        out_s_channels=0,
        hidden_s_channels=scalars,
        attention={"num_heads": heads, "attn_ratio": attention_ratio, "head_scale": True},
        mlp={"mlp_ratio": mlp_ratio},
        dropout_prob=dropout,
    )


def _slim_network(
    blocks: int,
    vectors: int,
    scalars: int,
    heads: int,
    attention_ratio: int,
    mlp_ratio: int,
    dropout: float | None,
    *,
    n_in: int,
    n_out: int,
) -> nn.Module:
    """Its slim form: n_in scalars and one vector of each token to n_out scalars."""
    from lgatr import LGATrSlim

    return LGATrSlim(
        num_blocks=blocks,
        in_v_channels=1,
        out_v_channels=0,
        hidden_v_channels=vectors,
        in_s_channels=n_in,
        out_s_channels=n_out,
        hidden_s_channels=scalars,
        num_heads=heads,
        mlp_ratio=mlp_ratio,
        attn_ratio=attention_ratio,
        dropout_prob=dropout,
    )
