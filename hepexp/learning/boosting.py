"""The Lightning module of boosted trees: each epoch grows some more of them."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import Optimizer
from hepexp.learning.trainer import TrainerOptions
from hepexp.losses.objective import Objective
from hepexp.models.boosted_trees import BoostedTrees, require_xgboost


class BoostingModule(ExperimentModule):
    """Boosted trees under an objective that says what they are grown for.

    In the first step of an epoch the trees of that epoch are grown, for all training examples at once: of `n_trees`
    rounds, as large a part as the epoch is of all epochs. The steps only measure the loss. Validation, checkpoints,
    early stopping and the test work as in any other training, and so does resuming.

    Parameters
    ----------
    model : the trees.
    objective : loss that knows `boosted`.
    optimizer : not used.
    seed : the run's seed.
    options : of the trainer.

    Raises
    ------
    ConfigError : options that only trained weights have, several devices, or no XGBoost.
    """

    model: BoostedTrees

    def __init__(
        self, model: BoostedTrees, objective: Objective, optimizer: Optimizer, seed: int, options: TrainerOptions
    ):
        for key, only in (("ema", None), ("swa", None), ("lr_find", False), ("devices", 1), ("num_nodes", 1)):
            if (value := getattr(options, key)) != only:
                must, got = ("null" if x is None else str(x).lower() for x in (only, value))  # as YAML writes them
                raise ConfigError(f"trainer.{key} must be {must} with boosted trees, got {got}")
        for key in ("freeze", "unfreeze", "lr_factor"):
            if getattr(optimizer, key):
                raise ConfigError(f"optimizer.{key} has no meaning for boosted trees: leave it out")
        if options.max_epochs:
            require_xgboost()
        super().__init__(model, objective, optimizer, seed)
        self.automatic_optimization = False

    @property
    def trains(self) -> bool:
        return True

    def configure_optimizers(self):
        # no step is ever taken; the record of an epoch has the rate
        return torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=self.model.shrinkage)

    def training_step(self, batch, batch_idx: int) -> None:
        share = (self.current_epoch + 1) / self.max_epochs
        until = min(math.ceil(self.model.n_trees * share - 1e-9), self.model.n_trees)
        if int(self.model.n_grown) < until:
            self.model.grow(*self._of_training_split(), until, self.seed)
        with torch.no_grad():
            terms, _ = self.objective.terms(self.model, batch)
        self.count(terms, batch)

    def _of_training_split(self) -> tuple[Tensor, Tensor, Tensor | None, Literal["classes", "squares"]]:
        """Features, target and weight of all training examples, and the loss of the trees."""
        features, targets, weights = [], [], []
        for batch in self.training_examples():
            loss, target = self.objective.boosted(batch)
            features.append(batch.features)
            targets.append(target)
            weights.append(batch.weight)
        weight = None if weights[0] is None else torch.cat(weights)
        return torch.cat(features), torch.cat(targets), weight, loss
