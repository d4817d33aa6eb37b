"""What a training waits for its data: steps with batches from the loader against the same batches already in memory.

Each data set feeds the fastest model of its form, for which a wait would show most. The floor of the ratio is one.
"""

from __future__ import annotations

import time
from statistics import median

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


def rows(batches: int = 12, repeats: int = 5) -> list[dict]:
    """Batches per second of forward, backward and optimiser: medians over passes, one of each in turn, after a warm-up.

    Parameters
    ----------
    batches : batches in a pass.
    repeats : passes of each.
    """
    measured = []
    for dataset, model in MODELS.items():
        config = Composer([]).compose([f"dataset={dataset}", f"model={model}", "dataset.source=mini"])
        parts = build_parts(config)
        optimizer = torch.optim.AdamW(parts.module.parameters(), lr=1e-4)
        held = [batch for batch, _ in zip(parts.data.train_dataloader(), range(batches), strict=False)]
        seconds: dict[str, list[float]] = {"hepexp": [], "in-memory": []}
        for repeat in range(repeats + 1):
            for name in seconds:
                loader = iter(parts.data.train_dataloader() if name == "hepexp" else held)
                start = time.perf_counter()
                for _ in range(batches):
                    _step(parts, optimizer, next(loader))
                if repeat:
                    seconds[name].append(time.perf_counter() - start)
        measured += [
            {"case": f"loader {dataset}", "implementation": name, "per_second": batches / median(s)}
            for name, s in seconds.items()
        ]
    return measured


def _step(parts: Parts, optimizer: torch.optim.Optimizer, batch: object) -> None:
    module = parts.module
    terms, _ = module.objective.terms(module.model, batch)
    optimizer.zero_grad()
    terms["loss"].backward()
    optimizer.step()
