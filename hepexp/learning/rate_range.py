"""The range test that `trainer.lr_find` sets the learning rate by."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pytorch_lightning.tuner import Tuner

from hepexp.errors import ConfigError, HepexpError
from hepexp.figures import COLOURS, figure
from hepexp.learning.components import Components
from hepexp.learning.optimizers import Optimizer

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
WARM_UP = 10  # first steps that are left out: their running mean has few losses in it


@dataclass(frozen=True)
class RateRange:
    """Losses of a training whose rate grows by a factor at every step.

    Parameters
    ----------
    rates, losses : of each step; the losses are running means.
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls most steeply with the logarithm of the rate (arXiv:1506.01186).

        Raises
        ------
        HepexpError : the loss falls nowhere.
        """
        slopes = np.gradient(self.losses, np.log(self.rates))[WARM_UP:-1]
        slopes[~np.isfinite(slopes)] = np.inf
        if not len(slopes) or slopes.min() >= 0:
            raise HepexpError(
                f"trainer.lr_find: the loss falls at no rate from {LOWEST:g} to {self.rates[-1]:.1g}; set optimizer.lr"
            )
        return float(f"{self.rates[WARM_UP + int(slopes.argmin())]:.2e}")

    def draw(self, path: Path) -> None:
        """Loss against rate, with the chosen one."""
        with figure(path, 5.0, 3.4, "range test of the learning rate") as drawing:
            axes = drawing.subplots()
            axes.plot(self.rates, self.losses, color=COLOURS[0])
            axes.axvline(self.steepest, color="0.4", linestyle="--", label=f"steepest: {self.steepest:.3g}")
            axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, running mean")
            axes.legend()


def check(components: Components, overrides: list[str]) -> None:
    """Refuse a search whose result would not be used.

    Raises
    ------
    ConfigError : a rate was typed too, or nothing is trained.
    """
    if not components.trainer.lr_find:
        return
    if typed := [word for word in overrides if word.lstrip("+").startswith("optimizer.lr=")]:
        raise ConfigError(f"trainer.lr_find sets optimizer.lr: leave out {typed[-1].lstrip('+')}, or trainer.lr_find")
    if not (components.trainer.max_epochs and components.module.trains):
        raise ConfigError("trainer.lr_find has no effect: this run trains nothing")


def rate_range(components: Components) -> RateRange:
    """Train from 1e-6 to a rate of 1 in 100 steps, or until the loss is four times the lowest.

    All layers that are trained take the same rate, whatever `optimizer.lr_factor`. The components are used up.
    """
    options = copy.copy(components.trainer)
    options.max_epochs = STEPS * options.accumulate  # an epoch has one batch or more
    components.module.optimizer = _constant(components.module.optimizer)
    trainer = options.build([])
    with tempfile.TemporaryDirectory() as folder:
        trainer._default_root_dir = folder  # for a copy of the initial weights
        found = Tuner(trainer).lr_find(
            components.module,
            datamodule=components.data,
            min_lr=LOWEST,
            max_lr=HIGHEST,
            num_training=STEPS,
            update_attr=False,
        )
    return RateRange(np.array(found.results["lr"]), np.array(found.results["loss"]))


def _constant(optimizer: Optimizer) -> Optimizer:
    """The optimiser without a schedule of its own."""
    other = copy.copy(optimizer)
    other.schedule = "constant"
    return other
