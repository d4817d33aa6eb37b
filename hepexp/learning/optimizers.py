"""Optimisers with their learning-rate schedule: the group `optimizer`."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Literal, Self

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from hepexp.config.annotated_keys import AnnotatedKeys
from hepexp.errors import ConfigError
from hepexp.learning.schedules import MILESTONE_FACTOR, MILESTONES, PLATEAU, SCHEDULES, Schedule, multi_step

ScheduleName = Literal[
    "constant", "cosine", "warmup_cosine", "flat_decay", "warmup_restarts", "one_cycle", "multi_step", "plateau"
]


class Optimizer(AnnotatedKeys):
    """What the optimisers share: the schedule, stepped after every batch, or every epoch if it follows a metric.

    Parameters
    ----------
    lr : base learning rate.
    schedule : shape of the learning-rate curve over the training.
    milestones : fractions of the training at which multi_step lowers the rate; null for [0.5, 0.75].
    milestone_factor : what multi_step multiplies the rate by at each of them; null for 0.1.
    freeze : layers that are not trained: names of parameters or submodules, with * and ?; body is all but the head.
    unfreeze : frozen layers that are trained from an epoch on: {2: [blocks.3], 4: body}; the first epoch is 1.
    lr_factor : factor on the learning rate for layers, named as in freeze: {body: 0.1}; the last that fits counts.
        Fresh layers have the full rate, unless a pattern names no others.

    Raises
    ------
    ConfigError : a value out of range.
    """

    lr: float = 1e-3
    schedule: ScheduleName = "constant"
    milestones: list[float] | None = None
    milestone_factor: float | None = None
    freeze: Sequence[str] | str = ()
    unfreeze: dict[int, list[str] | str] | None = None
    lr_factor: dict[str, float] | None = None

    def __post_init__(self) -> None:
        self._check()

    def torch_optimizer(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """The torch optimiser over these parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not say which torch optimiser it is")

    def at_rate(self, lr: float) -> Self:
        """The same kind of optimiser with another learning rate, for a second player."""
        other = copy.copy(self)
        other.lr = lr
        return other

    def build(
        self, parameters: Iterable[torch.nn.Parameter], total_steps: int, mode: Literal["min", "max"] = "min"
    ) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """The optimiser and its schedule over `total_steps` batches; `mode` says which values a plateau has better."""
        optimizer = self.torch_optimizer(parameters)
        if self.schedule == PLATEAU:
            return optimizer, ReduceLROnPlateau(optimizer, mode, factor=0.5, patience=3)
        factor = self.curve()
        return optimizer, LambdaLR(optimizer, lambda step: factor(step / max(total_steps, 1)))

    def curve(self) -> Schedule:
        """The factor on the base rate at a fraction of the training, of a schedule that is a curve."""
        if self.schedule != "multi_step":
            return SCHEDULES[self.schedule]
        milestones = MILESTONES if self.milestones is None else self.milestones
        factor = MILESTONE_FACTOR if self.milestone_factor is None else self.milestone_factor
        return partial(multi_step, milestones=milestones, factor=factor)

    def for_lightning(
        self, parameters: Iterable[torch.nn.Parameter], total_steps: int, monitor: tuple[str, Literal["min", "max"]]
    ) -> dict[str, Any]:
        """What Lightning's `configure_optimizers` gives; `monitor` is the objective's."""
        value, mode = monitor
        optimizer, scheduler = self.build(parameters, total_steps, mode)
        when = {"interval": "epoch", "monitor": value} if self.schedule == PLATEAU else {"interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, **when}}

    def _check(self, **non_negative: float) -> None:
        if not self.lr > 0:
            raise ConfigError(f"optimizer.lr must be > 0, got {self.lr}")
        names = (*SCHEDULES, PLATEAU)
        if self.schedule not in names:
            raise ConfigError(f"optimizer.schedule must be one of {', '.join(names)}, got {self.schedule!r}")
        self._check_milestones()
        for name, value in non_negative.items():
            if not value >= 0:
                raise ConfigError(f"optimizer.{name} must be >= 0, got {value}")
        for pattern, factor in (self.lr_factor or {}).items():
            if not factor > 0:
                raise ConfigError(f"optimizer.lr_factor.{pattern} must be > 0, got {factor}; optimizer.freeze stops it")
        for epoch in self.unfreeze or {}:
            if epoch < 2:
                raise ConfigError(f"optimizer.unfreeze names epochs from 2 on (the first is 1), got {epoch}")

    def _check_milestones(self) -> None:
        for name in ("milestones", "milestone_factor"):
            if getattr(self, name) is not None and self.schedule != "multi_step":
                raise ConfigError(f"optimizer.{name} is of optimizer.schedule=multi_step, got {self.schedule}")
        if self.milestones is not None and not (self.milestones and all(0 < m < 1 for m in self.milestones)):
            raise ConfigError(
                f"optimizer.milestones must be fractions of the training, between 0 and 1, got {list(self.milestones)}"
            )
        if self.milestone_factor is not None and not 0 < self.milestone_factor < 1:
            raise ConfigError(f"optimizer.milestone_factor must be between 0 and 1, got {self.milestone_factor}")


def _two_decays(betas: Iterable[float]) -> tuple[float, float]:
    """Adam's betas; ConfigError where they are not two numbers in [0, 1)."""
    given = list(betas)
    if len(given) != 2 or not all(0 <= beta < 1 for beta in given):
        raise ConfigError(f"optimizer.betas must be two numbers in [0, 1), got {given}")
    return given[0], given[1]


class Adam(Optimizer):
    """Adam (arXiv:1412.6980).

    Parameters
    ----------
    weight_decay : L2 term added to the gradient.
    betas : decay of the running means of the gradient and of its square.
    eps : added to the root of the mean square of the gradient.
    """

    weight_decay: float = 0.0
    betas: Sequence[float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        self.betas = _two_decays(self.betas)
        self._check(weight_decay=self.weight_decay)
        if not 0 < self.eps < 1:
            raise ConfigError(f"optimizer.eps must be in (0, 1), got {self.eps}")

    def torch_optimizer(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, **self._keys())

    def _keys(self) -> dict[str, Any]:
        return {"lr": self.lr, "weight_decay": self.weight_decay, "betas": self.betas, "eps": self.eps}


class AdamW(Adam):
    """Adam with decoupled weight decay (arXiv:1711.05101).

    Parameters
    ----------
    weight_decay : decoupled weight decay, per step in units of the learning rate.
    """

    weight_decay: float = 1e-2
    schedule: ScheduleName = "warmup_cosine"

    def torch_optimizer(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, **self._keys())


class SGD(Optimizer):
    """Stochastic gradient descent.

    Parameters
    ----------
    momentum : fraction of the last step that is kept.
    weight_decay : L2 term added to the gradient.
    """

    lr: float = 2e-3
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        self._check(momentum=self.momentum, weight_decay=self.weight_decay)

    def torch_optimizer(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
