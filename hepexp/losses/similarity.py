"""What losses share that turn similarities into probabilities: InfoNCE, NT-Xent, the supervised contrastive loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from hepexp.losses.embedding import EmbeddingObjective, on_sphere
from hepexp.losses.states import CircuitStates
from hepexp.losses.temperature import Temperature


class SimilarityObjective(EmbeddingObjective):
    """A loss of similarities s(z_a, z_b) / tau of all pairs.

    Parameters
    ----------
    temperature : tau.
    learn_temperature : whether tau is trained, between 0.01 and 1.
    similarity : `cosine`, or `fidelity` of circuit states: F, or S of pairwise swap tests (loss.states.swap_test).

    Raises
    ------
    ConfigError : a temperature that is too small, or out of bounds where it is learnt.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        learn_temperature: bool = False,
        similarity: Literal["cosine", "fidelity"] = "cosine",
        projector: Sequence[int] = (),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        self.temperature = Temperature(temperature, learn_temperature)
        self.by_fidelity = similarity == "fidelity"
        if self.by_fidelity:
            self.states = self._states(states, "loss.similarity=fidelity")

    @property
    def _compared(self) -> CircuitStates:
        assert self.states is not None  # as similarity=fidelity
        return self.states

    def rows(self, projection: Tensor) -> Tensor:
        """What projections (B, P) are compared by: unit vectors, or states."""
        return self._compared(projection) if self.by_fidelity else on_sphere(projection)

    def logits(self, a: Tensor, b: Tensor) -> Tensor:
        """s / tau (A, B) of all pairs of rows."""
        similarity = self._compared.similarities(a, b) if self.by_fidelity else a @ b.T
        return similarity / self.temperature()

    def logged(self) -> dict[str, Tensor]:
        return {"temperature": self.temperature()} if self.temperature.learnt else {}
