"""The two-sample test: data of a known symmetry are not told apart from moved ones, others are."""

import numpy as np
import pytest

from hepexp.check.groups import GROUPS
from hepexp.check.invariance import invariance
from hepexp.check.two_sample import TwoSampleTest, told_apart
from hepexp.cli.data_options import composed
from hepexp.config.build import construct
from hepexp.errors import ConfigError

METRIC = np.diag([1.0, -1.0, -1.0, -1.0])


def examined(name: str, group: str, *keys: str):
    return invariance(construct(composed(name, keys, []), "dataset", seed=1), group, n=600, rapidity=0.8, seed=1)[0]


@pytest.mark.parametrize("name", ["so2", "so3", "boosts_z", "so13"])
def test_elements_keep_invariant_masses(name):
    x, random = np.random.default_rng(0).normal(size=(50, 2, 4)), np.random.default_rng(1)
    moved = GROUPS[name].moves[4](x, 0.5, random)
    before, after = (np.einsum("nki,ij,nlj->nkl", some, METRIC, some) for some in (x, moved))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-10)
    assert np.abs(moved - x).max() > 0.1


@pytest.mark.parametrize(("group", "kept"), [("so2", [0, 3]), ("so3", [0]), ("boosts_z", [1, 2])])
def test_elements_leave_alone_what_is_not_theirs(group, kept):
    x = np.random.default_rng(0).normal(size=(50, 2, 4))
    moved = GROUPS[group].moves[4](x, 0.5, np.random.default_rng(1))
    np.testing.assert_allclose(moved[..., kept], x[..., kept], rtol=0, atol=0)


def test_rings_are_invariant_under_rotations():
    assert examined("rotated_points", "so2").p > 0.05


def test_what_has_no_symmetry_is_told_apart():
    found = examined("four_vectors", "so3", "data.classes=[none_near,none_far]")
    assert found.p < 0.05
    assert found.auc > 0.9
    assert found.distance > 0.6


def test_the_p_value_of_equal_distributions_is_uniform():
    random = np.random.default_rng(0)
    p = [told_apart(random.normal(size=(80, 2)), np.arange(80) % 2 == 1, seed).p for seed in range(6)]
    assert min(p) > 1 / 31
    assert max(p) > 0.4


@pytest.mark.parametrize(
    ("name", "group", "said"),
    [
        ("rotated_points", "so13", "--group so13 does not act on the vectors of 2 components of rotated_points"),
        ("electron_photon", "so3", "--group so3 does not act on the images of electron_photon; expected one of c4, d4"),
    ],
)
def test_a_group_that_does_not_act_is_named(name, group, said):
    with pytest.raises(ConfigError) as error:
        examined(name, group)
    assert said in str(error.value)


def test_the_distance_of_equal_distributions_is_zero_within_its_confidence():
    random = np.random.default_rng(0)
    found = [told_apart(random.normal(size=(80, 2)), np.arange(80) % 2 == 1, seed).distance for seed in range(6)]
    assert sum(one > 0 for one in found) <= 1  # 5 % of them are expected above


def test_the_distance_is_below_the_accuracy_by_its_error():
    found = TwoSampleTest(auc=0.8, accuracy=0.75, n=400, null_auc=np.full(30, 0.5), null_accuracy=np.full(30, 0.5))
    assert found.distance == pytest.approx(2 * (0.75 - 1.645 * (0.75 * 0.25 / 400) ** 0.5) - 1, abs=0.01)
