"""The modules of weaver-core as models of our batches, with the weights of ours: references for speed and agreement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.layers.kinematic_features import kinematic_features
from hepexp.models.particle_net import ParticleNet
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.weaver_layout import PARTICLE_NET, PARTICLE_TRANSFORMER, WeaverLayout


class _Weaver(nn.Module):
    """A module of weaver, its weights taken from our model through the names that it gives them."""

    def __init__(self, module: nn.Module, ours: nn.Module, layout: WeaverLayout):
        super().__init__()
        self.mod = module
        state = ours.state_dict()
        module.load_state_dict(
            {key: state[layout.name(key)].view_as(value) for key, value in module.state_dict().items()}
        )

    def inputs(self, batch: JetBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, 7, N), momenta (B, 4, N) as (px, py, pz, E), and mask (B, 1, N)."""
        mask, dtype = batch.mask, next(self.parameters()).dtype
        x = torch.where(mask[..., None], kinematic_features(batch.p4, mask), 0).to(dtype)
        return x.mT, batch.p4.roll(-1, dims=-1).mT.to(dtype), mask[:, None]


class WeaverParticleTransformer(_Weaver):
    """ParticleTransformer as configured by its authors, of the size of our model."""

    def __init__(self, ours: ParticleTransformer):
        from weaver.nn.model.ParticleTransformer import ParticleTransformer as Module

        pairs = [layer for layer in ours.pair_embed.embed if isinstance(layer, nn.Linear)]
        module = Module(
            ours.embed.input_bn.num_features,
            ours.fc[0].out_features,
            num_layers=len(ours.blocks),
            num_cls_layers=len(ours.cls_blocks),
            num_heads=ours.blocks[0].attn.n_heads,
            embed_dims=[layer.out_features for layer in ours.embed.embed if isinstance(layer, nn.Linear)],
            pair_embed_dims=[layer.out_features for layer in pairs[:-1]],
            use_pre_activation_pair=False,
            trim=False,
        )
        super().__init__(module, ours, PARTICLE_TRANSFORMER)

    def forward(self, batch: JetBatch) -> Tensor:
        return self.mod(*self.inputs(batch))


class WeaverParticleNet(_Weaver):
    """ParticleNet as configured by its authors, of the size of our model."""

    def __init__(self, ours: ParticleNet):
        from weaver.nn.model.ParticleNet import ParticleNet as Module

        assert ours.input_norm is not None  # as variant=weaver has
        hidden, _, dropout, out = ours.classifier
        convs = [(ours.k, tuple(layer.out_features for layer in block.linears)) for block in ours.blocks]
        module = Module(
            ours.input_norm.num_features,
            out.out_features,
            convs,
            [(hidden.out_features, dropout.p)],
            use_fusion=False,
            use_counts=True,
            trim=False,
        )
        super().__init__(module, ours, PARTICLE_NET)

    def forward(self, batch: JetBatch) -> Tensor:
        x, _, mask = self.inputs(batch)
        return self.mod(x[:, -2:], x, mask)
