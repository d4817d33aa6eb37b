"""Particles that are found as they are give no loss and no fakes; jets and missing momentum add up."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hepexp.data.datasets.particle_flow import info
from hepexp.data.datasets.particle_flow.info import PIDS
from hepexp.data.datasets.particle_flow.module import NAMES, ParticleFlow
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.particle_flow import PARTICLES
from hepexp.evaluation.plots import particle_flow as plots
from hepexp.losses.particle_flow import ENERGY_UNIT, ParticleFlowLoss
from hepexp.models.layers import flow_elements
from hepexp.models.layers.flow_elements import FEATURES, N_LOGITS
from hepexp.models.particle_flow_baseline import ParticleFlowBaseline


class Given(nn.Module):
    """The truth, after a change of its columns."""

    def __init__(self, change: Callable[[torch.Tensor], None] = lambda outputs: None) -> None:
        super().__init__()
        self.change, self.sure = change, nn.Parameter(torch.tensor(50.0))

    def forward(self, batch) -> torch.Tensor:
        charge, pt, eta, phi, energy = batch.element_target.double().unbind(-1)
        logits = self.sure * nn.functional.one_hot(batch.element_label[..., 0].clamp(min=0), N_LOGITS)
        outputs = torch.cat([logits, torch.stack([charge, pt, eta, phi.sin(), phi.cos(), energy], -1)], -1)
        self.change(outputs)
        return outputs


@pytest.fixture(scope="module")
def data() -> ParticleFlow:
    made = ParticleFlow(source="mini", batch_size=10, n_train=10, n_val=2, n_test=10, seed=0)
    made.setup()
    return made


def outputs(model: nn.Module, batch) -> dict[str, np.ndarray]:
    with torch.no_grad():
        _, found = ParticleFlowLoss().eval().terms(model, batch)
    named = {name: values.numpy() for name, values in found.items()}
    named |= {"index": batch.index.numpy(), "label": batch.label.numpy()}
    return named | ParticleFlowLoss().of_test(named)


@pytest.fixture(scope="module")
def batch(data: ParticleFlow):
    made = next(iter(data.loader_of("test")))
    made.index = torch.arange(len(made))  # as outputs are sorted
    return made


def test_the_names_are_those_of_the_data_set():
    assert NAMES == FEATURES
    assert PIDS[1:] == PARTICLES
    assert tuple(name.replace("_", " ") for name in PIDS) == plots.NAMES
    for name in PIDS:
        assert getattr(info, name.upper()) == getattr(flow_elements, name.upper()) == PIDS.index(name)


def test_the_truth_has_no_loss_and_no_fakes(batch):
    pytest.importorskip("fastjet")
    judged = outputs(Given(), batch)
    assert judged["loss"].max() < 1e-8
    found = ParticleFlowLoss.evaluator.final(judged, 0)
    assert found["particle_accuracy"] == found["jet_efficiency"] == found["missing_response"] == 1
    for name in PARTICLES:
        assert found[f"particle_efficiency_{name}"] == 1
        assert found[f"fake_rate_{name}"] == 0
        for what in ("pt", "energy"):
            assert found[f"{what}_response_{name}"] == pytest.approx(1, abs=1e-6)
            assert found[f"{what}_resolution_{name}"] == pytest.approx(0, abs=1e-6)
    assert found["jet_response"] == pytest.approx(1, abs=1e-5)


def test_a_scale_of_all_momenta_is_the_response(batch):
    pytest.importorskip("fastjet")

    def scaled(made: torch.Tensor) -> None:
        made[..., N_LOGITS + 1] *= 1.1  # pT
        made[..., -1] *= 0.9  # E

    found = ParticleFlowLoss.evaluator.final(outputs(Given(scaled), batch), 0)
    assert found["pt_response_photon"] == pytest.approx(1.1, rel=1e-6)
    assert found["energy_response_photon"] == pytest.approx(0.9, rel=1e-6)
    assert found["jet_response"] == pytest.approx(1.1, rel=1e-5)
    assert found["missing_response"] == pytest.approx(1.1, rel=1e-6)


def test_the_loss_is_the_published_sum(batch):
    def wrong(made: torch.Tensor) -> None:
        made[..., :N_LOGITS] = 0
        made[..., N_LOGITS] += 2
        made[..., N_LOGITS + 1] += 3
        made[..., -1] += ENERGY_UNIT

    terms, _ = ParticleFlowLoss(regression=0.5, charge=0.25).terms(Given(wrong), batch)
    assert terms["classification"].item() == pytest.approx(np.log(6))
    assert terms["loss"].item() == pytest.approx(np.log(6) + 0.5 * (9 + 1) + 0.25 * 4)


def test_empty_elements_that_are_taken_for_photons_are_fakes(batch):
    def fakes(made: torch.Tensor) -> None:
        empty = batch.mask & (batch.element_label[..., 0] == 0)
        made[empty] = 0
        made[..., 3][empty] = 50
        made[..., N_LOGITS + 1][empty] = 5
        made[..., N_LOGITS + 4][empty] = 1

    found = ParticleFlowLoss.evaluator.final(outputs(Given(fakes), batch), 0)
    label = batch.element_label[..., 0][batch.mask]
    empty, photons = int((label == 0).sum()), int((label == 3).sum())
    assert found["empty_fake_rate_photon"] == found["fake_rate_photon"] == pytest.approx(empty / (empty + photons))
    assert found["particle_efficiency_photon"] == 1
    assert found["particle_accuracy"] == pytest.approx(1 - empty / len(label))


def test_predictions_need_no_truth(batch):
    model = ParticleFlowBaseline(scalar_names=FEATURES)
    without = replace(batch, element_label=None, element_target=None)
    found, judged = ParticleFlowLoss().outputs(model, without), outputs(model, batch)
    for name, values in found.items():
        np.testing.assert_array_equal(values, judged[name])


def test_elements_of_unknown_particles_do_not_count(batch):
    pytest.importorskip("fastjet")

    def doubled(made: torch.Tensor) -> None:
        made[..., N_LOGITS + 1][unknown] *= 2  # pT
        made[..., 1][unknown] = 99

    label = batch.element_label.clone()
    unknown = torch.zeros_like(batch.mask)
    unknown[:, ::2] = batch.mask[:, ::2]
    label[unknown] = -1
    some = replace(batch, element_label=label)
    judged = outputs(Given(doubled), some)
    found = ParticleFlowLoss.evaluator.final(judged, 0)
    assert found["particle_accuracy"] == found["jet_efficiency"] == 1
    assert found["jet_response"] == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(judged["missing"][:, 1], judged["missing"][:, 0], atol=1e-9)


def test_missing_momentum_is_opposite_to_what_is_there(batch):
    """Particles of 30 GeV along x and 40 GeV along y, of which the second is found along -y; and an element of none."""
    label = torch.tensor([[[1], [3], [0]]])
    target = torch.tensor([[[0, 30, 0.5, 0, 40], [0, 40, 0.1, np.pi / 2, 50], [0, 0, 0, 0, 0]]], dtype=torch.float64)

    def turned(made: torch.Tensor) -> None:
        made[0, 1, N_LOGITS + 3] *= -1  # sin phi

    one = replace(
        batch,
        **{name: values[:1] for name, values in batch.tensors().items()}
        | {"element_label": label, "element_target": target, "mask": batch.mask[:1, :3]},
    )
    with torch.no_grad():
        _, judged = ParticleFlowLoss().eval().terms(Given(turned), one)
    np.testing.assert_allclose(judged["missing"], [[[-30, -40], [-30, 40]]], atol=1e-9)


def test_a_class_without_elements_has_no_figures(batch):
    few = replace(batch, element_label=torch.where(batch.element_label == info.MUON, 0, batch.element_label))
    found = ParticleFlowLoss.evaluator.final(outputs(Given(), few), 0)
    for name in ("particle_efficiency", "fake_rate", "pt_response", "energy_resolution"):
        assert found[f"{name}_muon"] is None or np.isnan(found[f"{name}_muon"])
        assert np.isfinite(found[f"{name}_photon"])


def test_jets_wait_for_the_test(batch):
    with torch.no_grad():
        _, found = ParticleFlowLoss().eval().terms(Given(), batch)
    assert "jets" not in found
    named = {name: values.numpy() for name, values in found.items()}
    quick = ParticleFlowLoss.evaluator.quick(named | {"index": batch.index.numpy(), "label": batch.label.numpy()})
    assert quick["particle_accuracy"] == 1


def test_the_gallery_is_the_first_event(batch):
    seen = []

    class Watched(Given):
        def forward(self, batch) -> torch.Tensor:
            seen.append(len(batch))
            return super().forward(batch)

    with torch.no_grad():
        shown = ParticleFlowLoss().gallery(Watched(), batch)
    assert seen == [1]
    own = batch.mask[0]
    there = batch.element_label[0, own, 0] > 0
    torch.testing.assert_close(shown["found"][there].double(), shown["particles"][there].double(), atol=1e-6, rtol=0)
    x = dict(zip(FEATURES, batch.scalars[0, own].T, strict=True))
    kind = 1 * x["is_track"] + 2 * (x["em"] > 0) + 3 * (x["had"] > 0)
    torch.testing.assert_close(shown["elements"][:, :3], torch.stack([kind, x["pt"], x["eta"]], 1))


def test_an_event_without_known_particles_has_no_loss(data):
    batch = data.typical_example()
    batch.element_label = torch.full_like(batch.element_label, -1)
    terms, _ = ParticleFlowLoss().terms(Given(), batch)
    assert terms["loss"].item() == 0


def test_what_it_cannot_be_is_one_line(data):
    for keys, message in (
        ({"regression": -1.0}, r"loss.regression must be >= 0 and finite, got -1.0"),
        ({"charge": float("inf")}, r"loss.charge must be >= 0 and finite, got inf"),
    ):
        with pytest.raises(ConfigError, match=message):
            ParticleFlowLoss(**keys)
    other = ParticleFlow(source="mini", element_targets=["target_pt"], seed=0)
    with pytest.raises(ConfigError, match=r"needs dataset.element_targets=\[target_pid.*got \[target_pt\]"):
        ParticleFlowLoss().check_names(other.names)

    class Narrow(nn.Module):
        def forward(self, batch) -> torch.Tensor:
            return torch.zeros(*batch.mask.shape, 3)

    with pytest.raises(ConfigError, match=r"loss=particle_flow needs a row of 12 outputs for each element; Narrow"):
        ParticleFlowLoss().prepare(Narrow(), data.typical_example(), data.spec)
    with pytest.raises(ConfigError, match=r"model=particle_flow_baseline needs tracks and towers"):
        ParticleFlowBaseline(scalar_names=("a",))
