"""ParticleNet: dynamic graph convolutions on the particle cloud of a jet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.edge_conv import EdgeConv, mean_weights
from hepexp.models.layers.jet_coordinates import JetCoordinates, jet_coordinates
from hepexp.models.layers.kinematic_features import (
    FEATURE_NAMES,
    kinematic_features,
    reads_scalars,
    standardise,
    with_scalars,
)
from hepexp.models.layers.knn_graph import ParticleRows, canonical_order, reorder
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.weaver_layout import PARTICLE_NET
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList

ANGLES = ("delta y", "delta phi")
PUBLISHED = (*ANGLES, "ln pT", "ln E", "ln pT / jet", "ln E / jet", "delta R")
VARIANTS = ("published", "weaver", "qmlhep_2")


def published_features(jet: JetCoordinates) -> Tensor:
    """The seven kinematic inputs of the paper's table 2, (B, N, 7).

    Shifts and scales are those of the authors' quark/gluon configuration (jet-universe/particle_transformer,
    data/QuarkGluon/qg_kin.yaml, of arXiv:2202.03772); angles are not rescaled.
    """
    delta_r = (jet.dy.square() + jet.dphi.square() + 1e-12).sqrt()  # its gradient is finite even on the axis
    columns = [
        jet.dy,
        jet.dphi,
        standardise(jet.pt.log(), 1.7, 0.7),
        standardise(jet.e.log(), 2.0, 0.7),
        standardise(jet.pt_rel.log(), -4.7, 0.7),
        standardise(jet.e_rel.log(), -4.7, 0.7),
        standardise(delta_r, 0.2, 4.0),
    ]
    return torch.stack(columns, dim=-1)


def qmlhep_2_features(jet: JetCoordinates) -> Tensor:
    """The (pT, y, phi) of QMLHEP II: log pT standardised, angles relative to the jet axis; (B, N, 3)."""
    return torch.stack([standardise(jet.pt.log(), 1.7, 0.7), jet.dy, jet.dphi], dim=-1)


class ParticleNet(nn.Module):
    """EdgeConv blocks, each on nearest neighbours that are recomputed for it.

    The first block takes neighbours in (y, phi), the others in feature space. The mean over particles is then
    classified.

    Parameters
    ----------
    variant : "published" is the paper's network: seven inputs followed by a batch norm, blocks with residual shortcuts
        (366,160 parameters with 2 classes). "weaver" has inputs of weaver's order, with the sign and pseudorapidity of
        its authors, which weights of weaver-core need. "qmlhep_2" is that of QMLHEP II: inputs (pT, y, phi), blocks
        whose output is concatenated with their input (409,666), with inputs normalised and padding masked.
    k : number of neighbours of a particle; a jet with fewer particles uses those that it has.
    channels : width of each EdgeConv block.
    n_hidden : hidden width of the classifier.
    dropout : probability of dropping a hidden unit of the classifier in training.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        those of `kinpid` or `full`, the feature sets of JetClass, or named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict; with variant=weaver also one
        with the layout of weaver-core. A jet of up to k particles uses those that it has; weaver-core fills up with
        padding.
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
    Qu and Gouskos, arXiv:1902.08570, section 3 and figure 2a.
    """

    input = "particles"
    head = "classifier"
    weaver = PARTICLE_NET
    lorentz_invariant = False

    def __init__(
        self,
        variant: Literal["published", "weaver", "qmlhep_2"] = "published",
        k: int = 16,
        channels: Sequence[int] = (64, 128, 256),
        n_hidden: int = 256,
        dropout: float = 0.1,
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        scalar_names: Sequence[str] = (),
        own_scalars: bool = False,
    ):
        super().__init__()
        require_positive(k=k, n_hidden=n_hidden)
        require_widths(channels=channels)
        require_dropout(dropout)
        if variant not in VARIANTS:
            raise ConfigError(f"model.variant must be one of {', '.join(VARIANTS)}, got {variant}")
        published, self.reads_weaver = variant != "qmlhep_2", variant == "weaver"
        self.k = k
        self.use_scalars = reads_scalars(use_scalars, own_scalars, scalar_names)
        self.features = published_features if published else qmlhep_2_features
        self.feature_names = {"published": PUBLISHED, "weaver": FEATURE_NAMES, "qmlhep_2": ("ln pT", *ANGLES)}[variant]
        n = (7 if published else 3) + (n_scalars if self.use_scalars else 0)
        self.input_norm = MaskedBatchNorm(n) if published else None
        self.blocks: ModuleList[EdgeConv] = ModuleList()
        for width in channels:
            block = EdgeConv(n, width, bias=not published, skip="sum" if published else "concat")
            self.blocks.append(block)
            n = block.n_out
        self.classifier = dense(n, [n_hidden], n_classes, nn.ReLU, dropout)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        order = canonical_order(batch.p4, batch.mask)
        p4, scalars, mask = (reorder(x, order) for x in (batch.p4, batch.scalars, batch.mask))
        features, points = self._features(p4, mask)
        x = torch.where(mask[..., None], features, 0).to(next(self.classifier.parameters()).dtype)
        if self.use_scalars:
            scalars = scalars.to(x.dtype)
            x = with_scalars(x, scalars) if self.reads_weaver else torch.cat([x, scalars], dim=-1)
        rows = ParticleRows(mask)
        x = rows.pack(x)  # (R, features)
        if self.input_norm is not None:
            x = self.input_norm(x, rows.mask)
        points = rows.pack(points)
        for block in self.blocks:
            x = block(x, rows.graph(points, self.k))
            points = x
        weights = mean_weights(mask.to(x.dtype))
        return self.classifier((weights[..., None] * rows.unpack(x)).sum(1))

    def _features(self, p4: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Kinematic inputs (B, N, F), and the plane (B, N, 2) in which the first block finds neighbours.

        The plane is float64, which keeps equal distances on a grid equal.
        """
        if self.reads_weaver:
            features = kinematic_features(p4, mask)
            return features, features[..., -2:]
        jet = jet_coordinates(p4, mask)
        return self.features(jet), torch.stack([jet.dy, jet.dphi], dim=-1)
