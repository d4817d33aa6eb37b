"""Showers per second on one core: generators of calorimeter showers vs the Geant4 simulation that they stand in for.

The weights are random, as the speed does not depend on them. Energies are those of the data set, 1 to 100 GeV.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import torch

from hepexp.config.compose import Composer
from hepexp.data.loading.conditions import AT_ONCE, Conditions
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError
from hepexp.learning.components import build_components

TASKS = ("calogan", "calo_flow_matching")


def rows(n: int = 12, *keys: str) -> list[dict]:
    """Of each generator its rate in batches of 1,000, and milliseconds of a single shower; beside it Geant4's.

    Parameters
    ----------
    n : number of showers that Geant4 simulates, after one that it warms up with.
    keys : overrides of the tasks, such as smaller models.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [row for task in TASKS for row in (_generated(task, *keys), {"case": task, **_simulated(n)})]
    finally:
        torch.set_num_threads(threads)


def _generated(task: str, *keys: str) -> dict:
    components = build_components(Composer([]).compose([f"task={task}", "dataset.source=mini", *keys]))
    generation, model, data = components.module.generation, components.module.model.eval(), components.data
    assert generation is not None
    assert isinstance(data, HepDataModule)
    alone, in_batches = (generation.seconds(model, Conditions(data), size) for size in (1, AT_ONCE))
    return {"case": task, "implementation": "hepexp", "per_second": 1 / in_batches, "latency_1": 1000 * alone}


@cache
def _simulated(n: int) -> dict:
    """Positrons with energies spaced equally over the range."""
    from hepexp.data.datasets.calogan import generate

    found = {"implementation": "geant4"}
    try:
        generate.require(["eplus"])
    except ConfigError as error:
        return {**found, "per_second": None, "note": str(error)}
    showers = generate.showers(hadronic=False)
    low, high = generate.ENERGIES
    energies = low + (high - low) * (np.arange(n) + 0.5) / n
    showers.run("eplus", energies[:1], np.array([1]))
    start = time.perf_counter()
    showers.run("eplus", energies, np.arange(2, n + 2))
    seconds = (time.perf_counter() - start) / n
    return {**found, "per_second": 1 / seconds, "latency_1": 1000 * seconds}
