"""What adversarial objectives share: two players with a loss each, and a balance between them."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.losses.objective import Objective

Terms = dict[str, Tensor]


class AdversarialObjective(Objective):
    """The model is one player, the generator; the critic, a submodule of the objective, is the other.

    Each has a loss of its own and an optimiser of the same kind, at a rate of its own; the learning loop steps the
    critic, then the generator, on every batch. In evaluation `terms` gives both, those of the critic as `critic_<name>`.

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.
    rest_above : accuracy of the critic on a batch above which it is not trained on it. A critic that is always right
        tells the generator little, as its scores are flat where the examples are; 1 never lets it rest.

    Attributes
    ----------
    critic : module whose parameters the second optimiser trains; to be built in the constructor or in `prepare`.

    Raises
    ------
    ConfigError : a rate that is not positive, or a share outside [0.5, 1].
    """

    critic: nn.Module

    def __init__(self, critic_lr: float, rest_above: float):
        super().__init__()
        if not critic_lr > 0:
            raise ConfigError(f"loss.critic_lr must be > 0, got {critic_lr}")
        if not 0.5 <= rest_above <= 1:
            raise ConfigError(f"loss.rest_above must be between 0.5, where a critic guesses, and 1, got {rest_above}")
        self.critic_lr = critic_lr
        self.rest_above = rest_above

    def generator_terms(self, model: nn.Module, batch) -> tuple[Terms, dict[str, Tensor]]:
        """Loss terms of the generator and outputs of one batch, as `Objective.terms`."""
        raise NotImplementedError(f"{type(self).__name__} has no terms of the generator")

    def critic_terms(self, model: nn.Module, batch) -> Terms:
        """Loss terms of the critic: "loss", and "accuracy", its share of right answers; the model gets no gradient."""
        raise NotImplementedError(f"{type(self).__name__} has no terms of the critic")

    def critic_learns(self, terms: Terms) -> bool:
        """Whether the critic is trained on a batch that gave it these terms."""
        return self.rest_above >= 1 or float(terms["accuracy"]) <= self.rest_above

    def terms(self, model: nn.Module, batch) -> tuple[Terms, dict[str, Tensor]]:
        terms, outputs = self.generator_terms(model, batch)
        return {**terms, **of_critic(self.critic_terms(model, batch))}, outputs


def of_critic(terms: Terms) -> Terms:
    """The terms of the critic under the names by which they are logged beside the generator's."""
    return {f"critic_{name}": value for name, value in terms.items()}
