"""LLoCa: taggers that local frames of the particles make Lorentz-invariant, from its authors' package."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive, require_widths
from hepexp.models.layers.frame_vectors import TINY, FrameVectors
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.layers.local_jets import LocalJets
from hepexp.models.layers.lorentz_packages import require_package
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights
from hepexp.precision import full_precision


class LLoCa(nn.Module):
    """Lorentz Local Canonicalization of a transformer, of Particle Transformer or of ParticleNet.

    A small equivariant network predicts a frame of each particle. In it, the momenta of particle and jet are invariant,
    and are the inputs of the backbone. What the particles tell each other there, scalars and vectors, is transformed
    from frame to frame.

    Parameters
    ----------
    backbone : transformer, the mean of whose outputs over particles is the prediction; part, Particle Transformer,
        whose attention is biased by features of pairs; or particlenet, edge convolutions on nearest neighbours. Sizes
        are null for those of its authors.
    n_blocks : blocks of transformer and part.
    n_heads : attention heads of transformer and part.
    n_head_scalars, n_head_vectors : scalar and vector channels of each head; together they are n_head_scalars +
        4 n_head_vectors wide, and n_heads of them the width of transformer and part.
    mlp_ratio : width of the multilayer perceptrons of transformer and part, as a multiple of theirs.
    channels : width of each block of particlenet; of what it passes on, half are scalars and half vectors.
    k : number of neighbours of a particle in particlenet.
    n_frame_hidden : width of the network that predicts the frames.
    dropout : probability of dropping a hidden unit in training, in part also an attention weight.
    symmetry_breaking : what the network learns of the frame. beam: the frames depend on the two beams; for transformer
        they are particles, and two scalars tell particles from beams. none is Lorentz-invariant. scalars: log pT and
        others of each particle. both: beam and
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
    ConfigError : an invalid size or rate, a size that the backbone lacks, beams added twice, or the package lloca is
        not installed.

    References
    ----------
    Spinner et al., arXiv:2505.20280; Favaro et al., arXiv:2508.14898. Package: lloca.
    """

    input = "particles"
    lorentz_invariant: bool
    invariant_about_beam = True  # whatever breaks the symmetry
    exact_gradient = False  # Lorentz factors that scale vectors, and the features of pairs, are constants to it

    def __init__(
        self,
        backbone: Literal["transformer", "part", "particlenet"] = "transformer",
        n_blocks: int | None = None,
        n_heads: int | None = None,
        n_head_scalars: int | None = None,
        n_head_vectors: int | None = None,
        mlp_ratio: int | None = None,
        channels: Sequence[int] | None = None,
        k: int | None = None,
        n_frame_hidden: int = 32,
        dropout: float | None = None,
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
        require_package("lloca")
        from lloca import LearnedPDFrames

        from hepexp.models.layers.lloca_backbones import BACKBONES

        if backbone not in BACKBONES:
            raise ConfigError(f"model.backbone must be one of {', '.join(BACKBONES)}, got {backbone}")
        network = BACKBONES[backbone]
        sizes: dict[str, Any] = {
            "n_blocks": n_blocks,
            "n_heads": n_heads,
            "n_head_scalars": n_head_scalars,
            "n_head_vectors": n_head_vectors,
            "mlp_ratio": mlp_ratio,
            "channels": channels,
            "k": k,
            "dropout": dropout,
        }
        sizes = {key: value for key, value in sizes.items() if value is not None}
        require_positive(n_frame_hidden=n_frame_hidden)
        _check_sizes(backbone, sizes, signature(network).parameters)
        self.lorentz_invariant = symmetry_breaking == "none"
        self.use_scalars = reads_scalars(use_scalars, own_scalars)
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars if self.use_scalars else 0, has_beams)
        self.frames = LearnedPDFrames(
            equivectors=partial(FrameVectors, n_scalars=self.breaking.n_scalars, n_hidden=n_frame_hidden)
        )
        # the authors give the beams to the frames alone, and with them the scalars that tell particles from beams
        self.n_unseen_beams = 0 if network.sees_beams else self.breaking.n_beams
        self.net = network(self.breaking.n_scalars - self.n_unseen_beams, n_classes, **sizes)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        batch = self.breaking(batch)
        n_beams, dtype = self.n_unseen_beams, self.frames.equivectors.network[0].weight.dtype
        n_more = max(self.net.n_least + n_beams - batch.mask.shape[1], 0)
        mask = F.pad(batch.mask, (0, n_more))
        self._require_memory(mask, dtype)
        real = (torch.where(batch.mask[..., None], x, 0) for x in (batch.p4, batch.scalars))
        p4, scalars = (F.pad(x, (0, 0, 0, n_more)) for x in real)
        jet, scalars = p4[:, n_beams:].sum(1), scalars.to(dtype)
        with full_precision(p4):
            # the same frames as from p4 and jet; at rest, large Lorentz factors cost no digits
            boost = rest_frame(jet)[:, None]
            p4, jet = (boost @ p4[..., None])[..., 0], (boost[:, 0] @ jet[..., None])[..., 0]
            jets = LocalJets.of(p4, jet, self.frames(p4, scalars, mask=mask), scalars, mask)
        return self.net(jets.without_first(n_beams) if n_beams else jets)

    def _require_memory(self, mask: Tensor, dtype: torch.dtype) -> None:
        """Refuse a batch whose pairs do not fit, in the frames or in the backbone."""
        of_layers, hidden = self.net.numbers_per_pair(mask.shape[1]), self.frames.equivectors.n_hidden
        kept = 4 * hidden + sum(of_layers) if torch.is_grad_enabled() else max(2 * hidden, *of_layers)
        require_pair_memory(mask, kept, dtype, padded=True)


def _check_sizes(backbone: str, sizes: Mapping[str, Any], known: Collection[str]) -> None:
    for key, value in sizes.items():
        if key not in known:
            raise ConfigError(f"model.{key} is no size of model.backbone={backbone}: expected null, got {value}")
        if key == "dropout":
            require_dropout(value)
        elif key == "channels":
            require_widths(channels=value)
        else:
            require_positive(**{key: value})


def rest_frame(p4: Tensor) -> Tensor:
    """The boost (..., 4, 4) to the rest frame of p4 (..., 4); for one without mass, to a frame where it is softer."""
    e, p = p4[..., :1].clamp(min=TINY), p4[..., 1:]
    mass = (e.square() - p.square().sum(-1, keepdim=True)).clamp(min=0).sqrt().maximum(1e-6 * e)
    energy = (mass.square() + p.square().sum(-1, keepdim=True)).sqrt()  # e, if there is a mass
    u0, u = energy / mass, p / mass
    space = torch.eye(3, dtype=p4.dtype, device=p4.device) + u[..., :, None] * u[..., None, :] / (1 + u0[..., None])
    return torch.cat([torch.cat([u0, -u], dim=-1)[..., None, :], torch.cat([-u[..., None], space], dim=-1)], dim=-2)
