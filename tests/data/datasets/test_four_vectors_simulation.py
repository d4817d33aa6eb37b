"""Four-vectors of known symmetry: their groups keep what labels them, and no other linear map does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm
from scipy.stats import ks_2samp, kstest

from hepexp.cli.main import main
from hepexp.data.datasets.four_vectors.generate import (
    BEAM,
    CLASSES,
    CLUSTERS,
    RAPIDITY,
    SHELL,
    SPHERE,
    SPREAD,
    four_vectors,
    make_block,
)
from hepexp.data.datasets.four_vectors.info import INFO, check
from hepexp.data.datasets.four_vectors.module import FourVectors
from hepexp.data.formats.open_file import open_file
from hepexp.errors import ConfigError, DataError
from hepexp.simulation.simulate import simulate
from hepexp.symmetry.algebra import so13

ETA = np.diag([1.0, -1.0, -1.0, -1.0])
BOOST_Z = so13().basis[2]
ROTATIONS = so13().basis[3:]


def vectors(kind: str, n: int = 5000) -> np.ndarray:
    return four_vectors(kind, n, np.random.default_rng(CLASSES.index(kind)))


def square(p4: np.ndarray) -> np.ndarray:
    return np.einsum("na,ab,nb->n", p4, ETA, p4)


def tangent_maps(kinds: tuple[str, ...]) -> np.ndarray:
    """Singular values, ascending, of L -> rates at which exp(t L) changes what labels the vectors of these classes."""
    rows = []
    for kind in kinds:
        x = vectors(kind, 400)
        if kind in SHELL:  # d(x J x) / dt = 2 x J L x, relative to x J x
            gradients = [x @ ETA / square(x)[:, None]]
        elif kind in SPHERE:
            p = x * [0, 1, 1, 1]
            gradients = [p / (p**2).sum(1, keepdims=True), np.eye(4)[[0] * len(x)]]
        elif kind in BEAM:  # px, py, and mT^2 = E^2 - pz^2
            gradients = [np.eye(4)[[1] * len(x)], np.eye(4)[[2] * len(x)], x * [1, 0, 0, -1]]
        else:
            x = np.array(CLUSTERS[kind])
            gradients = [np.eye(4)[[a] * len(x)] for a in range(4)]
        rows += [np.einsum("na,nb->nab", gradient, x).reshape(len(x), 16) for gradient in gradients]
    return np.linalg.svd(np.concatenate(rows), compute_uv=False)[::-1]


def test_a_lorentz_transformation_keeps_the_mass_of_every_vector_on_a_shell():
    g = expm(np.tensordot(np.random.default_rng(0).normal(size=6), so13().basis, axes=1))
    for kind, mass in SHELL.items():
        x = vectors(kind)
        assert_allclose(square(x @ g.T), square(x), rtol=1e-9, atol=1e-10)
        assert (np.sign(square(x)) == np.sign(mass)).all()
        assert kstest(np.log(np.sqrt(np.abs(square(x))) / abs(mass)) / SPREAD, "norm").pvalue > 0.01


def test_the_metric_follows_from_shells_alone_and_is_the_only_one():
    # x^T J x = c for each class of narrow spread: 10 entries of J and 3 values, up to one common factor
    a, b = np.triu_indices(4)
    rows, masses = [], []
    for i, kind in enumerate(SHELL):
        x = vectors(kind)
        x = x / np.sqrt(np.abs(square(x)))[:, None]
        constant = -np.eye(3)[[i] * len(x)]
        rows.append(np.hstack([x[:, a] * x[:, b], constant]))
        masses.append(np.sign(SHELL[kind]))
    _, singular, basis = np.linalg.svd(np.concatenate(rows), full_matrices=False)
    assert singular[-1] < 1e-10 * singular[0] < 1e-2 * singular[-2]
    J = np.zeros((4, 4))
    J[a, b] = basis[-1, :10] / basis[-1, 0]
    assert_allclose(J, ETA, atol=1e-10)
    assert_allclose(basis[-1, 10:] / basis[-1, 0], masses, atol=1e-10)


@pytest.mark.parametrize(
    ("kinds", "dimension"), [(SHELL, 6), (SPHERE, 3), (BEAM, 1), (CLUSTERS, 0)], ids=["so13", "so3", "boosts", "none"]
)
def test_as_many_linear_maps_keep_the_labels_as_the_group_has_dimensions(kinds, dimension):
    singular = tangent_maps(tuple(kinds))
    largest = singular[-1]
    assert (singular[:dimension] < 1e-12 * largest).all()
    assert singular[dimension] > 1e-2 * largest


def test_rotations_keep_spheres_and_the_distribution_of_directions():
    g = expm(np.tensordot([0.3, -1.1, 0.7], ROTATIONS, axes=1))
    for kind, radius in SPHERE.items():
        x = vectors(kind)
        length = np.linalg.norm(x[:, 1:], axis=1)
        assert kstest(np.log(length / radius) / SPREAD, "norm").pvalue > 0.01
        assert_allclose(np.linalg.norm((x @ g.T)[:, 1:], axis=1), length, rtol=1e-12)
        cosines = [(v / length[:, None])[:, 1:] for v in (x, x @ g.T)]
        for of in cosines:  # uniform, as of isotropic directions
            assert all(kstest(of[:, a], "uniform", (-1, 2)).pvalue > 0.001 for a in range(3))


def test_boosts_along_z_keep_beams_and_shift_their_rapidity():
    g = expm(0.4 * BOOST_Z)
    for kind in BEAM:
        x = vectors(kind)
        moved = x @ g.T
        assert_array_equal(moved[:, 1:3], x[:, 1:3])
        assert_allclose(square(moved), square(x), rtol=1e-9, atol=1e-10)
        y, after = (np.arctanh(p[:, 3] / p[:, 0]) for p in (x, moved))
        assert kstest(y / RAPIDITY, "norm").pvalue > 0.01
        assert_allclose(after - y, 0.4, rtol=1e-9)
    one, other = BEAM.values()
    assert abs(one[0] * other[1] - one[1] * other[0]) > 0.1


def test_blocks_differ_and_classes_of_one_symmetry_too():
    for kind in CLASSES:
        first, second = (make_block(kind, 3, block, 2000) for block in (0, 1))
        assert not np.array_equal(first["E"], second["E"])
        assert ks_2samp(first["pz"], second["pz"]).pvalue > 1e-3
        assert (first.label == CLASSES.index(kind)).all()


def test_the_sample_is_that_of_the_command_that_it_names(tmp_path):
    path = simulate(INFO, 90_000, 1, 1, lambda made, kept: None, tmp_path / "vectors.arrow")
    assert INFO.mini_about["command"] == "hepexp data generate four_vectors --n 90000 --seed 1"
    store, made = open_file(INFO, path), INFO.mini()
    for name in ("E", "px", "py", "pz"):
        assert_array_equal(store.take(np.arange(len(store)))[name], made[name])


@pytest.mark.parametrize("energy", [True, False])
def test_examples_are_the_components_of_the_chosen_classes(energy):
    data = FourVectors(n_train=40, batch_size=40, seed=1, energy=energy, classes=list(SPHERE))
    data.setup()
    batch = next(iter(data.train_dataloader()))
    stored = data.store.take(batch.index.numpy())
    names = ("E", "px", "py", "pz")[0 if energy else 1 :]
    assert_array_equal(batch.features, np.stack([stored[name] for name in names], 1))
    assert set(batch.label.tolist()) == {0, 1}
    assert data.provenance()["simulated"]


def test_what_is_no_vector_of_these_classes_is_refused():
    made = make_block("so13_light", 1, 0, 10)
    made.elements["pz"][4] = np.inf
    with pytest.raises(DataError, match=r"a.parquet: example 4 has a vector with pz = inf; expected -1e\+06 to 1e\+06"):
        check(made, "a.parquet")
    with pytest.raises(ConfigError, match=r"dataset.classes: unknown 'so13'"):
        FourVectors(classes=["so13"], seed=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.classes=[so13_lite]"], "dataset.classes: unknown 'so13_lite'; did you mean so13_light?"),
        (["model.n=3"], "model.n must divide the 4 features of an example, got 3"),
        (
            ["dataset.energy=false", "model.n=3", "model.n_channels=3"],
            "loss.compare_with names so(1,3), which acts on 4",
        ),
        (["loss.test_displacement=0"], "loss.test_displacement must be null, or > 0 and <= 1, got 0"),
        (["trainer.keep=first"], "trainer.keep"),
    ],
)
def test_a_task_that_cannot_be_is_refused_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    assert main(["train", "task=liegan_so13", *words]) != 0
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert not (tmp_path / "runs").exists()
