"""Classifier of data against samples of a density that was found beside them: CATHODE."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.models.checks import require_dropout, require_widths
from hepexp.models.feature_flow import FeatureFlow
from hepexp.models.layers.dense import dense
from hepexp.models.weights import load_weights


class Cathode(nn.Module):
    """Dense network with SiLU on the variables of a flow, p(x | c), that was trained beforehand and stays frozen.

    Parameters
    ----------
    flow : the density of the background, found in the sidebands.
    widths : of the hidden layers.
    dropout : after each hidden layer.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict; it holds those of the flow,
        too.
    n_classes : number of outputs: classes of the data set.

    Shapes
    ------
    features (B, F), the last of which is the condition of the flow and is not seen -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, a width below 1, or a dropout out of range.

    References
    ----------
    A. Hallin et al., arXiv:2109.00546.
    """

    input = "features"
    head = "layers"
    lorentz_invariant = False

    def __init__(
        self,
        flow: FeatureFlow,
        widths: Sequence[int] = (64, 64, 64),
        dropout: float = 0.0,
        weights: str | None = None,
        *,
        n_classes: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        require_dropout(dropout)
        self.flow = flow.requires_grad_(False)
        self.layers = dense(flow.n_variables, widths, n_classes, nn.SiLU, dropout)
        load_weights(self, weights)

    def train(self, mode: bool = True) -> Cathode:
        super().train(mode)
        self.flow.eval()
        return self

    def of_samples(self, batch: FeatureBatch) -> Tensor:
        """Logits (B, n_classes) of a sample of the flow for the condition of each example."""
        with torch.no_grad():
            drawn = self.flow.draw(batch.features)
        return self.layers(drawn)

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.layers(self.flow.box(batch.features[:, :-1]))
