"""Tracks and towers by hand: what a tower has more than its tracks is neutral."""

import math

import pytest
import torch

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers import flow_elements as flow
from hepexp.models.layers.flow_elements import FEATURES, divided
from hepexp.models.particle_flow_baseline import ParticleFlowBaseline


def element(**of: float) -> list[float]:
    phi, phi_out = of.pop("phi", 0.0), of.pop("phi_out", 0.0)
    of |= {"sin_phi": math.sin(phi), "cos_phi": math.cos(phi)}
    if of.get("is_track"):
        of |= {"sin_phi_out": math.sin(phi_out), "cos_phi_out": math.cos(phi_out)}
    return [of.get(name, 0.0) for name in FEATURES]


def track(p: float, eta: float, phi: float, phi_out: float, charge: float = 1.0) -> list[float]:
    return element(
        is_track=1, pt=p / math.cosh(eta), eta=eta, phi=phi, energy=p, eta_out=eta, phi_out=phi_out, charge=charge
    )


def tower(energy: float, eta: float, phi: float, em: bool) -> list[float]:
    of = {"em": energy} if em else {"had": energy}
    return element(is_tower=1, pt=energy / math.cosh(eta), eta=eta, phi=phi, energy=energy, **of)


EVENT = [
    track(50, 0.5, 0.2, 0.1),  # a hadron, with a neutral one in the same cell
    tower(100, 0.52, 0.08, em=False),
    track(50, -0.5, 0.2, 0.1),  # a hadron alone
    tower(55, -0.52, 0.08, em=False),
    track(30, 0.0, 3.0, 3.1, charge=-1),  # an electron, beyond the end of the circle
    tower(31, 0.003, -3.1815, em=True),
    track(80, 1.0, 1.0, 1.0),  # a muon
    tower(20, -1.0, 2.0, em=True),  # a photon
    tower(15, -1.0, 2.5, em=False),  # a neutral hadron
    track(5, 2.0, 2.0, 2.3),  # a hadron that no tower says anything of
]


def batch(rows: list[list[float]]) -> JetBatch:
    scalars = torch.tensor([rows], dtype=torch.float64)
    n = len(rows)
    return JetBatch(
        label=torch.zeros(1, dtype=torch.long),
        index=torch.zeros(1, dtype=torch.long),
        extras=torch.zeros(1, 0),
        p4=torch.zeros(1, n, 4),
        scalars=scalars,
        mask=torch.ones(1, n, dtype=torch.bool),
    )


def test_towers_have_what_their_tracks_leave():
    logits, charge, momentum = divided(ParticleFlowBaseline(scalar_names=FEATURES)(batch(EVENT))[0])
    expected = [
        *(flow.CHARGED_HADRON, flow.NEUTRAL_HADRON, flow.CHARGED_HADRON, flow.NONE),
        *(flow.ELECTRON, flow.NONE, flow.MUON, flow.PHOTON, flow.NEUTRAL_HADRON, flow.CHARGED_HADRON),
    ]
    assert logits.argmax(-1).tolist() == expected
    assert charge.tolist() == [1, 0, 1, 0, -1, 0, 1, 0, 0, 1]
    energy = momentum[:, -1]
    torch.testing.assert_close(energy[[0, 1, 7, 8]], torch.tensor([50.0, 50.0, 20.0, 15.0]))
    torch.testing.assert_close(momentum[:, 0] * momentum[:, 1].cosh(), energy)


def test_commutes_with_permutations_and_ignores_padding():
    model, order = ParticleFlowBaseline(scalar_names=FEATURES), torch.randperm(len(EVENT))
    before = model(batch(EVENT))
    moved = batch([EVENT[i] for i in order])
    torch.testing.assert_close(model(moved), before[:, order])
    padded = batch([*EVENT, [0.0] * len(FEATURES)])
    padded.mask[:, -1] = False
    torch.testing.assert_close(model(padded)[:, :-1], before)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"excess": 0.0}, r"model.excess must be > 0, got 0.0"),
        ({"hcal": (0.1, 0.0)}, r"model.hcal must be two numbers > 0 and < 1, got \[0.1, 0.0\]"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ParticleFlowBaseline(**keys, scalar_names=FEATURES)
