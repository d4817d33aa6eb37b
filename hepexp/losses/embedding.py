"""What objectives on embeddings share: a projector that is trained with the model and discarded afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.losses.objective import Objective, width_of
from hepexp.losses.weighted import weight_of


class EmbeddingObjective(Objective):
    """A loss on the projections of a batch; the model's own output (B, D) is the embedding that is evaluated.

    Where examples have two random views (`dataset.views`), their projections are compared in place of those of the
    examples, whose embeddings are evaluated all the same. A loss on one batch takes the views for a batch of twice as
    many examples, as in arXiv:2004.11362; one that compares view with view has `compare_views`.

    Parameters
    ----------
    projector : widths of the projector's layers; the last is the dimension of the space in which examples are compared.
        Empty to compare the embeddings themselves.

    References
    ----------
    T. Chen et al., arXiv:2002.05709, section 4.2: the layer before the projector is the better representation.
    """

    evaluator: EmbeddingEvaluator
    monitor = ("val/knn_accuracy", "max")
    min_batch = 2
    min_classes = 2
    needs = (("example", "class"),)
    takes_views = True

    def __init__(self, projector: Sequence[int] = ()):
        super().__init__()
        if projector and min(projector) < 1:
            raise ConfigError(f"loss.projector must be widths > 0, got {list(projector)}")
        self.widths = tuple(projector)
        self.projector: nn.Module = nn.Identity()
        self.evaluator = EmbeddingEvaluator()

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        n_outputs = width_of(model, example)
        if self.widths:
            layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise((n_outputs, *self.widths))]
            self.projector = nn.Sequential(*[module for pair in layers for module in pair][:-1])

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

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return {"embedding": model(batch)}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        weight = weight_of(batch)
        given = () if weight is None else (weight,)
        if getattr(batch, "views", None) is None:
            embedding = model(batch)
            loss = self.compare(self.projector(embedding).float(), batch.label, *given)
            return {"loss": loss}, {"embedding": embedding.detach()}
        # one after the other, not side by side, so that padding and batch norms are those of a single batch
        first, second = (self.projector(model(view)).float() for view in batch.views)
        loss = self.compare_views(first, second, batch.label, *given)
        return {"loss": loss}, {} if self.training else {"embedding": model(batch).detach()}


def on_sphere(projection: Tensor) -> Tensor:
    """Projections (B, P) of unit length."""
    return F.normalize(projection, dim=-1)
