"""What a training waits for its data: steps with batches from the loader against steps that had them at once.

Each data set feeds the fastest model of its form, for which a wait would show most. The floor of the ratio is one.
"""

from __future__ import annotations

import time

import torch

from hepexp.config.compose import Composer
from hepexp.learning.parts import Parts, build_parts

MODELS = {
    "qg": "pfn",
    "top": "pfn",
    "jetclass": "pfn",
    "qg_images": "cnn",
    "electron_photon": "cnn",
    "mnist": "cnn",
}


def rows(batches: int = 60, seconds: float = 10.0) -> list[dict]:
    """Batches per second of forward, backward and optimiser: as they go, and without the time that was waited for them.

    Parameters
    ----------
    batches : steps with each data set at most.
    seconds : time for each data set at most.
    """
    measured = []
    for dataset, model in MODELS.items():
        config = Composer([]).compose([f"dataset={dataset}", f"model={model}", "dataset.source=mini"])
        parts = build_parts(config)
        optimizer = torch.optim.AdamW(parts.module.parameters(), lr=1e-4)
        loader = iter(parts.data.train_dataloader())
        for _ in range(2):  # warm
            _step(parts, optimizer, next(loader))
        waited, steps, begin = 0.0, 0, time.perf_counter()
        while steps < batches and time.perf_counter() - begin < seconds:
            asked = time.perf_counter()
            batch = next(loader, None)
            if batch is None:
                break
            waited += time.perf_counter() - asked
            _step(parts, optimizer, batch)
            steps += 1
        total = time.perf_counter() - begin
        rates = {"hepexp": steps / total, "in-memory": steps / (total - waited)}
        measured += [
            {"case": f"loader {dataset}", "implementation": name, "per_second": rate} for name, rate in rates.items()
        ]
    return measured


def _step(parts: Parts, optimizer: torch.optim.Optimizer, batch: object) -> None:
    module = parts.module
    terms, _ = module.objective.terms(module.model, batch)
    optimizer.zero_grad()
    terms["loss"].backward()
    optimizer.step()
