"""What generators and critics of any kind of GAN share: examples made from noise, and who may play."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.adversarial import AdversarialObjective, Terms
from hepexp.losses.content import content, with_content


@runtime_checkable
class Generator(Protocol):
    """A model that makes examples of noise, with a critic of its own."""

    def __call__(self, batch: Any, noise: Any = None) -> Tensor: ...
    def noise(self, batch: Any, random: torch.Generator | None = None) -> Any: ...
    def make_critic(self) -> nn.Module: ...


Player = TypeVar("Player", bound=Generator)


class Gan(AdversarialObjective[Player]):
    """A generator G of examples from noise, against the critic D that it brings along; a subclass has their losses.

    Any model with `noise(batch, random)`, `forward(batch, noise)` and `make_critic()` can learn it, where the critic
    gives a number (B,) for a batch. The best epoch is that of a distance of what it generates from the validation
    examples; the losses of two players say nothing about that. As both oscillate, an average of the weights is better
    than the last ones: trainer.ema.

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.

    Attributes
    ----------
    option : its name, for messages.
    players : a model that has a critic, for messages.
    boundary : output of the critic above which it takes an example for a true one.

    Raises
    ------
    ConfigError : a rate that is not positive; from `prepare`, a model without a critic.
    """

    evaluator: GenerationEvaluator
    monitor = ("val/w1", "min")
    generates = True
    option: str
    players: str
    boundary: float

    def __init__(self, critic_lr: float):
        super().__init__(critic_lr)
        self.evaluator = GenerationEvaluator()

    def of_generator(self, answer: Tensor) -> Tensor:
        """The generator's loss (B,) for the critic's answers to what it made."""
        raise NotImplementedError(f"{type(self).__name__} has no loss of the generator")

    def of_critic(self, true: Tensor, false: Tensor) -> Tensor:
        """The critic's loss for its answers to true and to generated examples."""
        raise NotImplementedError(f"{type(self).__name__} has no loss of the critic")

    def prepare(self, model: nn.Module, example: Batch, spec: DataSpec) -> None:
        if not isinstance(model, Generator):
            raise ConfigError(
                f"loss={self.option} needs a generator with a critic, but {type(model).__name__} has none; choose "
                f"model={self.players}"
            )
        with torch.no_grad():
            made = model(example)
        if made.shape != content(example).shape:
            raise ConfigError(
                f"loss={self.option} needs a generator of examples of shape {tuple(content(example).shape)}; "
                f"{type(model).__name__} gives {tuple(made.shape)}"
            )
        self.critic = model.make_critic().to(made.dtype)

    def generator_terms(self, model: Player, batch: Batch) -> tuple[Terms, dict[str, Tensor]]:
        return self.terms_of(model, self._made(model, batch))

    def terms_of(self, model: Player, made: Batch) -> tuple[Terms, dict[str, Tensor]]:
        """Loss terms of the generator and outputs for the examples that it made."""
        each = self.of_generator(self.critic(made))
        return {"loss": each.mean()}, {} if self.training else {"loss": each.detach()}

    def critic_terms(self, model: Player, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self._made(model, batch)
        true, false = self.critic(batch), self.critic(made)
        right = ((true > self.boundary).float() + (false <= self.boundary).float()) / 2
        return {"loss": self.of_critic(true, false), "accuracy": right.mean()}

    def generate(self, model: Player, batch: Batch, random: torch.Generator | None, quick: bool = False) -> Batch:
        return with_content(batch, model(batch, model.noise(batch, random)))

    def _made(self, model: Player, batch: Batch) -> Batch:
        """Generated examples; in validation from the same noise in each epoch."""
        random = None if self.training else torch.Generator().manual_seed(len(batch))
        return self.generate(model, batch, random)
