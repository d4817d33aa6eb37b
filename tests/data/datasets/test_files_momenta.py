"""Four-momenta of particles from the components that a file has."""

import numpy as np
import pytest

from hepexp.data.datasets.files.particles import FileParticles
from hepexp.data.expressions.parse import parse
from hepexp.data.store.ragged import Ragged

BASES = ["px py pz energy", "px py pz mass", "pt eta phi energy", "pt eta phi mass", "pt y phi mass", "pt y phi energy"]


@pytest.mark.parametrize("basis", BASES)
def test_energy_and_momentum_are_those_of_the_four_momenta(basis):
    random = np.random.default_rng(0)
    mass, px, py, pz = 0.2 + random.random(50), *random.normal(0, 20, (3, 50))
    energy, pt = np.sqrt(mass**2 + px**2 + py**2 + pz**2), np.hypot(px, py)
    known = {"mass": mass, "px": px, "py": py, "pz": pz, "energy": energy, "pt": pt, "phi": np.arctan2(py, px)}
    known |= {"eta": np.arcsinh(pz / pt), "y": np.arctanh(pz / energy)}
    momenta = {name: parse(name, "dataset.p4") for name in basis.split()}
    jets = Ragged(np.zeros(1, np.int8), np.array([0, 50]), {name: known[name] for name in momenta})
    particles = FileParticles(momenta)
    np.testing.assert_allclose(particles.p4(jets), np.stack([energy, px, py, pz], axis=1), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(particles.energy_and_momentum(jets), [energy, np.sqrt(pt**2 + pz**2)], rtol=1e-10)
