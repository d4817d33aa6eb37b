"""Monte-Carlo dropout: predictions averaged over networks of which units are dropped."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.sampled import SampledCrossEntropy
from hepexp.models.layers.dropout_passes import dropping, insert_dropout


class McDropout(SampledCrossEntropy):
    """Cross entropy, with units dropped in training and in predictions, which are means over several passes.

    In training each element of each example has a mask of its own; in a prediction each pass is one network, of which
    the same units are dropped for all examples and their elements, so that it does not depend on the batch, the order
    or the padding: a draw from the variational distribution of the weights. Weights of attention are dropped in
    training alone.

    Parameters
    ----------
    rate : probability of dropping a unit at the input of each linear layer but the first, beside the dropout that the
        model has itself; 0 for that alone.
    samples : number of passes in validation, test and prediction.

    Raises
    ------
    ConfigError : a rate outside [0, 1), fewer than 2 passes, or a model of which nothing is dropped.

    References
    ----------
    Y. Gal, Z. Ghahramani, arXiv:1506.02142, sections 3 and 4.
    """

    def __init__(self, rate: float = 0.1, samples: int = 20) -> None:
        super().__init__(samples)
        if not 0 <= rate < 1:
            raise ConfigError(f"loss.rate must be in [0, 1), got {rate}")
        self.rate = rate

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        super().prepare(model, example, spec)
        if self.rate:
            insert_dropout(model, example, self.rate)
        with torch.no_grad(), dropping(model, 0, example.label.device) as masks:
            model(example)
        if not masks.n_drawn:  # two small networks may have the same units
            self.refuse_same(
                model, example, "it has no dropout; set loss.rate=0.1, or another model that has linear layers"
            )

    def network(self, model: nn.Module, draw: int, batch) -> AbstractContextManager[object]:
        return dropping(model, draw, batch.label.device)
