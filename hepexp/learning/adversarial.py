"""The Lightning module of adversarial training: two players, each with its own optimiser."""

from __future__ import annotations

from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from hepexp.errors import ConfigError
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import Optimizer
from hepexp.learning.trainer import TrainerOptions
from hepexp.losses.adversarial import AdversarialObjective, of_critic


class AdversarialModule(ExperimentModule):
    """A model, the generator, against the critic of an adversarial objective.

    On every batch the critic takes a step, then the generator, or several. Validation, testing, checkpoints and seeds
    work as in any other training.

    Parameters
    ----------
    model : module of one batch.
    objective : loss terms of both players.
    optimizer : builder of both optimisers; its rate is the generator's, the critic's is `objective.critic_lr`.
    seed : the run's seed.
    options : of the trainer; gradients are clipped for each player separately.

    Raises
    ------
    ConfigError : options that do not work with two alternating optimisers: accumulated batches, scaled gradients
        (16-mixed), a compiled model, several devices, weights averaged over epochs, frozen layers.
    """

    objective: AdversarialObjective

    def __init__(
        self,
        model: nn.Module,
        objective: AdversarialObjective,
        optimizer: Optimizer,
        seed: int,
        options: TrainerOptions,
    ):
        for key, value, only in (
            ("accumulate", options.accumulate, 1),
            ("compile", options.compile, False),
            ("devices", options.devices, 1),
            ("num_nodes", options.num_nodes, 1),
            ("swa", options.swa, None),
            ("lr_find", options.lr_find, False),
        ):
            if value != only:
                must, got = ("null" if x is None else str(x).lower() for x in (only, value))  # as YAML writes them
                raise ConfigError(f"trainer.{key} must be {must} in adversarial training, got {got}")
        if options.precision == "16-mixed":
            raise ConfigError(
                "trainer.precision must be 32-true, 64-true or bf16-mixed in adversarial training, got 16-mixed"
            )
        for key in ("freeze", "unfreeze", "lr_factor"):
            if getattr(optimizer, key):
                raise ConfigError(f"optimizer.{key} has no meaning in adversarial training: leave it out")
        super().__init__(model, objective, optimizer, seed)
        self.automatic_optimization = False
        self.gradient_clip = options.gradient_clip

    def configure_optimizers(self):
        critic = list(self.objective.critic.parameters())
        others = {id(parameter) for parameter in critic}
        generator = [parameter for parameter in self.parameters() if id(parameter) not in others]
        steps, (_, mode) = self.total_steps(), self.objective.monitor
        players = (
            self.optimizer.build(generator, steps, mode),
            self.optimizer.at_rate(self.objective.critic_lr).build(critic, steps, mode),
        )
        return [optimizer for optimizer, _ in players], [schedule for _, schedule in players]

    def training_step(self, batch, batch_idx: int) -> None:
        batch = self.augmented(batch, batch_idx)
        optimizers = self.optimizers()
        assert isinstance(optimizers, list), "of two players"
        generator, critic = optimizers
        critic_terms = self.objective.critic_terms(self.model, batch)
        self._step(critic, critic_terms["loss"])
        self.toggle_optimizer(generator)  # the critic is evaluated, but gets no gradient
        for _ in range(self.objective.generator_steps):
            terms, _ = self.objective.generator_terms(self.model, batch)
            self._step(generator, terms["loss"])
        self.untoggle_optimizer(generator)
        for schedule in self._schedules():
            if not isinstance(schedule, ReduceLROnPlateau):
                schedule.step()
        self.count({**terms, **of_critic(critic_terms)}, batch)

    def _schedules(self) -> list[LRScheduler | ReduceLROnPlateau]:
        schedules = self.lr_schedulers()
        assert isinstance(schedules, list), "of two players"
        return schedules

    def _step(self, optimizer: LightningOptimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        if self.gradient_clip is not None:
            self.clip_gradients(
                optimizer.optimizer, gradient_clip_val=self.gradient_clip, gradient_clip_algorithm="norm"
            )
        optimizer.step()

    def on_train_epoch_end(self) -> None:
        value = self.trainer.callback_metrics[self.objective.monitor[0]]
        for schedule in self._schedules():
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(value)
