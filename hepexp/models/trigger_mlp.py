"""The dense network of a trigger: small, and if wanted of few bits and with few weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.fixed_point import MOST_BITS, fixed_point, require_brevitas
from hepexp.models.weights import load_weights, read_state_dict


class Mask(nn.Module):
    """Weights of which some are zero, and stay so.

    Parameters
    ----------
    mask : 1 for weights that are kept, 0 for others.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return self.mask * weight


class TriggerMLP(nn.Module):
    """Linear layers with ReLU between them, whose weights an L1 term in training makes small, many of them zero.

    Parameters
    ----------
    widths : of the hidden layers.
    l1 : factor of the sum of the magnitudes of all weights, without biases, that is added to the loss.
    bits : of weights, biases and activations in fixed-point arithmetic, which is trained through the rounding; inputs
        have 16. null for floating-point numbers.
    sparsity : fraction of all weights, the smallest ones at the start, that are set to zero for good. To prune a
        trained network, start from its `weights`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict; one in floating point will do
        for any number of bits.
    n_features : features of an example in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    features (B, n_features) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, a width below 1, a negative l1, bits outside 2 to 16, a sparsity outside [0, 1), or no
        brevitas where there are bits.

    References
    ----------
    J. Duarte et al., arXiv:1804.06913, section 2 (the network, and pruning); C. Coelho et al., arXiv:2006.10159 (bits).
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (64, 32, 32),
        l1: float = 1e-4,
        bits: int | None = None,
        sparsity: float = 0.0,
        weights: str | None = None,
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        if not 0 <= l1 < float("inf"):
            raise ConfigError(f"model.l1 must be >= 0 and finite, got {l1}")
        if bits is not None and not 2 <= bits <= MOST_BITS:
            raise ConfigError(f"model.bits must be null or 2 to {MOST_BITS}, got {bits}")
        if not 0 <= sparsity < 1:
            raise ConfigError(f"model.sparsity must be in [0, 1), got {sparsity}")
        self.l1, self.bits = l1, bits
        self.layers = dense(n_features, widths, n_classes, nn.ReLU)
        in_bits = weights is not None and any("_quant" in key for key in read_state_dict(weights)[0])
        if not in_bits:
            load_weights(self, weights)
        if bits is not None:
            require_brevitas(f"model.bits={bits}")
            self.layers = fixed_point(self.layers, bits)
        if in_bits:
            load_weights(self, weights)
        if sparsity:
            self._prune(sparsity)

    def _prune(self, sparsity: float) -> None:
        """Keep the weights of largest magnitude, over all layers."""
        pruned = [(layer, "weight") for layer in self.linear()]
        prune.global_unstructured(pruned, prune.L1Unstructured, amount=sparsity)
        for layer, name in pruned:
            mask = layer.get_buffer("weight_mask").clone()
            prune.remove(layer, name)
            parametrize.register_parametrization(layer, name, Mask(mask))

    def linear(self) -> Iterator[nn.Linear]:
        """The linear layers, in order."""
        return (layer for layer in self.layers if isinstance(layer, nn.Linear))

    def minus_log_prior(self) -> Tensor:
        """The L1 term: up to a constant, -ln of a Laplace distribution of each weight."""
        return self.l1 * torch.stack([layer.weight.abs().sum() for layer in self.linear()]).sum()

    def multiplications(self) -> int:
        """Number of weights, as they are used, that are not zero."""
        layers: Iterator[Any] = self.linear()  # brevitas has no types
        used = (layer.weight if self.bits is None else layer.quant_weight().value for layer in layers)
        return sum(int(torch.count_nonzero(weight)) for weight in used)

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.layers(batch.features.to(next(self.linear()).bias.dtype))
