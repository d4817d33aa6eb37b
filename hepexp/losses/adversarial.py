"""What adversarial objectives share: two players, each with its own loss."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.losses.objective import Model, Objective
from hepexp.metric import Metric

Terms = dict[str, Tensor]


class AdversarialObjective(Objective[Model]):
    """The model is one player, the generator; the other is the critic, a submodule of the objective.

    Each has its own loss and its own learning rate, with the same kind of optimiser; on every batch the learning loop
    steps the critic, then the generator. In evaluation `terms` returns both, the critic's as `critic_<name>`.

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.

    Attributes
    ----------
    critic : module trained by the second optimiser; to be built in the constructor or in `prepare`.
    generator_steps : steps of the generator for each one of the critic, on the same batch.

    Raises
    ------
    ConfigError : a rate that is not positive.
    """

    metrics: tuple[Metric, ...] = (
        Metric(
            "train/critic_loss",
            "neither",
            "critic loss",
            "-ln D(x) - ln (1 - D(g x)), what the critic minimises; 2 ln 2 if it guesses.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/critic_accuracy",
            "neither",
            "critic accuracy",
            "Fraction of original and transformed examples that the critic gets right.",
            range="0 to 1; 0.5 is chance",
            recorded=False,
        ),
    )
    critic: nn.Module
    generator_steps: int = 1

    def __init__(self, critic_lr: float):
        super().__init__()
        if not critic_lr > 0:
            raise ConfigError(f"loss.critic_lr must be > 0, got {critic_lr}")
        self.critic_lr = critic_lr

    def generator_terms(self, model: Model, batch) -> tuple[Terms, dict[str, Tensor]]:
        """Loss terms of the generator and outputs of one batch, as `Objective.terms`."""
        raise NotImplementedError(f"{type(self).__name__} has no loss terms for the generator")

    def critic_terms(self, model: Model, batch) -> Terms:
        """Loss terms of the critic: "loss", and "accuracy", the fraction it gets right; no gradient of the model."""
        raise NotImplementedError(f"{type(self).__name__} has no loss terms for the critic")

    def terms(self, model: Model, batch) -> tuple[Terms, dict[str, Tensor]]:
        terms, outputs = self.generator_terms(model, batch)
        return {**terms, **of_critic(self.critic_terms(model, batch))}, outputs


def of_critic(terms: Terms) -> Terms:
    """The terms of the critic under the names by which they are logged beside the generator's."""
    return {f"critic_{name}": value for name, value in terms.items()}
