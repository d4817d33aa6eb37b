"""The original GAN: a generator against the critic that it brings along, by cross entropy."""

from __future__ import annotations

from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.gan import Gan, Generator

MOST_STEPS = 100
Player = TypeVar("Player", bound=Generator)


class CrossEntropyGan(Gan[Player]):
    """The critic gives the logit of D, the probability that an example is true; the generator wants it high:

        L_D = -E ln D(x) - E ln (1 - D(G(z))),    L_G = -E ln D(G(z))

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.
    generator_steps : steps of the generator for each one of the critic.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model without a critic.

    References
    ----------
    I. Goodfellow et al., arXiv:1406.2661, section 3, with the generator's loss that does not saturate.
    """

    evaluator: GenerationEvaluator
    option, players, boundary = "cross_entropy_gan", "hadron_gan", 0.0

    def __init__(self, critic_lr: float = 1e-4, generator_steps: int = 1):
        super().__init__(critic_lr)
        if not 1 <= generator_steps <= MOST_STEPS:
            raise ConfigError(f"loss.generator_steps must be from 1 to {MOST_STEPS}, got {generator_steps}")
        self.generator_steps = generator_steps

    def of_generator(self, answer: Tensor) -> Tensor:
        return F.softplus(-answer)

    def of_critic(self, true: Tensor, false: Tensor) -> Tensor:
        return F.softplus(-true).mean() + F.softplus(false).mean()
