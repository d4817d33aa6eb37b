"""Learning-rate schedules: the factor on the base rate at a fraction of the training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """The base rate throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from the base rate to zero (arXiv:1608.03983, equation 5, without restarts)."""
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def warmup_cosine(progress: float) -> float:
    """The rate rises from a tenth in the first 5 % of the training, as attention needs; then half a cosine to zero."""
    warm_up = 0.05
    if progress < warm_up:
        return 0.1 + 0.9 * progress / warm_up
    return cosine((progress - warm_up) / (1.0 - warm_up))


def flat_decay(progress: float) -> float:
    """The base rate for 70 % of the training, then exponentially to a hundredth (arXiv:2202.03772, section 5.1)."""
    return 0.01 ** max(0.0, (min(progress, 1.0) - 0.7) / 0.3)


def one_cycle(progress: float) -> float:
    """Half a cosine from 1/25 to the base rate in the first 30 %, then half a cosine to 1/250,000 (arXiv:1708.07120).

    The numbers are those of torch's OneCycleLR; momentum stays as it is.
    """
    rise, lowest, last = 0.3, 1 / 25, 1 / 25e4
    if progress < rise:
        return 1.0 - (1.0 - lowest) * cosine(progress / rise)
    return last + (1.0 - last) * cosine((progress - rise) / (1.0 - rise))


MILESTONES = (0.5, 0.75)
MILESTONE_FACTOR = 0.1


def multi_step(progress: float, milestones: Sequence[float] = MILESTONES, factor: float = MILESTONE_FACTOR) -> float:
    """A tenth of the rate from half of the training on, a hundredth from three quarters (arXiv:1512.03385, 4.2).

    Parameters
    ----------
    milestones : fractions of the training at which the rate is multiplied by the factor.
    """
    return factor ** sum(progress >= milestone - 1e-9 for milestone in milestones)  # steps have rounded fractions


def _published_factors() -> list[float]:
    warm_up = [(epoch + 1) / 5 for epoch in range(4)]  # 0.2 ... 0.8; the fifth step is the first of the cosine
    cycles = [0.5 * (1.0 + math.cos(math.pi * k / length)) for length in (4, 8, 16) for k in range(length)]
    decay = [cycles[-1] * 0.5 ** (k + 1) for k in range(3)]
    return warm_up + cycles + decay


_WARMUP_RESTARTS = _published_factors()


def warmup_restarts(progress: float) -> float:
    """Linear warm-up, cosine cycles of 4, 8 and 16 epochs, then 3 epochs of halving (arXiv:2201.08187, section 4).

    The 35 published epochs are stretched over the training, whatever its length: with ``trainer.max_epochs=35`` every
    epoch has the published rate, and with fewer the curve keeps its shape.

    Parameters
    ----------
    progress : fraction of the training completed, from 0 to 1.
    """
    # The tolerance keeps k/35 from falling below k by rounding.
    step = math.floor(progress * len(_WARMUP_RESTARTS) + 1e-9)
    return _WARMUP_RESTARTS[min(step, len(_WARMUP_RESTARTS) - 1)]


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "warmup_cosine": warmup_cosine,
    "flat_decay": flat_decay,
    "warmup_restarts": warmup_restarts,
    "one_cycle": one_cycle,
    "multi_step": multi_step,
}
PLATEAU = "plateau"  # not a curve: halves the rate when the monitored value has not improved for over three epochs
