"""Particles from Pythia's event record."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("awkward")

import awkward as ak

from hepexp.simulation.pythia import visible_particles


@pytest.mark.filterwarnings("error")
def test_particles_along_the_beam_are_not_seen():
    def particle(px, pz, pdgid, status=1):
        momentum = {"px": px, "py": 0.0, "pz": pz, "e": 50.0}
        origin = {"px": 0.0, "py": 0.0, "pz": 0.0, "e": 0.0}
        return {"p": momentum, "vProd": origin, "id": pdgid, "status": status, "m": 0.0}

    events = ak.Array(
        [
            {"prt": [particle(0.0, 50.0, 22), particle(3.0, 4.0, 22), particle(3.0, 4.0, 12)]},
            {"prt": [particle(3.0, 4.0, 211, status=-1), particle(4.0, 0.0, 211), particle(1.0, 400.0, 22)]},
        ]
    )
    seen = visible_particles(events, max_eta=5.0)
    np.testing.assert_array_equal(seen.event, [0, 1])
    np.testing.assert_allclose(seen.pt, [3.0, 4.0])
    np.testing.assert_allclose(seen.eta, [np.arcsinh(4 / 3), 0.0])
