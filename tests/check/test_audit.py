"""The verdict of an audit: networks keep what they claim, and one that claims what it is not is found out."""

from pathlib import Path

import pytest

from hepexp.check.audit import THRESHOLD, audit, checks_of, chosen
from hepexp.config.compose import Composer
from hepexp.errors import ConfigError
from hepexp.learning.components import Components, build_components
from tests.data.small import use_small_samples

SMALL = ("dataset.source=mini", "dataset.n_train=24", "dataset.n_val=4", "dataset.n_test=12", "dataset.batch_size=8")
LORENTZ = ["boost_along", "boost_across", "rotate_about", "rotate_across"]


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    use_small_samples(monkeypatch)


def built(*words: str) -> Components:
    components = build_components(Composer([]).compose([*words, *SMALL]))
    components.module.eval()
    return components


def audited(components: Components, *only: str) -> dict:
    checks = chosen(checks_of(components), only, components.data.representation.name)
    return audit(components, checks, n=8, seed=1)["checks"]


def test_an_invariant_network_keeps_what_it_claims_and_is_not_safe():
    found = audited(built("model=lorentznet", "dataset=qg", "model.n_hidden=8", "model.n_blocks=2", "model.c=0.05"))
    verdicts = {name: check["verdict"] for name, check in found.items()}
    kept = {"batch", "permutation", "padding", *LORENTZ}
    assert {name for name, verdict in verdicts.items() if verdict == "kept"} == kept
    assert {verdict for name, verdict in verdicts.items() if name not in kept} == {None}
    assert found["soft"]["points"][-1]["largest_change_float64"] > THRESHOLD


def test_an_energy_flow_network_is_safe_and_its_change_falls_as_the_fraction():
    found = audited(built("model=efn", "dataset=qg"), "soft", "collinear", "boost_across")
    assert [found[name]["verdict"] for name in ("soft", "collinear", "boost_across")] == ["kept", "kept", None]
    change = {point["strength"]: point["largest_change_float64"] for point in found["soft"]["points"]}
    assert change[1e-6] / change[1e-4] == pytest.approx(1e-2, rel=0.1)
    assert found["boost_across"]["points"][-1]["largest_change_float64"] > THRESHOLD


def test_a_claim_that_is_not_true_is_broken():
    components = built("model=pfn", "dataset=qg")
    components.module.model.lorentz_invariant = True
    found = audited(components, *LORENTZ)
    # what it sees of a particle does not change under a boost along the beam, or a rotation about it
    assert [found[name]["verdict"] for name in LORENTZ] == ["kept", "broken", "kept", "broken"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (("model=pfn",), {"boost_along", "rotate_about"}),
        (("model=part", "model.n_blocks=1", "model.n_class_blocks=1"), {"rotate_about"}),
        (("model=pelican", "model.size=xs", "model.n_blocks=1"), {"rotate_about"}),  # beams are its particles
        (("model=particlenet", "model.channels=[8]"), set()),  # rounding decides between neighbours on a grid
        (("model=pfn", "dataset.frame=rotated"), set()),  # whose z is not along the beam
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_left_about_and_along_the_beam_is_claimed_and_kept(words, kept):
    found = audited(built("dataset=qg", *words), *LORENTZ)
    verdicts = {name: check["verdict"] for name, check in found.items()}
    assert verdicts == {name: "kept" if name in kept else None for name in LORENTZ}


@pytest.mark.parametrize(("frame", "invariant"), [("boosted", LORENTZ), ("rotated", LORENTZ[2:]), ("lab", [])])
def test_jets_are_changed_before_they_are_put_into_a_frame(frame, invariant):
    found = audited(built("model=pfn", "dataset=qg", f"dataset.frame={frame}"), *LORENTZ)
    still = [name for name in LORENTZ if all(p["largest_change_float64"] < THRESHOLD for p in found[name]["points"])]
    assert set(invariant) <= set(still)
    assert ("boost_across" in still) == (frame == "boosted")


def test_beams_among_the_particles_are_boosted_with_them():
    words = ("model=lorentznet", "dataset=top", "dataset.beams=true", "model.n_hidden=8", "model.n_blocks=2")
    found = audited(built(*words), "boost_across", "permutation", "soft")
    assert [found[name]["verdict"] for name in ("boost_across", "permutation")] == ["kept", "kept"]


def test_a_steerable_network_keeps_right_angles_and_not_45_degrees():
    found = audited(built("model=steerable_cnn", "dataset=electron_photon", "model.widths=[4,4]", "model.convs=[1,1]"))
    assert list(found) == ["batch", "image_rotation", "image_flip", "image_noise"]
    assert found["image_rotation"]["verdict"] == "kept"
    assert found["image_flip"]["verdict"] is None  # C4 has no reflections
    change = {point["strength"]: point["largest_change_float64"] for point in found["image_rotation"]["points"]}
    assert change[45.0] > 100 * max(change[90.0], 1e-12)


def test_a_graph_network_loses_nodes_and_edges():
    found = audited(built("model=gcn", "dataset=qg"), "node_permutation", "node_drop", "edge_drop")
    assert found["node_permutation"]["verdict"] == "kept"
    drops = [point["mean_change_float32"] for point in found["edge_drop"]["points"]]
    assert 0 < drops[0] < drops[-1]


def test_a_network_of_variables_sees_them_smeared_shifted_and_swapped():
    names = ("variable_smear", "variable_shift", "variable_swap")
    found = audited(built("model=mlp", "dataset=hls4ml_jets"))
    assert list(found) == ["batch", *names]
    for name in names:
        points = {abs(point["strength"]): point["mean_change_float32"] for point in found[name]["points"]}
        assert points[min(points)] < points[max(points)]
    assert list(audited(built("model=mlp", "dataset=top"), "smear", *names)) == ["smear", *names]


def test_a_check_that_does_not_apply_is_named():
    with pytest.raises(ConfigError, match="--only image_flip: no check of a network that reads particles"):
        audited(built("model=pfn", "dataset=qg"), "image_flip")


def test_outputs_of_each_example_are_needed():
    with pytest.raises(ConfigError, match="hepexp check is for networks with scores"):
        audited(built("model=lie_points", "loss=lie_gan", "dataset=rotated_points"), "batch")
