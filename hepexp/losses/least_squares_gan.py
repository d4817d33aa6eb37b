"""Least-squares GAN: a generator against the critic that it brings along."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.adversarial import AdversarialObjective, Terms
from hepexp.losses.content import content, with_content


class LeastSquaresGan(AdversarialObjective):
    """The critic D is to give 1 for true examples and 0 for those of the generator G, which wants 1:

        L_D = 1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2,    L_G = 1/2 E (D(G(z)) - 1)^2

    Any model with `noise(batch, random)`, `forward(batch, noise)` and `make_critic()` can learn it, where the critic
    gives a number (B,) for a batch. The best epoch is that of a distance of what it generates from the validation
    examples; the losses of two players say nothing about that. As both oscillate, an average of the weights is better
    than the last ones: trainer.ema.

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
    monitor = ("val/w1", "min")
    generates = True

    def __init__(self, critic_lr: float = 1e-4):
        super().__init__(critic_lr)
        self.evaluator = GenerationEvaluator()

    def prepare(self, model: nn.Module, example: Batch, spec: DataSpec) -> None:
        if not (hasattr(model, "make_critic") and hasattr(model, "noise")):
            raise ConfigError(
                f"loss=least_squares_gan needs a generator with a critic, but {type(model).__name__} has none; choose "
                "model=epic_gan"
            )
        with torch.no_grad():
            made = model(example)
        if made.shape != content(example).shape:
            raise ConfigError(
                f"loss=least_squares_gan needs a generator of examples of shape {tuple(content(example).shape)}; "
                f"{type(model).__name__} gives {tuple(made.shape)}"
            )
        self.critic = model.make_critic().to(made.dtype)

    def generator_terms(self, model: nn.Module, batch: Batch) -> tuple[Terms, dict[str, Tensor]]:
        each = (self.critic(self._made(model, batch)) - 1).square() / 2
        return {"loss": each.mean()}, {} if self.training else {"loss": each.detach()}

    def critic_terms(self, model: nn.Module, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self._made(model, batch)
        true, false = self.critic(batch), self.critic(made)
        right = ((true > 0.5).float() + (false <= 0.5).float()) / 2
        return {"loss": ((true - 1).square() + false.square()).mean() / 2, "accuracy": right.mean()}

    def generate(self, model: nn.Module, batch: Batch, random: torch.Generator, quick: bool = False) -> Batch:
        return with_content(batch, model(batch, model.noise(batch, random)))

    def _made(self, model: nn.Module, batch: Batch) -> Batch:
        """Generated examples; in validation from the same noise in each epoch."""
        random = None if self.training else torch.Generator().manual_seed(len(batch))
        return self.generate(model, batch, random)
