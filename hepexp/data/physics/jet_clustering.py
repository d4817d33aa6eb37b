"""Jet clustering by FastJet's Python package, which must be installed."""

from __future__ import annotations

import functools
import os
import sys

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray


def cluster(
    particles: ak.Array | list[fastjet.PseudoJet], definition: fastjet.JetDefinition
) -> fastjet.ClusterSequence:
    """The clustering of one list of particles, or of each list of particles in an array, as of `jagged`."""
    _silence_banner()
    return fastjet.ClusterSequence(particles, definition)


def jagged(momentum: NDArray[np.float64], counts: NDArray[np.int64]) -> ak.Array:
    """Four-momenta (m, 4), (E, px, py, pz), of events or jets with these multiplicities (n,), as FastJet takes them."""
    columns = {name: momentum[:, i] for i, name in enumerate(("E", "px", "py", "pz"))}
    return ak.unflatten(ak.zip(columns, with_name="Momentum4D"), counts)


@functools.cache
def _silence_banner() -> None:
    """Run a first clustering with stdout redirected to nowhere, as FastJet prints a banner to it from C++.

    The command that simulates cites the FastJet papers itself.
    """
    sys.stdout.flush()
    stdout, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
        fastjet.ClusterSequence([fastjet.PseudoJet(1, 0, 0, 1)], definition).inclusive_jets()
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)
