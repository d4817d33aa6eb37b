"""Each model of the zoo as an exported file: whether it can be, how far its scores are from the model's, and how fast.

Models have their default sizes and random weights; jets are those of the test split of the shipped sample, in batches
of 32 of like multiplicity. The file prepares its inputs itself; torch runs the model as `hepexp predict` does, on
batches that the data set has prepared.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from hepexp.config import catalog
from hepexp.config.compose import Composer
from hepexp.errors import HepexpError
from hepexp.export.network import ExportedNetwork
from hepexp.export.recipe import compared, written
from hepexp.learning.components import Components, build_components

BATCH, REPEATS = 32, 5
FEW = ("dataset.source=mini", "+dataset.n_train=100", "+dataset.n_val=50", "+dataset.n_test=64")
ON = {  # the others are measured on quark and gluon jets
    "lie_momenta": "four_vectors",
    "lie_points": "rotated_points",
    "latent_flow": "rotated_points",
}
SMALL = ("backend=statevector", "model.quantum_blocks=[phi_e]", "model.n_hidden=4", "model.n_blocks=2")
CIRCUIT = {"lorentznet": SMALL}


def rows(format: str = "onnx", models: str = "") -> list[dict]:
    """Examples per second of each model and of its file.

    Parameters
    ----------
    format : onnx, torchscript or pt2.
    models : names, separated by commas; all of them by default.
    """
    names = models.split(",") if models else sorted(catalog.options("model", catalog.folders()))
    cases = [(name, (f"model={name}", f"data={ON.get(name, 'qg')}")) for name in names]
    cases += [(f"{name} with circuits", (f"model={name}", *words)) for name, words in CIRCUIT.items() if name in names]
    return [row for name, words in cases for row in _rows(name, words, format)]


def _rows(name: str, words: tuple[str, ...], form: str) -> list[dict]:
    try:
        config = Composer([]).compose([word.replace("data=", "dataset=") for word in (*words, *FEW)])
        with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
            components = build_components(config)
            network = ExportedNetwork(components)
            path = Path(folder) / "network"
            scores = written(network, components, form, path)
            difference = compared(network, components, scores).difference
            ours, theirs = _rates(network, components, scores)
    except HepexpError as error:
        return [{"case": name, "implementation": "hepexp", "per_second": None, "note": f"not exported: {error}"}]
    return [
        {"case": name, "implementation": "hepexp", "per_second": ours},
        {"case": name, "implementation": form, "per_second": theirs, "difference": difference},
    ]


def _rates(network: ExportedNetwork, components: Components, scores: Callable) -> tuple[float, float]:
    """Examples per second of the model and of the file, in turn: medians after a warm-up."""
    examples = components.data.splits["test"]
    order = np.argsort(examples.counts, kind="stable")
    middle = order[len(order) // 2 - BATCH // 2 :][:BATCH]
    fed, batch = network.feed(examples.store.take(examples.rows[middle])), examples[middle]

    def model() -> None:
        with torch.inference_mode():
            network.objective.outputs(network.model, batch)

    seconds: list[list[float]] = [[], []]
    for _ in range(REPEATS + 1):
        for found, run in zip(seconds, (model, lambda: scores(fed)), strict=True):
            start = time.perf_counter()
            run()
            found.append(time.perf_counter() - start)
    ours, theirs = (len(middle) / median(found[1:]) for found in seconds)
    return ours, theirs
