"""What objectives on embeddings share: a projector that is trained with the model and discarded, views, fidelities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.losses.across_ranks import batch_of_all_ranks, of_all_ranks
from hepexp.losses.objective import Objective, width_of
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weight_of, weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.dense import dense
from hepexp.precision import full_precision


class EmbeddingObjective(Objective):
    """A loss on the projections of a batch; the model's own output (B, D) is the embedding that is evaluated.

    Where examples have two random views (`dataset.views`), their projections are compared in place of those of the
    examples, whose embeddings are evaluated all the same. A loss on one batch takes the views for a batch of twice as
    many examples, as in arXiv:2004.11362; one that compares view with view has `compare_views`. In a distributed
    training it is the loss of the examples of all devices together, which each of them computes.

    With alpha < 1 it is combined with the fidelity F of circuit states of the projections:
    L = alpha L_c + (1 - alpha)(1 - F). F is that of the two views of each example where the loss compares these, and
    otherwise that of each example and the others of its class in the batch, averaged over examples.

    Parameters
    ----------
    projector : widths of the projector's layers; the last is the dimension of the space in which examples are compared.
        Empty to compare the embeddings themselves.
    alpha : weight of the contrastive loss in L = alpha L_c + (1 - alpha)(1 - F), F the fidelity of positives.
    states : makes circuit states of the projections, where they are needed.
    embedding_dim : outputs of the model, the dimension of the embedding; null for one a class. Models with a width of
        their own, such as graph_encoder, and those whose n_outputs is set, have that.

    Raises
    ------
    ConfigError : widths below 1, alpha outside [0, 1], or states that are needed and are null or cannot be had from the
        backend.

    References
    ----------
    T. Chen et al., arXiv:2002.05709, section 4.2: the layer before the projector is the better representation.
    """

    evaluator: EmbeddingEvaluator
    metrics = (
        Metric(
            "train/contrastive",
            "lower",
            "contrastive loss",
            "The contrastive part L_c of a loss with loss.alpha < 1.",
            range="any number",
            recorded=False,
        ),
        Metric(
            "train/fidelity",
            "higher",
            "fidelity of positives",
            "Fidelity of the circuit states of positive pairs, for losses with loss.alpha < 1. Of pairwise swap tests "
            "it is the mean over qubits, which is below 1 even for equal states where qubits are entangled.",
            range="0 to 1",
            recorded=False,
        ),
        Metric(
            "train/temperature",
            "neither",
            "temperature",
            "Temperature of a contrastive loss, if it is learnt.",
            range="0.01 to 1",
            recorded=False,
        ),
    )
    monitor: tuple[str, Literal["min", "max"]] = ("val/knn_accuracy", "max")
    min_batch = 2
    min_classes = 2
    needs = (("example", "class"),)
    takes_views = True

    def __init__(
        self,
        projector: Sequence[int] = (),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__()
        if embedding_dim is not None and embedding_dim < 1:
            raise ConfigError(f"loss.embedding_dim must be >= 1, got {embedding_dim}")
        if projector and min(projector) < 1:
            raise ConfigError(f"loss.projector must be widths > 0, got {list(projector)}")
        if not 0 <= alpha <= 1:
            raise ConfigError(f"loss.alpha must be between 0 and 1, got {alpha}")
        self.widths, self.embedding_dim = tuple(projector), embedding_dim
        self.projector: nn.Module = nn.Identity()
        self.alpha = alpha
        self.states = self._states(states, f"loss.alpha={alpha:g}" if alpha < 1 else "")
        self.evaluator = EmbeddingEvaluator()

    def n_outputs(self, spec: DataSpec) -> int:
        return self.embedding_dim or spec.n_classes

    def _states(self, states: CircuitStates | None, wanted_by: str) -> CircuitStates | None:
        """The states if a key wants them, None if none does: what is not used is not trained either."""
        if not wanted_by:
            return None
        if states is None:
            raise ConfigError(f"{wanted_by} compares circuit states, which loss.states makes: it must not be null")
        states.lay_out(wanted_by)
        return states

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        width = width_of(model, example)
        if self.widths:
            self.projector = dense(width, self.widths[:-1], self.widths[-1], nn.ReLU)
            width = self.widths[-1]
        if self.states is not None:
            self.states.prepare(width)
        self.prepare_width(width)

    def prepare_width(self, width: int) -> None:
        """Build what depends on the dimension of the projections; nothing by default."""

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of the projections (B, P) of examples with these labels (B,).

        Parameters
        ----------
        weight : (B,) of the examples; passed only if there are any, hence only to losses that take them.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define a loss of projections")

    def compare_views(self, first: Tensor, second: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of the projections (B, P) of two views of the same examples; otherwise as `compare`."""
        given = () if weight is None else (weight.repeat(2),)
        return self.compare(torch.cat([first, second]), label.repeat(2), *given)

    def logged(self) -> dict[str, Tensor]:
        """Terms that are logged beside the loss, such as a learnt temperature."""
        return {}

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return {"embedding": model(batch)}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        views = getattr(batch, "views", None)
        outputs = {} if views and self.training else {"embedding": model(batch)}
        # one after the other, not side by side, so that padding and batch norms are those of a single batch
        embeddings = [model(view) for view in views] if views else [outputs["embedding"]]
        if len(embeddings) == 2 and not self.training:
            outputs["view_distance"] = (on_sphere(embeddings[0]) - on_sphere(embeddings[1])).square().sum(1)
        projections = [_at_least_single(self.projector(embedding)) for embedding in embeddings]
        if self.states is not None and not self.training:
            with full_precision(batch.label):
                outputs["state"] = self.states(_at_least_single(self.projector(outputs["embedding"])))
        terms = self._terms(projections, batch.label, weight_of(batch))
        return terms, {name: value.detach() for name, value in outputs.items()}

    def _terms(self, projections: list[Tensor], label: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
        gathered = of_all_ranks if self.training else batch_of_all_ranks
        projections, label = [gathered(z) for z in projections], gathered(label)
        weight = None if weight is None else gathered(weight)
        given = () if weight is None else (weight,)
        with full_precision(label):
            if len(projections) == 2:
                contrastive = self.compare_views(projections[0], projections[1], label, *given)
            else:
                contrastive = self.compare(projections[0], label, *given)
            if self.alpha == 1:
                return {"loss": contrastive, **self.logged()}
            infidelity = self.infidelity(projections, label, weight)
        loss = self.alpha * contrastive + (1 - self.alpha) * infidelity
        return {"loss": loss, "contrastive": contrastive, "fidelity": 1 - infidelity, **self.logged()}

    def infidelity(self, projections: Sequence[Tensor], label: Tensor, weight: Tensor | None = None) -> Tensor:
        """1 - F of positive pairs, averaged: of two views of each example, or of it and the others of its class."""
        states = self.states
        assert states is not None  # as alpha < 1
        if self.needs_views:
            first, second = projections
            return weighted_mean(1 - states.fidelity(states(first), states(second)), weight)
        label = label.repeat(len(projections))
        found, count = states.fidelity_of_classes(states(torch.cat([*projections])), label)
        weight = torch.ones_like(found) if weight is None else weight.repeat(len(projections))
        return weighted_mean(1 - found, weight * (count > 0))  # 0 where no example has another of its class


def on_sphere(projection: Tensor) -> Tensor:
    """Projections (B, P) of unit length."""
    return F.normalize(projection, dim=-1)


def _at_least_single(projection: Tensor) -> Tensor:
    return projection if projection.element_size() >= 4 else projection.float()
