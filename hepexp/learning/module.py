"""The Lightning module that trains whatever model and objective were composed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.data.loading.experiment_data import data_of
from hepexp.errors import HepexpError
from hepexp.evaluation.evaluators.evaluator import ELEMENT, OBSERVED, refuse_not_finite
from hepexp.learning.as_read import as_read
from hepexp.learning.fine_tuning import fine_tuning
from hepexp.learning.gathering import gather_examples
from hepexp.learning.generation import Generation
from hepexp.learning.optimizers import Optimizer
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import share, weight_of
from hepexp.metric import Metric

METRICS = (
    Metric(
        "train/prior",
        "neither",
        "prior",
        "What the prior of a model's weights adds to the loss that is minimised; not part of train/loss.",
        range=">= 0",
        recorded=False,
    ),
)


class ExperimentModule(pl.LightningModule):
    """A model under an objective.

    Every random number of a training step comes from (seed, step, rank), so a resumed run continues as if it had never
    stopped.

    Parameters
    ----------
    model : module of one batch. If it has a method minus_log_prior, what that returns is added to the loss in training.
    objective : loss terms from (model, batch), and per-example outputs.
    optimizer : builder of the torch optimiser and its schedule.
    seed : the run's seed.
    compile_model : run the model through torch.compile.
    """

    def __init__(
        self, model: nn.Module, objective: Objective, optimizer: Optimizer, seed: int, compile_model: bool = False
    ):
        super().__init__()
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.seed = seed
        self.fine_tuning = fine_tuning(optimizer, self)
        for name, parameter in self.named_parameters():
            if self.fine_tuning.starts.get(name, 1) is None:
                parameter.requires_grad_(False)
        self._statistics = list(self.fine_tuning.statistics(self))
        # compiled beside the model, not in its place: the state dict keeps the model's own names
        self._call = [cast(nn.Module, torch.compile(model)) if compile_model else model]
        self._sums: dict[str, Tensor] = {}
        self._examples: float | Tensor = 0  # seen in the epoch, or the sum of the absolute values of their weights
        self._collected: list[dict[str, Tensor]] = []
        self._gallery: dict[str, np.ndarray] = {}
        self._n_steps = 1  # of the whole training, once it has begun
        self.references: Callable[[], Iterable] = tuple  # gives batches of training examples to compare with
        self.training_examples: Callable[[], Iterable] = tuple  # gives batches of all of them
        self.columns: Callable[[np.ndarray], dict[str, np.ndarray]] = (
            lambda rows: {}
        )  # the evaluator's, of the data set
        self.draw_views: Callable[[Batch, int], tuple[Batch, Batch]] | None = None  # of a batch, by a seed
        self.augment: Callable[[Batch, int], Batch] | None = None  # transforms a training batch, by a seed
        self.generation: Generation | None = None  # where the objective generates examples
        self.mean_weight: float | None = None  # mean absolute weight of the training examples, where it is known
        self.weighted = True  # whether the weights of the examples, if any, count in the evaluation
        self.outputs: dict[str, np.ndarray] = {}  # per example, of the last validation or test

    @property
    def trains(self) -> bool:
        """Whether there is anything to train; a fixed circuit has no parameters, or an empty one."""
        return any(parameter.requires_grad and parameter.numel() for parameter in self.parameters())

    def configure_optimizers(self):
        groups = self.fine_tuning.groups(self.named_parameters(), self.optimizer.lr)
        return self.optimizer.for_lightning(groups, self.total_steps(), self.objective.monitor)

    def total_steps(self) -> int:
        """Number of steps of the whole training, over which a schedule runs."""
        # Lightning's own estimate would create the loader before a resumed run knows where to start in it
        batches = len(data_of(self.trainer).train_dataloader())
        return math.ceil(batches / self.trainer.accumulate_grad_batches) * self.max_epochs

    @property
    def max_epochs(self) -> int:
        """Number of epochs of the whole training."""
        assert self.trainer.max_epochs is not None, "the options of every trainer set it"
        return self.trainer.max_epochs

    # --- training

    def on_train_start(self) -> None:
        self._n_steps = self.total_steps()

    def on_train_epoch_start(self) -> None:
        self._sums, self._examples = {}, 0

    def on_train_batch_start(self, batch, batch_idx: int) -> None:
        torch.manual_seed((self.seed * 1_000_003 + self._batch_number(batch_idx)) * 4096 + self.global_rank)
        for layer, names in self._statistics:  # Lightning sets the modes of all layers after a validation
            layer.train(not any(self.fine_tuning.is_frozen(name, self.current_epoch + 1) for name in names))

    def _batch_number(self, batch_idx: int) -> int:
        n = self.trainer.accumulate_grad_batches
        return self.trainer.global_step * n + batch_idx % n  # batches of one step differ, in dropout

    def with_views(self, batch: Batch, number: int, stage: str) -> Batch:
        """The batch with two random views of its examples, if there are any.

        Parameters
        ----------
        number : of the batch, which determines the views, together with seed, rank and stage.
        stage : `train`, or `test` for views that are the same in each epoch.
        """
        if self.draw_views is None:
            return batch
        return replace(batch, views=self.draw_views(batch, self._seed_of(stage, number)))

    def augmented(self, batch: Batch, batch_idx: int) -> Batch:
        """A training batch with its examples transformed at random, if they are to be."""
        if self.augment is None:
            return batch
        return self.augment(batch, self._seed_of("augment", self._batch_number(batch_idx)))

    def _seed_of(self, purpose: str, number: int) -> int:
        """A seed for one batch; hashed, so that the device does not draw the same numbers for views as for dropout."""
        entropy = (self.seed, ("train", "test", "augment").index(purpose), number, self.global_rank)
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)

    def on_after_backward(self) -> None:
        if self.fine_tuning.is_gradual:
            # Without a gradient the optimiser leaves a parameter alone, its weight decay too. `requires_grad` would
            # not do: processes that train together agree at the start on which gradients they exchange.
            for name, parameter in self.named_parameters():
                if self.fine_tuning.is_frozen(name, self.current_epoch + 1):
                    parameter.grad = None

    def training_step(self, batch, batch_idx: int) -> Tensor | None:
        """The loss of a batch; None where the module has taken the steps itself."""
        batch = self.with_views(self.augmented(batch, batch_idx), self._batch_number(batch_idx), "train")
        terms, _ = self.objective.terms(self._call[0], batch)
        if "loss" not in terms:
            raise HepexpError(
                f"{type(self.objective).__name__}.terms gives no 'loss', got {', '.join(terms) or 'none'}"
            )
        loss, weight = terms["loss"], weight_of(batch)
        if weight is not None and self.mean_weight is not None:
            loss = loss * share(weight, self.mean_weight)
        if prior := getattr(self.model, "minus_log_prior", None):
            terms["prior"] = prior()
            loss = loss + terms["prior"]
        self.count(terms, batch)
        n = self.trainer.accumulate_grad_batches
        left = self.trainer.num_training_batches - batch_idx // n * n
        # Lightning divides by n, also in the last step of an epoch, which may have fewer batches
        return loss if left >= n else loss * (n / left)

    def optimizer_step(self, *args, **more) -> None:
        super().optimizer_step(*args, **more)
        self.objective.after_step(self.model, (self.trainer.global_step + 1) / self._n_steps)

    def count(self, terms: dict[str, Tensor], batch) -> None:
        """Add the loss terms of a batch to the means of the epoch."""
        weight = weight_of(batch)
        n = len(batch) if weight is None else weight.abs().sum()
        for name, value in terms.items():
            value = value.detach() * n
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._examples += n
        self.last_loss = terms["loss"].detach()  # read by the progress bar, which decides when to wait for it

    def training_means(self) -> dict[str, float]:
        """Mean of every loss term over the epoch so far and over all ranks."""
        if not self._sums:
            return {}
        names = sorted(self._sums)
        totals = torch.stack(
            [self._sums[n].double() for n in names] + [torch.tensor(float(self._examples), device=self.device)]
        )
        if self.trainer.world_size > 1:
            torch.distributed.all_reduce(totals)
        values = (totals[:-1] / totals[-1]).tolist()
        return dict(zip(names, values, strict=True))

    # --- validation and test

    def _evaluation_step(self, batch, batch_idx: int, of_epoch: bool = False) -> None:
        batch = self.with_views(batch, batch_idx, "test")
        terms, outputs = (self.objective.terms_of_epoch if of_epoch else self.objective.terms)(self._call[0], batch)
        if of_epoch and not self.objective.evaluator.of_elements:
            outputs = {name: value for name, value in outputs.items() if not name.startswith(ELEMENT)}
        row = {"index": batch.index, "label": batch.label, **_weights(batch), **outputs}
        if "loss" not in outputs:  # the loss of a whole batch, weighted by its number of examples
            row["batch_loss"] = terms["loss"].expand(len(batch))
        self._collected.append({name: value.detach() for name, value in row.items()})

    def _collect(self) -> None:
        self.outputs = self._gathered()
        if not self.weighted:
            self.outputs.pop("weight", None)
        if self.objective.evaluator.references:
            self.outputs |= self._of_training("reference", self.references())
        learnt = self.objective.learnt(self.model)
        self.outputs |= {f"model/{name}": value.detach().double().cpu().numpy() for name, value in learnt.items()}

    def _of_training(self, name: str, batches: Iterable) -> dict[str, np.ndarray]:
        """Columns `<name>/...` of training examples."""
        for batch in batches:
            self._prediction_step(self.transfer_batch_to_device(batch, self.device, 0))
        return {f"{name}/{key}": values for key, values in self._gathered().items()}

    def _gathered(self) -> dict[str, np.ndarray]:
        """What all ranks collected, in the order of the index."""
        columns = {
            name: torch.cat([row[name] for row in self._collected]).float().cpu().numpy()
            if self._collected[0][name].is_floating_point()
            else torch.cat([row[name] for row in self._collected]).cpu().numpy()
            for name in self._collected[0]
        }
        self._collected = []
        return gather_examples(columns, self.trainer.world_size)

    def validation_step(self, batch, batch_idx: int) -> None:
        self._evaluation_step(batch, batch_idx, of_epoch=True)

    def on_validation_epoch_end(self) -> None:
        self._collect()
        self.outputs |= self.columns(self.outputs["index"])
        if self.generation is not None:
            self.outputs |= self.generation.of_epoch(self._call[0], self.outputs["index"])
        for name, value in self.objective.evaluator.quick(self.outputs).items():
            self.log(f"val/{name}", value, rank_zero_only=False, batch_size=len(self.outputs["label"]))

    def test_step(self, batch, batch_idx: int) -> None:
        self._evaluation_step(batch, batch_idx)
        if batch_idx == self.trainer.num_test_batches[0] // 2:  # batches are in order of size: a typical one
            shown = self.objective.gallery(self._call[0], batch)
            self._gallery = {f"gallery/{name}": values.float().cpu().numpy() for name, values in shown.items()}

    def on_test_epoch_end(self) -> None:
        self._collect()
        if self.objective.evaluator.training:
            self.outputs |= self._of_training("training", self.training_examples())
        self.outputs |= self.columns(self.outputs["index"])
        refuse_not_finite(self.outputs)
        self.outputs |= self.objective.of_test(self.outputs)
        self.outputs = self._as_read(self.trainer.test_dataloaders) | self._gallery
        self.outputs |= self._observed(self.trainer.test_dataloaders)
        if self.generation is not None:
            self.outputs |= self.generation.of_test(self._call[0], self.outputs["index"])

    def predict_step(self, batch, batch_idx: int) -> None:
        self._prediction_step(batch)

    def _prediction_step(self, batch) -> None:
        outputs = self.objective.outputs(self._call[0], batch)
        row = {"index": batch.index, "label": batch.label, **outputs}
        self._collected.append({name: value.detach() for name, value in row.items()})

    def on_predict_epoch_end(self) -> None:
        self._collect()
        refuse_not_finite(self.outputs)
        self.outputs = self._as_read(self.trainer.predict_dataloaders)
        self.outputs |= self._observed(self.trainer.predict_dataloaders)

    def _as_read(self, loader) -> dict[str, np.ndarray]:
        """The outputs, with those of elements by the places that these have in the examples that were read."""
        return as_read(self.outputs, getattr(loader, "dataset", None))

    def _observed(self, loader) -> dict[str, np.ndarray]:
        """What the data set carries into predictions.parquet, of the examples that were collected."""
        observed = getattr(getattr(loader, "dataset", None), "observed", None)
        found = observed(self.outputs["index"]) if observed else {}
        return {f"{OBSERVED}{name}": values for name, values in found.items()}

    # --- checkpoints

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["epoch_sums"] = {
            "examples": float(self._examples) if isinstance(self._examples, Tensor) else self._examples,
            **{f"sum/{n}": v.cpu() for n, v in self._sums.items()},
        }

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        saved = dict(checkpoint.get("epoch_sums", {"examples": 0}))
        self._examples = saved.pop("examples")
        self._sums = {name.removeprefix("sum/"): value.to(self.device) for name, value in saved.items()}


def _weights(batch) -> dict[str, Tensor]:
    weight = weight_of(batch)
    return {} if weight is None else {"weight": weight}
