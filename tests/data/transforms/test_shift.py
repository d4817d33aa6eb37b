"""Systematic shifts: scales, resolutions and efficiencies that are known, and the same noise each time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.four_momenta import FourMomentumParticles
from hepexp.data.transforms.shift import Shift
from hepexp.errors import ConfigError


def jets(n=2000, seed=1) -> Ragged:
    """Jets of 1 to 30 particles with mass."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 31, n)
    p = rng.normal(size=(counts.sum(), 3)) * 20
    energy = np.sqrt((p**2).sum(1) + rng.uniform(0, 4, len(p)))
    columns = {"E": energy, **{f"p{axis}": p[:, k] for k, axis in enumerate("xyz")}}
    return Ragged(np.zeros(n, np.int64), offsets_of(counts), columns, {"jet_pt": rng.uniform(500, 600, n)})


def test_a_scale_of_the_momenta_scales_the_mass_and_the_scalar_that_holds_it():
    inputs = FourMomentumParticles("E", "mass")
    before = inputs(jets())
    after = Shift("p4", "scale", 1.02).of_momenta(inputs.mass_scalar)(before)
    assert_allclose(after["p4"], 1.02 * before["p4"], rtol=1e-14)
    stretched = {name: 1.02 * column for name, column in jets().elements.items()}
    expected = inputs(Ragged(before.label, before.offsets, stretched, {}))
    assert_allclose(after["scalars"], expected["scalars"], rtol=1e-5, atol=1e-6)


def test_a_fraction_of_the_particles_is_dropped_and_each_jet_keeps_one():
    before = FourMomentumParticles("E")(jets())
    after = Shift("p4", "drop", 0.3).of_momenta(0)(before)
    lost = 1 - len(after["p4"]) / len(before["p4"])
    assert lost == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / len(before["p4"])))
    most = Shift("p4", "drop", 0.99).of_momenta(0)(before)
    assert most.counts.min() == 1
    alone = most.counts == 1
    hardest = [np.hypot(*before["p4"][slice(*before.offsets[k : k + 2]), 1:3].T).max() for k in np.flatnonzero(alone)]
    left = np.hypot(*most["p4"][most.offsets[:-1][alone], 1:3].T)
    assert np.mean(left == hardest) > 0.75  # others are the only ones that were seen


def test_a_stored_column_is_scaled_moved_and_smeared_and_no_other():
    before = jets()
    assert_allclose(Shift("E", "scale", 0.99)(before)["E"], 0.99 * before["E"])
    assert_allclose(Shift("jet_pt", "add", 5)(before).extras["jet_pt"], before.extras["jet_pt"] + 5)
    smeared = Shift("px", "smear", 0.1)(before)
    ratio = smeared["px"] / before["px"]
    n = len(ratio)
    assert ratio.mean() == pytest.approx(1, abs=4 * 0.1 / np.sqrt(n))
    assert ratio.std() == pytest.approx(np.sqrt(np.expm1(0.01)), rel=4 / np.sqrt(2 * n))
    assert_array_equal(smeared["py"], before["py"])
    half = before.take(np.arange(1000))
    assert_array_equal(Shift("px", "smear", 0.1)(half)["px"], smeared["px"][: len(half["px"])])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p4.scale", "expected COLUMN.OPERATION=VALUE or =UP,DOWN, such as p4.scale=1.01,0.99"),
        ("p4.scale=up", "expected COLUMN.OPERATION=VALUE"),
        ("p4.scale=nan", "expected COLUMN.OPERATION=VALUE"),
        ("scale=1.01", "expected COLUMN.OPERATION=VALUE"),
        ("p4.scale=1,2,3", "expected one value, or one up and one down"),
        ("p4.scal=1.01", r"unknown operation 'scal'; did you mean scale\?"),
        ("p4.scale=0", "the value must be between 0.001 and 1000"),
        ("p4.smear=2", "the value must be between 0 and 1"),
        ("p4.add=1", "nothing is added to them"),
        ("d0val.drop=0.1", "only particles are dropped: p4.drop=0.1"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        Shift.read(text)


def test_a_column_that_is_not_there_is_refused_with_the_closest():
    with pytest.raises(ConfigError, match=r"has no column 'd0va'; did you mean d0val\? \(known: p4, d0val\)"):
        Shift("d0va", "scale", 1.1).check(["p4", "d0val"])
    assert [str(one) for one in Shift.read("p4.scale=1.01,0.99")] == ["p4.scale=1.01", "p4.scale=0.99"]
