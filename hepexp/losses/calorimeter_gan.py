"""The GAN of CaloGAN: cross entropy, and how far the energy of a generated shower is from that of its particle."""

from __future__ import annotations

import math
from typing import Any, Protocol

from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.adversarial import Terms
from hepexp.losses.cross_entropy_gan import CrossEntropyGan
from hepexp.losses.gan import Generator
from hepexp.metric import Metric


class ShowerGenerator(Generator, Protocol):
    """A generator of showers, which knows how much too large the energies (B,) of examples are, in GeV."""

    def energy_excess(self, batch: Any) -> Tensor: ...


class CalorimeterGan(CrossEntropyGan[ShowerGenerator]):
    """The critic gives the logit of D, the probability that a shower is true; the generator wants it high:

        L_D = -E ln D(x) - E ln (1 - D(G(z))),    L_G = -E ln D(G(z)) + w E |E_tot - E|

    with the energies of all cells and of the particle in GeV. True and generated showers are separate batches for a
    critic that compares the examples of a batch.

    Parameters
    ----------
    critic_lr : learning rate of the critic; that of the generator is `optimizer.lr`.
    generator_steps : steps of the generator for each one of the critic.
    energy_weight : w, per GeV; 0 for none.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model without a critic, or that does not know the energies.

    References
    ----------
    M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, section 4.
    """

    evaluator: GenerationEvaluator
    metrics = (
        Metric(
            "train/energy_error",
            "lower",
            "energy error (GeV)",
            "Mean of |E_tot - E| of generated showers: energy of all cells, and of the particle.",
            range=">= 0",
            recorded=False,
        ),
    )
    option, players = "calorimeter_gan", "calogan"

    def __init__(self, critic_lr: float = 2e-5, generator_steps: int = 2, energy_weight: float = 0.05):
        super().__init__(critic_lr, generator_steps)
        if not 0 <= energy_weight < math.inf:
            raise ConfigError(f"loss.energy_weight must be >= 0, got {energy_weight}")
        self.energy_weight = energy_weight

    def prepare(self, model: nn.Module, example: Batch, spec: DataSpec) -> None:
        super().prepare(model, example, spec)
        if not hasattr(model, "energy_excess"):
            raise ConfigError(
                f"loss=calorimeter_gan needs the energies of showers, which {type(model).__name__} does not give; "
                "choose model=calogan, or loss=least_squares_gan"
            )

    def terms_of(self, model: ShowerGenerator, made: Batch) -> tuple[Terms, dict[str, Tensor]]:
        error = model.energy_excess(made).abs()
        each = self.of_generator(self.critic(made)) + self.energy_weight * error
        terms = {"loss": each.mean(), "energy_error": error.mean()}
        return terms, {} if self.training else {"loss": each.detach()}
