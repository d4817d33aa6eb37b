"""Least-squares GAN: a generator against the critic that it brings along."""

from __future__ import annotations

from torch import Tensor

from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.gan import Gan, Generator


class LeastSquaresGan(Gan[Generator]):
    """The critic D is to give 1 for true examples and 0 for those of the generator G, which wants 1:

        L_D = 1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2,    L_G = 1/2 E (D(G(z)) - 1)^2

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.

    Raises
    ------
    ConfigError : a rate that is not positive; from `prepare`, a model without a critic.

    References
    ----------
    X. Mao et al., arXiv:1611.04076; E. Buhmann, G. Kasieczka, J. Thaler, arXiv:2301.08128, equation 5.
    """

    evaluator: GenerationEvaluator
    option, players, boundary = "least_squares_gan", "epic_gan", 0.5

    def __init__(self, critic_lr: float = 1e-4):
        super().__init__(critic_lr)

    def of_generator(self, answer: Tensor) -> Tensor:
        return (answer - 1).square() / 2

    def of_critic(self, true: Tensor, false: Tensor) -> Tensor:
        return ((true - 1).square() + false.square()).mean() / 2
