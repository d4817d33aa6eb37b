"""Dense layers in fixed-point arithmetic, as an FPGA computes them, trained through the rounding (brevitas).

Every number is a whole number of w bits times a power of two: weights and biases by their largest magnitude,
activations by a scale that is learnt. Rounding is to the nearest, to even of two; what is too large saturates. The
gradient passes through the rounding as if it were not there.

References
----------
B. Jacob et al., arXiv:1712.05877 (training with simulated rounding); A. Pappalardo, doi:10.5281/zenodo.3333552.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from brevitas.nn import QuantIdentity, QuantReLU

MOST_BITS = 16
INPUT_BITS = 16
INPUT_RANGE = 8.0  # standard deviations, beyond which inputs saturate
ACTIVATION_RANGE = 4.0  # at the start


def require_brevitas(why: str) -> None:
    """Raise ConfigError unless brevitas is installed."""
    if find_spec("brevitas") is None:
        raise ConfigError(f"{why} needs brevitas: pip install --no-deps brevitas==0.13.4 dependencies unfoldNd")


def fixed_point(layers: nn.Sequential, bits: int) -> nn.Sequential:
    """The same network of nn.Linear and nn.ReLU with numbers of so many bits, and an input of INPUT_BITS in front.

    It takes over the weights. Its outputs are sums of products, which are not rounded.
    """
    return nn.Sequential(_input(), *(_of_bits(layer, bits) for layer in layers))


def _input() -> QuantIdentity:
    from brevitas.inject.enum import ScalingImplType
    from brevitas.nn import QuantIdentity
    from brevitas.quant.fixed_point import Int8ActPerTensorFixedPointMinMaxInit

    return QuantIdentity(
        Int8ActPerTensorFixedPointMinMaxInit,
        bit_width=INPUT_BITS,
        min_val=-INPUT_RANGE,
        max_val=INPUT_RANGE,
        scaling_impl_type=ScalingImplType.CONST,
    )


def _of_bits(layer: nn.Module, bits: int) -> nn.Module:
    from brevitas.nn import QuantLinear

    if isinstance(layer, nn.ReLU):
        return _relu(bits)
    from brevitas.quant import Int8BiasPerTensorFixedPointInternalScaling, Int8WeightPerTensorFixedPoint

    class FixedPointLinear(QuantLinear):
        """A linear layer that passes plain tensors on: brevitas's own would look at their values in each step."""

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.quant_weight().value, self.quant_bias().value)

    made = FixedPointLinear(
        layer.in_features,
        layer.out_features,
        bias=True,
        weight_quant=Int8WeightPerTensorFixedPoint,
        weight_bit_width=bits,
        bias_quant=Int8BiasPerTensorFixedPointInternalScaling,
        bias_bit_width=bits,
    )
    made.load_state_dict(layer.state_dict())
    return made


def _relu(bits: int) -> QuantReLU:
    from brevitas.nn import QuantReLU
    from brevitas.quant import Uint8ActPerTensorFixedPointMaxInit

    return QuantReLU(act_quant=Uint8ActPerTensorFixedPointMaxInit, bit_width=bits, max_val=ACTIVATION_RANGE)
