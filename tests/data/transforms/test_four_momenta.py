"""What a model reads of each particle."""

import re

import numpy as np
import pytest

from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.representations.representation import Particles
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.four_momenta import FourMomentumParticles, JetClassParticles, PdgParticles, psi
from hepexp.data.transforms.particle_selection import HardestParticles, WithBeams
from hepexp.errors import ConfigError
from tests.data import small


def test_the_hardest_particles_are_kept_in_their_order():
    jets = small.with_momenta(small.cone(40))
    kept = HardestParticles(5)(jets)
    for i in range(len(jets)):
        pt = np.hypot(*jets.take([i])["p4"].T[1:3])
        expected = sorted(np.argsort(-pt)[:5])
        assert kept.take([i])["scalars"][:, 0].tolist() == expected
    assert HardestParticles(None)(jets) is jets


def test_two_beams_come_before_the_particles_of_each_jet():
    jets = FourMomentumParticles("E")(small.top(20))
    extended = WithBeams()(jets)
    np.testing.assert_array_equal(extended.counts, jets.counts + 2)
    for i in range(len(jets)):
        before, after = jets.take([i]), extended.take([i])
        np.testing.assert_array_equal(after["p4"][2:], before["p4"])
        np.testing.assert_array_equal(after["scalars"][2:], before["scalars"])
        np.testing.assert_allclose(after["p4"][:2], [[2**0.5, 0, 0, 1], [2**0.5, 0, 0, -1]])
        np.testing.assert_allclose(after["scalars"][:2], [[0, np.log(2)]] * 2, rtol=1e-6)


def test_beams_have_mass_one_and_no_momentum_together():
    beams = WithBeams()(FourMomentumParticles("E")(small.top(1)))["p4"][:2]
    np.testing.assert_allclose(beams[:, 0] ** 2 - (beams[:, 1:] ** 2).sum(1), 1)
    np.testing.assert_array_equal(beams.sum(0)[1:], 0)


def test_the_scalar_of_a_four_momentum_is_its_mass_whatever_the_sign_of_its_square():
    columns = {"E": [5.0, 3.0], "px": [3.0, 5.0], "py": [0.0, 0.0], "pz": [0.0, 0.0]}
    jets = Ragged(np.zeros(1, np.int8), offsets_of(np.array([2])), {k: np.array(v) for k, v in columns.items()})
    np.testing.assert_allclose(FourMomentumParticles("E")(jets)["scalars"], [[np.log(5), 0], [np.log(5), 0]], rtol=1e-6)


def test_psi_is_odd_and_logarithmic():
    z = np.array([-10.0, -1e-9, 0.0, 1e-9, np.e - 1])
    np.testing.assert_allclose(psi(z), -psi(-z))
    assert psi(z)[-1] == pytest.approx(1)


@pytest.mark.parametrize(("scalars", "width"), [("full", 10), ("kinpid", 6), ("kin", 1)])
def test_identified_particles(scalars: str, width: int):
    jets = small.jetclass(20)
    read = JetClassParticles(scalars)(jets)
    assert read["scalars"].shape == (len(jets["px"]), width)
    np.testing.assert_array_equal(read["p4"][:, 0], jets["energy"])
    assert len(JetClassParticles(scalars).scalar_names) == (0 if scalars == "kin" else width)
    if scalars != "kin":
        np.testing.assert_array_equal(read["scalars"][:, 0], jets["charge"])
        np.testing.assert_array_equal(read["scalars"][:, 1:6].argmax(1), jets["type"])
        assert (read["scalars"][:, 1:6].sum(1) == 1).all()
    if scalars == "full":
        np.testing.assert_allclose(np.arctanh(read["scalars"][:, 6].astype(float)), jets["d0val"], atol=1e-4)
        assert (read["scalars"][:, [7, 9]] <= 1).all()


def test_types_of_pdg_numbers_are_those_of_jetclass():
    pdgid = np.array([211, -321, 2112, 130, 22, -11, 13])
    jets = Ragged(
        np.zeros(1, np.int8),
        offsets_of(np.array([7])),
        {"pdgid": pdgid, **dict.fromkeys(("pt", "y", "phi"), np.ones(7))},
    )
    scalars = PdgParticles(pid=True, scalars="kinpid")(jets)["scalars"]
    np.testing.assert_array_equal(scalars[:, 0], [1, -1, 0, 0, 0, 1, -1])
    np.testing.assert_array_equal(scalars[:, 1:], np.eye(5)[[0, 0, 1, 1, 2, 3, 4]])
    assert PdgParticles(pid=True, scalars="kinpid").scalar_names == JetClassParticles("kinpid").scalar_names
    for names, given in (("pid", True), ("mass_charge", True), ("kin", True), ("pid", False)):
        made = PdgParticles(pid=given, scalars=names)
        n_named = 0 if names == "kin" or not given else made(jets)["scalars"].shape[1]
        assert len(made.scalar_names) == n_named


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: JetClassParticles("all"), r"dataset.scalars: expected one of full, kinpid, kin, got 'all'"),
        (
            lambda: PdgParticles(pid=True, scalars="full"),
            "dataset.scalars=full needs the charge, type and impact parameters of each particle with their errors; "
            "this data set has no impact parameters; expected one of pid, mass_charge, kin, kinpid",
        ),
        (lambda: PdgParticles(pid=False, scalars="kinpid"), "which dataset.pid=false leaves out"),
        (
            lambda: FourMomentumParticles("E", "kinpid"),
            "kinpid needs the charge and type of each particle; this data set has no particle types",
        ),
        (
            lambda: TopTagging(source="mini", seed=1, beams=True, scalars="kin"),
            "dataset.beams=true needs dataset.scalars=mass",
        ),
    ],
)
def test_scalars_that_the_data_lack_are_refused_and_what_lacks_is_said(make, said: str):
    with pytest.raises(ConfigError, match=re.escape(said)):
        make()


@pytest.mark.parametrize(("n", "beams", "longest"), [(None, [], None), (3, [], 3), (3, [WithBeams()], 5)])
def test_the_largest_multiplicity_follows_from_the_transforms(n: int | None, beams: list, longest: int | None):
    jets = small.top(20)
    particles = Particles().with_transforms(FourMomentumParticles("E"), HardestParticles(n), *beams)
    assert particles.longest == longest
    assert particles.prepare(jets).counts.max() == (longest or jets.counts.max())
