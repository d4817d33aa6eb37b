"""Dense network on the features of an example."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.models.checks import require_dropout, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.weights import load_weights


class MLP(nn.Module):
    """Linear layers with SiLU and dropout between them; smooth, so that it has gradients with respect to its inputs.

    Parameters
    ----------
    widths : of the hidden layers.
    dropout : after each hidden layer.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features : features of an example in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    features (B, n_features) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, a width below 1, or a dropout out of range.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (64, 64),
        dropout: float = 0.0,
        weights: str | None = None,
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        require_dropout(dropout)
        self.layers = dense(n_features, widths, n_classes, nn.SiLU, dropout)
        load_weights(self, weights)

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.layers(batch.features.to(next(self.layers.parameters()).dtype))
