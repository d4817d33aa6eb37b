"""Each model of the zoo as an exported file: whether it can be, how far its scores are from the model's, and how fast.

Models have their default sizes and random weights; jets are those of about median multiplicity in the test split of
the shipped sample. The file prepares its inputs itself; torch runs the model as `hepexp predict` does, on batches that
the data set has prepared. Latencies are in ms per example, alone and in batches of 512, whose rate is that of the row.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from omegaconf import OmegaConf

from hepexp.batch import Batch
from hepexp.config import catalog
from hepexp.config.compose import Composer
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import HepexpError
from hepexp.export.network import ExportedNetwork
from hepexp.export.recipe import compared, written
from hepexp.learning.components import Components, build_components

BATCHES, REPEATS, SECONDS = (1, 512), 5, 20.0  # examples at once; timings of each, as many as are done in that time
FEW = ("dataset.source=mini", "+dataset.n_train=100", "+dataset.n_val=50", "+dataset.n_test=64")
ON = {  # the others are measured on quark and gluon jets, with cross entropy
    "lie_momenta": ("loss=lie_gan",),
    "lie_points": ("dataset=rotated_points", "loss=lie_gan"),
    "lie_latents": ("dataset=mnist", "loss=lie_gan"),
    "latent_flow": ("dataset=rotated_points", "loss=latent_flow"),
    "image_latent_flow": ("loss=latent_flow", "loss.min_spread=1e-12"),
    "conv_autoencoder": ("loss=equivariant_autoencoder",),
    "vae": ("loss=elbo",),
    "fidelity_net": ("loss=pair",),
    "graph_encoder": ("loss=supervised_contrastive",),
    "fixed_circuits": ("dataset=empty", "loss=circuit_values"),
    "random_circuits": ("dataset=empty", "loss=expressibility"),
}
SMALL = ("backend=statevector", "model.quantum_blocks=[phi_e]", "model.n_hidden=4", "model.n_blocks=2")
CIRCUIT = {"lorentznet": SMALL}


def rows(format: str = "onnx", models: str = "") -> list[dict]:
    """Latency of each model and of its file, or why it has none.

    Parameters
    ----------
    format : onnx, torchscript or pt2.
    models : names, separated by commas; all of them by default.
    """
    names = models.split(",") if models else sorted(catalog.options("model", catalog.folders()))
    cases = [(name, (f"model={name}", "dataset=qg", *ON.get(name, ()))) for name in names]
    cases += [
        (f"{name} with circuits", (f"model={name}", "dataset=qg", *words))
        for name, words in CIRCUIT.items()
        if name in names
    ]
    return [row for name, words in cases for row in _rows(name, words, format)]


def _rows(name: str, words: tuple[str, ...], form: str) -> list[dict]:
    try:
        config = Composer([]).compose([*words, *(() if "dataset=empty" in words else FEW)])
        OmegaConf.set_struct(config, False)
        with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
            components = build_components(config)
            network = ExportedNetwork(components)
            path = Path(folder) / "network"
            scores, _ = written(network, components, form, path)
            difference = compared(network, components, scores).difference
            ours, theirs = _latencies(network, components, scores)
    except HepexpError as error:
        reason = str(error).removeprefix("model ")
        return [{"case": name, "implementation": "torch", "per_second": None, "note": f"not exported: {reason}"}]
    return [
        {"case": name, "implementation": "torch", **ours},
        {"case": name, "implementation": form, **theirs, "difference": difference},
    ]


def _latencies(network: ExportedNetwork, components: Components, scores: Callable) -> tuple[dict, dict]:
    """What the model and the file take for an example of median multiplicity, in batches of each size."""
    assert isinstance(components.data, HepDataModule)
    examples = components.data.splits["test"]
    order = np.argsort(examples.counts, kind="stable")
    middle = order[len(order) // 2 - len(order) // 4 :][: len(order) // 2]
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for size in BATCHES:
        these = np.resize(middle, size)
        fed, batch = network.feed(examples.store.take(examples.rows[these])), examples[these]

        def model(batch: Batch = batch) -> None:
            with torch.inference_mode():
                network.objective.outputs(network.model, batch)

        found = _in_turn(model, partial(scores, fed))
        for row, seconds in zip((ours, theirs), found, strict=True):
            row |= {"per_second": size / seconds, f"latency_{size}": 1e3 * seconds / size}
    return ours, theirs


def _in_turn(*runs: Callable[[], object]) -> list[float]:
    """Medians of the seconds that functions take in turn, after a warm-up unless that alone takes too long."""
    seconds: list[list[float]] = [[] for _ in runs]
    began = time.perf_counter()
    for _ in range(REPEATS + 1):
        for found, run in zip(seconds, runs, strict=True):
            start = time.perf_counter()
            run()
            found.append(time.perf_counter() - start)
        if time.perf_counter() - began > SECONDS:
            break
    return [median(found[1:] or found) for found in seconds]
