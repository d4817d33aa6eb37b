"""Flow matching of showers: sizes of its networks, what each stage may see, and conditions."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.calo_flow_matching import CaloFlowMatching
from tests.devices import on_one_device

N_LAYERS, N_CELLS = 3, 20
DATA = {
    "n_features": N_LAYERS + N_CELLS,
    "feature_sizes": (N_LAYERS, N_CELLS),
    "n_classes": 2,
    "n_extras": 2,
    "extra_names": ("overflow_0", "energy"),
    "extra_scales": ((0.0, 1.0), (50.0, 25.0)),
}


def flow(**keys) -> CaloFlowMatching:
    torch.manual_seed(1)
    return CaloFlowMatching(**{"widths": [8, 16], "n_blocks": 2, **DATA, **keys}).double()


def showers(n: int) -> FeatureBatch:
    g = torch.Generator().manual_seed(0)
    features = torch.randn(n, N_LAYERS + N_CELLS, generator=g, dtype=torch.float64)
    extras = torch.randn(n, 2, generator=g, dtype=torch.float64).clamp(min=-1.9)
    return FeatureBatch(label=torch.arange(n) % 2, index=torch.arange(n), extras=extras, features=features)


def times(n: int) -> torch.Tensor:
    return torch.linspace(0, 1, n, dtype=torch.float64)


def test_it_has_the_parameters_of_its_layers():
    """Of n features of width w: embedding, two layers of the context, blocks of a norm, three matrices and two biases,
    a norm and the head; twelve features of the time, two classes, two variables, and ln E."""
    context = 12 + 2 + 2 + 1
    expected = 0
    for n, before, w in ((N_LAYERS, 0, 8), (N_CELLS, N_LAYERS, 16)):
        c = context + before
        expected += (n + c + 1) * w + (c + 1) * w + (w + 1) * w + 2 * (2 * w + 3 * w * w + 2 * w) + 2 * w + (w + 1) * n
    assert sum(p.numel() for p in flow().parameters()) == expected


def test_stages_together_are_the_stages_one_by_one():
    model, batch, t = flow(), showers(5), times(5)
    parts = [model(batch, t, stage) for stage in (0, 1)]
    assert [part.shape[1] for part in parts] == [N_LAYERS, N_CELLS]
    assert_close(model(batch, t), torch.cat(parts, 1), rtol=0, atol=1e-12)
    assert_close(model(batch), model(batch, torch.zeros(5)), rtol=0, atol=0)


def test_layers_depend_on_no_cell_and_cells_on_all_layers():
    model, batch, t = flow(), showers(5), times(5)
    batch.features.requires_grad_()
    (by_layers,) = torch.autograd.grad(model(batch, t, 0).sum(), batch.features)
    assert not by_layers[:, N_LAYERS:].any()
    (by_cells,) = torch.autograd.grad(model(batch, t, 1).square().sum(), batch.features)
    assert by_cells.abs().min() > 0


def test_a_shower_does_not_depend_on_others():
    model, batch, t = flow().eval(), showers(6), times(6)
    alone = replace(batch, features=batch.features[2:3], extras=batch.extras[2:3], label=batch.label[2:3])
    assert_close(model(alone, t[2:3]), model(batch, t)[2:3], rtol=0, atol=1e-12)


def test_it_depends_on_time_energy_and_class():
    model, batch, t = flow(), showers(6), times(6)
    expected = model(batch, t)
    for other, at in (
        (batch, t + 0.1),
        (replace(batch, label=1 - batch.label), t),
        (replace(batch, extras=batch.extras + torch.tensor([0.0, 0.5])), t),
    ):
        for part in (slice(0, N_LAYERS), slice(N_LAYERS, None)):
            assert (model(other, at) - expected)[:, part].abs().max() > 1e-6


def test_gradients_reach_every_parameter_and_are_finite_at_the_lowest_energy():
    model, batch = flow(), showers(6)
    batch.extras[0, 1] = -10.0  # below zero GeV
    model(batch, times(6)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_it_never_waits_for_the_device():
    model, batch = flow().float().to("meta"), showers(4).to("meta")
    t = torch.zeros(4, device="meta")
    with on_one_device():
        model(batch, t).sum().backward()


def test_one_width_serves_all_stages():
    model = flow(widths=[8])
    assert [network.norm.normalized_shape for network in model.networks] == [(8,), (8,)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"widths": [8, 8, 8]}, r"model.widths must be one width, or 2, one for each of data.features.variables, got"),
        ({"widths": [8, 0]}, r"model.widths\[1\] must be > 0, got 0"),
        ({"widths": []}, r"model.widths must be one width, or 2"),
        ({"n_blocks": 0}, "model.n_blocks must be > 0, got 0"),
        (
            {"extra_names": ("a", "b")},
            r"needs the energy of the particle: set 'data.extras=\[energy\]', got \['a', 'b'\]",
        ),
    ],
)
def test_what_it_cannot_be_built_for_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        flow(**keys)
