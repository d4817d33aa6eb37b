"""Suppression of the banner that FastJet prints from C++ at its first clustering, into the output of the command."""

from __future__ import annotations

import functools
import os
import sys

import fastjet


@functools.cache
def silence_banner() -> None:
    """Run a first clustering with stdout redirected to nowhere. The command itself cites the FastJet papers."""
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
