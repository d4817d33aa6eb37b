"""What the evaluator of generators says of a symmetry and of what is none."""

import numpy as np
import pytest

from hepexp.data.datasets.rotated_points.generate import CLASSES, make_block
from hepexp.evaluation.evaluators.symmetry import SymmetryEvaluator
from hepexp.symmetry.algebra import so2, so3, so13
from hepexp.symmetry.mismatch import Mismatch

N = 800


def rings(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 1, 2) of both classes, and their labels."""
    blocks = [make_block(kind, 7, 0, n // 2) for kind in CLASSES]
    points = np.concatenate([np.stack([block["x"], block["y"]], 1) for block in blocks])
    return points[:, None].astype(np.float64), np.repeat([0, 1], n // 2)


def turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    g = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    return np.einsum("bij,bkj->bki", g, points)


def outputs(generators: np.ndarray, moved: np.ndarray | None = None) -> dict[str, np.ndarray]:
    points, label = rings()
    moved = points if moved is None else moved
    score = np.linspace(-1, 1, N)
    return {
        "index": np.arange(N),
        "label": label,
        "loss": np.ones(N),
        "vectors": points,
        "transformed": moved,
        "logit": score,
        "transformed_logit": score,
        "model/generators": generators,
    }


def test_rotations_are_no_mismatch_and_dilations_are():
    points, label = rings()
    rng = np.random.default_rng(0)
    z = rng.normal(size=N)
    rotated = Mismatch(points, turned(points, z), label)
    spread = np.std([rotated.value(np.bincount(rng.integers(0, N, N), minlength=N)) for _ in range(30)])
    assert abs(rotated.value()) < 5 * spread
    assert Mismatch(points, points * np.exp(z)[:, None, None], label).value() > 10 * spread


def test_the_mismatch_is_without_dimension_and_sees_the_label():
    points, label = rings()
    moved = points * 1.2
    once = Mismatch(points, moved, label).value()
    assert Mismatch(1000 * points, 1000 * moved, label).value() == pytest.approx(once)
    # the classes exchanged: as a whole nothing has changed
    swapped = np.roll(points, N // 2, axis=0)
    assert Mismatch(points, swapped, label).value() > 10 * abs(Mismatch(points, swapped, 0 * label).value())


def test_a_mismatch_of_two_points_is_that_of_its_definition():
    x, moved = np.array([[[0.0]], [[2.0]]]), np.array([[[5.0]], [[6.0]]])
    # 2 E|x - g x'| = 6 + 3, E|x - x'| = 2, E|g x - g x'| = 1, E|x| = 1, E|g x - x|^2 = (25 + 16) / 2
    assert Mismatch(x, moved, np.zeros(2, int)).value() == pytest.approx((9 - 2 - 1) / 20.5)
    # the first twice: pairs of an example with itself do not count, those with its double do, as for four points
    weight = np.array([2, 1])
    assert Mismatch(x, moved, np.array([0, 1])).value(weight) == 0


def test_figures_of_generators():
    tilted = so2().basis / np.sqrt(2) * np.cos(0.02) + np.eye(2) / np.sqrt(2) * np.sin(0.02)
    points, _ = rings()
    final = SymmetryEvaluator(so2()).final(outputs(tilted, turned(points, np.full(N, np.pi / 3))), seed=1)
    assert final["symmetry/angle_error_deg"] == pytest.approx(np.rad2deg(0.02))
    assert final["symmetry/metric_exists"] == 1
    assert final["symmetry/metric_angle_deg"] < 1
    assert final["displacement"] == pytest.approx(1)  # 2 sin 30 degrees
    assert final["critic_accuracy"] == pytest.approx(0.5)
    assert final["displacement_err"] is None
    assert final["displacement_note"] == "no error: the bootstrap replicas agree"
    assert final["mismatch_err"] is not None


def test_no_metric_is_said_with_its_singular_value():
    everything = np.eye(4).reshape(4, 2, 2)
    final = SymmetryEvaluator(None).final(outputs(everything, rings()[0] * 1.1), seed=1)
    assert final["symmetry/metric_exists"] == 0
    assert final["symmetry/metric_smallest_singular_value"] == pytest.approx(1)
    assert "symmetry/angle_error_deg" not in final


def test_generators_have_the_name_and_the_structure_constants_of_their_algebra():
    rotations = SymmetryEvaluator(so3()).of_generators(so3().basis)
    assert rotations["symmetry/dimension_note"] == "algebra: so(3)"
    assert rotations["symmetry/closure_residual"] < 1e-12
    assert [abs(rotations[f"symmetry/structure_{ijk}"]) for ijk in ("123", "131", "132", "231")] == pytest.approx(
        [1, 0, 1, 1], abs=1e-12
    )
    lorentz = SymmetryEvaluator(None).of_generators(np.concatenate([so13().basis, np.eye(4)[None]]))
    assert lorentz["symmetry/dimension_note"] == "algebra: so(1,3) + R"
    assert not any(key.startswith("symmetry/structure") for key in lorentz)


def test_a_dilation_beside_the_lorentz_algebra_leaves_the_metric_up_to_a_factor():
    conformal = np.concatenate([so13().basis, np.eye(4)[None]])
    final = SymmetryEvaluator(so13()).final(outputs(conformal, rings()[0] * 1.1), seed=1)
    assert final["symmetry/metric_exists"] == 0
    assert final["symmetry/conformal_smallest_singular_value"] < 1e-12
    assert final["symmetry/conformal_angle_deg"] < 1e-6
    assert final["symmetry/angle_error_deg"] < 1e-6


def test_generators_that_vanish_and_dilations_have_no_smallest_singular_value_as_0_is_perfect():
    figures = SymmetryEvaluator(None).of_generators(np.zeros((2, 3, 3)))
    assert figures["symmetry/metric_exists"] == figures["symmetry/metric_dimension"] == 0
    assert np.isnan(figures["symmetry/metric_smallest_singular_value"])
    dilation = SymmetryEvaluator(None).of_generators(np.eye(3)[None])
    assert dilation["symmetry/metric_smallest_singular_value"] == pytest.approx(1)
    assert np.isnan(dilation["symmetry/conformal_smallest_singular_value"])


def test_generators_that_vanish_are_at_a_right_angle_to_everything():
    quick = SymmetryEvaluator(so2()).quick(outputs(np.zeros((1, 2, 2))))
    assert quick["angle_error_deg"] == 90
    assert np.isnan(quick["mismatch"])


def test_record_and_figures(tmp_path):
    evaluator, made = SymmetryEvaluator(so2()), outputs(so2().basis, rings()[0] * 1.1)
    table = evaluator.table(made, CLASSES)
    evaluator.figures(made, CLASSES, tmp_path, seed=1)
    assert table.column_names == ["index", "label", "displacement", "score", "score_transformed"]
    np.testing.assert_allclose(table["displacement"], 0.1, rtol=1e-6)
    assert {path.name for path in tmp_path.glob("*.png")} == {"generators.png", "metric.png", "transformed.png"}
    evaluator.draw_generators(so3().basis, tmp_path)
    assert (tmp_path / "structure.png").exists()
    (tmp_path / "none").mkdir()
    evaluator.draw_generators(so2().basis, tmp_path / "none", np.array([False]))
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["generators.png"]
    for name in ("logit", "transformed_logit"):
        del made[name]
    assert "score" not in evaluator.table(made, CLASSES).column_names


def judged(generators: np.ndarray, n: int = 1200) -> dict:
    """Figures of these generators of the plane on the rings."""
    points, label = rings(n)
    order = np.random.default_rng(0).permutation(n)
    made = {"index": np.arange(n), "label": label[order], "loss": np.ones(n), "vectors": points[order]}
    score = np.linspace(-1, 1, n)
    made |= {"transformed": 1.1 * points[order], "logit": score, "transformed_logit": score}
    return SymmetryEvaluator(so2(), 0.3).final({**made, "model/generators": generators}, seed=1)


def test_of_several_generators_the_metric_is_that_of_the_symmetries_alone():
    shear = np.array([[0.0, 1.0], [0.0, 0.0]])
    figures = judged(np.stack([so2().basis[0], np.eye(2), 0.01 * shear]))
    assert figures["symmetry/generators_found"] == figures["symmetry/dimension"] == 1
    assert figures["symmetry/generators_found_note"].startswith(
        "symmetry found (1 of 3 generators): examples moved by 0.3"
    )
    assert abs(figures["symmetry/told_apart_1"] - 0.5) < 4 * 0.5 / np.sqrt(1200)
    # a small generator is judged at the same displacement as a large one
    assert min(figures["symmetry/told_apart_2"], figures["symmetry/told_apart_3"]) > 0.6
    assert figures["symmetry/dimension_note"] == "algebra: so(2)"
    assert figures["symmetry/metric_dimension"] == figures["symmetry/metric_exists"] == 1
    assert figures["symmetry/metric_J_00"] == pytest.approx(1)
    assert figures["symmetry/metric_angle_deg"] < 1e-6


def test_where_no_generator_is_a_symmetry_there_is_no_metric_either():
    figures = judged(np.array([[[1.0, 0.0], [0.0, -1.0]]]))  # a squeeze, which alone would leave x y invariant
    assert figures["symmetry/generators_found"] == figures["symmetry/dimension"] == 0
    assert figures["symmetry/generators_found_note"].startswith("no symmetry was found: examples moved by 0.3 of their")
    assert figures["symmetry/metric_exists"] == figures["symmetry/metric_dimension"] == 0
    assert figures["symmetry/metric_J_00"] is None
    assert figures["symmetry/metric_angle_deg"] is None
    vanishing = judged(np.zeros((1, 2, 2)))
    assert vanishing["symmetry/told_apart_1"] is None
    assert vanishing["symmetry/generators_found_note"] == "no symmetry was found: no generator moves the examples"


def test_a_few_examples_are_no_evidence():
    figures = judged(so2().basis, n=800)
    assert figures["symmetry/generators_found"] is None
    assert figures["symmetry/generators_found_note"] == (
        "not judged: 900 independent test examples are needed to tell 55% from chance, there are 800"
    )
    assert figures["symmetry/metric_exists"] == 1
