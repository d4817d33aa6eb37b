"""Training steps of LorentzNet: ours vs an edge-list implementation of the paper's equations.

Theoretical limit for the sample's 1,900 pairs per jet: each pair and block costs 21 kFLOP of n_hidden x n_hidden
products in the forward pass and twice that in the backward pass (half of it in the last block), 0.65 GFLOP per jet in
total. Such products reach 75 to 90 GFLOP/s on a core of Zen 4 in float32, for 115 to 140 jets/s per core. The edge list
needs 1.4 GFLOP. The rest of the time is spent on memory access and on calls.
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import nn

from hepexp.batch import JetBatch
from hepexp.bench.edge_list import EdgeListLorentzNet
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.models.lorentz_net import LorentzNet


def rows(jets: int = 256, batch_size: int = 32, repeats: int = 5) -> list[dict]:
    """Jets per second of forward pass, backward pass and AdamW: medians over alternating passes, after a warm-up.

    Both start from the same weights and use the same batches, as made for training.

    Parameters
    ----------
    jets : number of jets per pass, from the sample in the package.
    batch_size : number of jets per step.
    repeats : number of passes of each.
    """
    data = QuarkGluon(source="mini", batch_size=batch_size, n_train=jets, seed=1)
    data.prepare_data()
    data.setup("fit")
    batches = list(data.train_dataloader())
    n_scalars, n_classes = data.spec.n_scalars, data.spec.n_classes
    torch.manual_seed(1)
    models: dict[str, nn.Module] = {
        "hepexp": LorentzNet(n_scalars=n_scalars, n_classes=n_classes),
        "edge-list": EdgeListLorentzNet(n_scalars=n_scalars, n_classes=n_classes),
    }
    models["edge-list"].load_state_dict(models["hepexp"].state_dict())
    optimizers = {name: torch.optim.AdamW(m.parameters(), lr=1e-3, weight_decay=1e-2) for name, m in models.items()}
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for repeat in range(repeats + 1):
        for name, model in models.items():
            start = time.perf_counter()
            for batch in batches:
                _step(model, optimizers[name], batch)
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    n = sum(map(len, batches))
    return [{"case": "lorentznet", "implementation": name, "per_second": n / median(s)} for name, s in seconds.items()]


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: JetBatch) -> None:
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(batch), batch.label).backward()
    optimizer.step()
