"""A data set and a model small enough to train in a blink, for tests of the training loop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from hepexp.batch import DataSpec, JetBatch
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.learning.components import Components
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.learning.trainer import TrainerOptions
from hepexp.losses.objective import Objective
from hepexp.quantum.backend import Backend


class ToyData(pl.LightningDataModule):
    """Pairs of particles; the label says whether the first is the harder one."""

    spec = DataSpec(class_names=("background", "signal"), n_scalars=1)
    representations = ("particles",)

    def __init__(self, n: int = 96, batch_size: int = 16):
        super().__init__()
        momenta = torch.randn(n, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        energy = momenta.norm(dim=-1, keepdim=True)
        self.p4 = torch.cat([energy, momenta], dim=-1)
        self.label = (energy[:, 0, 0] > energy[:, 1, 0]).long()
        self.batch_size = batch_size
        self.start = (0, 0)

    def start_at(self, epoch: int, batch: int) -> None:
        self.start = (epoch, batch)

    def _batch(self, rows: Tensor) -> JetBatch:
        return JetBatch(
            label=self.label[rows],
            index=rows,
            extras=torch.zeros(len(rows), 0),
            p4=self.p4[rows],
            scalars=torch.ones(len(rows), 2, 1),
            mask=torch.ones(len(rows), 2, dtype=bool),
        )

    def train_dataloader(self) -> ToyLoader:
        return ToyLoader(self, *self.start)

    def training_batches(self, epoch: int, n: int) -> Iterator[JetBatch]:
        return islice(ToyLoader(self, epoch, 0), n)

    def val_dataloader(self) -> DataLoader:
        return DataLoader([self._batch(torch.arange(32))], batch_size=None)

    test_dataloader = val_dataloader


class ToyLoader:
    """Shuffled batches that depend on the epoch alone."""

    def __init__(self, data: ToyData, epoch: int, skip: int):
        self.data, self.epoch, self.skip = data, epoch, skip
        self.sampler = self  # where Lightning looks for set_epoch

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.data.label) // self.data.batch_size)

    def __iter__(self):
        order = torch.randperm(len(self.data.label), generator=torch.Generator().manual_seed(self.epoch))
        skip, self.skip = self.skip, 0
        for rows in order.split(self.data.batch_size)[skip:]:
            yield self.data._batch(rows)


class ToyModel(nn.Module):
    """A perceptron of the momenta with dropout and batch norm: every kind of state that a resume must restore."""

    input = "particles"

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))

    def forward(self, batch: JetBatch) -> Tensor:
        return self.layers(batch.p4.flatten(1).to(self.layers[0].weight.dtype))


class ToyObjective(Objective):
    """Cross entropy."""

    monitor = ("val/auc", "max")
    evaluator = ClassificationEvaluator()

    def terms(self, model: nn.Module, batch: JetBatch):
        logits = model(batch)
        each = nn.functional.cross_entropy(logits, batch.label, reduction="none")
        return {"loss": each.mean()}, {"scores": logits.softmax(dim=1), "loss": each}


def toy_components(**trainer) -> Components:
    """A toy experiment; keywords go to the trainer."""
    torch.manual_seed(0)
    options = TrainerOptions(**{"max_epochs": 3, "patience": None, "progress": False, "accelerator": "cpu", **trainer})
    return Components(
        ToyData(), ExperimentModule(ToyModel(), ToyObjective(), AdamW(lr=1e-2), seed=1), options, Backend()
    )
