"""FastJet prints a banner at its first clustering, from C++: it would land in the output of the command."""

from __future__ import annotations

import functools
import os
import sys

import fastjet


@functools.cache
def silence_banner() -> None:
    """Do the first clustering while stdout leads nowhere. The command names FastJet's paper by itself."""
    sys.stdout.flush()
    stdout, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        fastjet.ClusterSequence(
            [fastjet.PseudoJet(1, 0, 0, 1)], fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
        ).inclusive_jets()
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)
