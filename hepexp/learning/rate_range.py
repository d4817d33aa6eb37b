"""The range test that `trainer.lr_find` sets the learning rate by."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.tuner import Tuner, lr_finder

from hepexp.console import PlainConsole
from hepexp.errors import ConfigError, HepexpError
from hepexp.figures import COLOURS, figure
from hepexp.learning.components import Components
from hepexp.learning.optimizers import Optimizer

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
BETA = 0.98  # of the running mean that Lightning gives
START = 10  # steps at so low a rate that their mean is the loss of the start
MARGIN = 10  # between the largest stable rate and the one that is taken


@dataclass(frozen=True)
class RateRange:
    """Losses of a training whose rate grows by a factor at every step.

    Parameters
    ----------
    rates, losses : of each step.
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def smooth(self) -> np.ndarray:
        """The losses, averaged over neighbouring steps."""
        window = np.hanning(23)[1:-1]

        def summed(values: np.ndarray) -> np.ndarray:
            return np.convolve(np.pad(values, len(window) // 2), window, "valid")

        return summed(self.losses) / summed(np.ones(len(self.losses)))

    @property
    def chosen(self) -> float:
        """A tenth of the largest rate at which the loss is no higher than at the start (arXiv:1206.5533, 3.1.1).

        Within twice the scatter of the first steps, that is: batches differ.

        Raises
        ------
        HepexpError : it is higher at every rate.
        """
        first = self.losses[:START]
        stable = np.flatnonzero(self.smooth < first.mean() + 2 * first.std())
        if not len(stable) or stable[-1] < START:
            raise HepexpError(
                f"trainer.lr_find: the loss grows at every rate up to {self.rates[-1]:.1g}; set optimizer.lr"
            )
        return float(f"{self.rates[stable[-1]] / MARGIN:.2e}")

    def draw(self, path: Path) -> None:
        """Loss against rate, with the chosen one."""
        with figure(path, 5.0, 3.4, "range test of the learning rate") as drawing:
            axes = drawing.subplots()
            axes.plot(self.rates, self.losses, ".", color=COLOURS[4], markersize=3, label="each step")
            axes.plot(self.rates, self.smooth, color=COLOURS[0], label="mean over neighbours")
            axes.axvline(self.chosen, color="0.4", linestyle="--", label=f"chosen: {self.chosen:.3g}")
            low, high = self.losses[: -len(self.losses) // 5].min(), self.losses[:START].mean()
            axes.set(
                xscale="log", xlabel="learning rate", ylabel="training loss", ylim=(low - 0.05, 2 * high - low + 0.05)
            )
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

    The rate is `optimizer.lr`; each layer takes it times its own `optimizer.lr_factor`. The components are used up.
    """
    options, module = copy.copy(components.trainer), components.module
    options.max_epochs = STEPS * options.accumulate  # an epoch has one batch or more
    module.optimizer = _constant(module.optimizer)
    factors = module.fine_tuning.distinct_factors(module.named_parameters())

    def with_factors(optimizer: torch.optim.Optimizer) -> None:
        """Lightning's search sets one rate for all groups, anew after each step, and takes no callbacks."""
        for group, factor in zip(optimizer.param_groups, factors, strict=True):
            group["lr"] *= factor

    module.on_before_optimizer_step = with_factors  # type: ignore[method-assign]  # see above
    trainer = options.build([])
    with tempfile.TemporaryDirectory() as folder, _bar_on_terminals():
        # for a copy of the initial weights
        trainer._default_root_dir = folder  # type: ignore[attr-defined]  # Lightning does not declare it
        found = Tuner(trainer).lr_find(
            module,
            datamodule=components.data,
            min_lr=LOWEST,
            max_lr=HIGHEST,
            num_training=STEPS,
            update_attr=False,
        )
    assert found is not None, "the search is not skipped"
    losses = each_loss(np.array(found.results["loss"]))
    return RateRange(np.array(found.results["lr"])[: len(losses)], losses)


@contextmanager
def _bar_on_terminals() -> Iterator[None]:
    """Lightning's search draws its bar everywhere; as ours it belongs on a terminal, not into a pipe or a file."""
    before = lr_finder.tqdm
    lr_finder.tqdm = partial(before, disable=not PlainConsole(stderr=True).is_terminal)
    try:
        yield
    finally:
        lr_finder.tqdm = before


def each_loss(means: np.ndarray) -> np.ndarray:
    """The losses of which Lightning gives running means, up to the first that is not finite.

    Its mean of step i = 1, 2, ... is m_i = 0.98 m_(i-1) + 0.02 loss_i, divided by 1 - 0.98^(i+1).
    """
    means = means[: np.flatnonzero(~np.isfinite(np.append(means, np.nan)))[0]]
    sums = means * (1 - BETA ** np.arange(2, len(means) + 2))
    return (sums - BETA * np.append(0, sums[:-1])) / (1 - BETA)


def _constant(optimizer: Optimizer) -> Optimizer:
    """The optimiser without a schedule of its own."""
    other = copy.copy(optimizer)
    other.schedule = "constant"
    return other
