"""Standard frames and resolution, in float64: what makes any network behind them invariant, and what stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.representations.representation import Particles
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.frame import RAPIDITY, TILT, StandardFrame
from hepexp.data.transforms.resolution import Resolution, deviates
from hepexp.errors import ConfigError
from hepexp.models.pfn import PFN
from hepexp.models.transformer import Transformer
from tests.data import small
from tests.data.small import represented
from tests.jets import boost, random_lorentz, rotation

METRIC = np.array([1.0, -1, -1, -1])
MASS = 0.14  # GeV


def jets(n: int = 30) -> Ragged:
    return small.with_momenta(small.cone(n, fewest=4), mass=MASS)


def moved(examples: Ragged, matrix) -> Ragged:
    return replace(examples, elements={**examples.elements, "p4": examples["p4"] @ np.asarray(matrix).T})


def elements_of(frame: str):
    """Transformations under which it is the same jet."""
    g = torch.Generator().manual_seed(3)
    reflection = torch.diag(torch.tensor([1.0, 1, 1, -1], dtype=torch.float64))
    found = [rotation(g), rotation(g), reflection @ rotation(g)]
    along = boost(0.6, torch.tensor([0.0, 0, 1], dtype=torch.float64))
    return found if frame == "rotated" else [*found, along, random_lorentz(0.9, 1), reflection @ random_lorentz(0.6, 2)]


@pytest.mark.parametrize("frame", ["rotated", "boosted"])
def test_a_transformed_jet_has_the_same_momenta_in_its_frame(frame):
    made = StandardFrame(frame)(jets())["p4"]
    for matrix in elements_of(frame):
        again = StandardFrame(frame)(moved(jets(), matrix))["p4"]
        np.testing.assert_allclose(again, made, rtol=0, atol=1e-7 * made.max())


@pytest.mark.parametrize("frame", ["rotated", "boosted"])
@pytest.mark.parametrize("network", [PFN, Transformer])
def test_any_network_behind_it_is_invariant(frame, network):
    torch.manual_seed(0)
    model = network(n_scalars=1, n_classes=2).double().eval()
    behind = Particles().with_transforms(StandardFrame(frame))

    def logits(examples: Ragged) -> torch.Tensor:
        batch: JetBatch = represented(behind, examples)
        return model(batch)

    expected = logits(jets())
    for matrix in elements_of(frame):
        assert_close(logits(moved(jets(), matrix)), expected, rtol=0, atol=1e-6)
    plain = model(represented(Particles(), moved(jets(), elements_of(frame)[0])))
    assert not torch.allclose(plain, model(represented(Particles(), jets())), atol=1e-3)


@pytest.mark.parametrize("frame", ["rotated", "boosted"])
def test_no_invariant_of_a_jet_changes(frame):
    before, after = jets(), StandardFrame(frame)(jets())
    for i in range(len(before)):
        products = [(one.take([i])["p4"] * METRIC) @ one.take([i])["p4"].T for one in (before, after)]
        np.testing.assert_allclose(products[1], products[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("frame", ["rotated", "boosted"])
def test_the_jet_flies_in_a_fixed_direction_and_y_is_its_principal_axis(frame):
    made = StandardFrame(frame)(jets())
    axis, z = np.array([np.cos(TILT), 0, np.sin(TILT)]), np.array([-np.sin(TILT), 0, np.cos(TILT)])
    for i in range(len(made)):
        p4 = made.take([i])["p4"]
        total = p4.sum(0)
        momentum = total[1:] @ axis
        np.testing.assert_allclose(total[1:], momentum * axis, atol=1e-9 * total[0])
        if frame == "boosted":
            assert momentum / total[0] == pytest.approx(np.tanh(RAPIDITY))
        else:
            across = np.stack([p4[:, 2], p4[:, 1:] @ z], 1)
            tensor = (across[:, :, None] * across[:, None] / np.linalg.norm(p4[:, 1:], axis=1)[:, None, None]).sum(0)
            assert tensor[0, 0] >= tensor[1, 1]
            assert abs(tensor[0, 1]) < 1e-9 * tensor[0, 0]


def test_jets_of_one_particle_and_without_mass_are_finite():
    for mass in (0.0, MASS):
        few = small.with_momenta(small.cone(20, fewest=1, most=2), mass=mass)
        for frame in ("rotated", "boosted"):
            assert np.isfinite(StandardFrame(frame)(few)["p4"]).all()


def test_deviates_are_normal_and_a_particle_has_always_the_same():
    p4 = np.random.default_rng(1).normal(size=(50_000, 4))
    g = deviates(p4)
    assert abs(g.mean()) < 0.02
    assert g.std() == pytest.approx(1, abs=0.02)
    assert (g**4).mean() == pytest.approx(3, abs=0.15)
    assert abs(np.corrcoef(g[1:], g[:-1])[0, 1]) < 0.02
    np.testing.assert_array_equal(deviates(p4[::-3]), g[::-3])


def test_resolution_is_that_of_the_momenta_and_keeps_directions_and_masses():
    before, after = jets(400)["p4"], Resolution(0.2)(jets(400))["p4"]
    ratio = np.linalg.norm(after[:, 1:], axis=1) / np.linalg.norm(before[:, 1:], axis=1)
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert ratio.std() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_allclose(after[:, 1:], ratio[:, None] * before[:, 1:])
    np.testing.assert_allclose((after**2) @ METRIC, (before**2) @ METRIC, atol=1e-9 * before.max() ** 2)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"smear": -0.1}, "dataset.smear must be >= 0, got -0.1"),
        ({"smear": 2.0}, "dataset.smear must be <= 1, got 2.0"),
        ({"frame": "rest"}, "dataset.frame must be lab, rotated or boosted, got 'rest'"),
        ({"frame": "boosted", "beams": True}, "dataset.frame=boosted knows no beams, as it is that of the jet"),
    ],
)
def test_keys_without_meaning_are_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        TopTagging(source="mini", seed=1, **keys)


def test_models_get_smeared_jets_in_the_frame_and_observables_do_not(monkeypatch):
    small.use_small_samples(monkeypatch)
    data = TopTagging(source="mini", seed=1, smear=0.1, frame="rotated")
    names = [type(step).__name__ for step in data.representation.transforms]
    at = names.index("Resolution")
    assert names[at - 1 : at + 3] == ["FourMomentumParticles", "Resolution", "StandardFrame", "HardestParticles"]
    assert [type(step).__name__ for step in data.as_particles()] == ["FourMomentumParticles"]
