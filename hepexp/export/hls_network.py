"""A dense network as a project of hls4ml, with the types of its numbers.

References
----------
J. Duarte et al., arXiv:1804.06913.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterator
from importlib.metadata import version
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.export.hls_project import Emulation
from hepexp.models.layers.fixed_point import INPUT_BITS, INPUT_RANGE
from hepexp.models.trigger_mlp import TriggerMLP

INTEGER_BITS = 6  # of a floating-point network's numbers, with the sign
EXACT = (64, 24)  # bits, and integer bits, of sums of products, which are not rounded
ROUNDED = "RND_CONV,SAT"  # to the nearest, to even of two; as in the training


class _Plain(nn.Module):
    """Linear layers and ReLUs, whose weights are the numbers that are used."""

    def __init__(self, model: TriggerMLP) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        linear: Iterator[Any] = model.linear()  # brevitas has no types
        for layer in linear:
            made = nn.Linear(layer.in_features, layer.out_features)
            with torch.no_grad():
                made.weight.copy_(layer.weight if model.bits is None else layer.quant_weight().value)
                made.bias.copy_(layer.bias if model.bits is None else layer.quant_bias().value)
            layers += [made, nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def network(model: TriggerMLP, out: Path, bits: int) -> Emulation:
    """The compiled project of a network; its bits and scales are those of its training, if it has any.

    Parameters
    ----------
    bits : of all numbers of a floating-point network, six of them before the point.
    """
    import hls4ml

    plain = _Plain(model).eval()
    n_features = next(iter(model.linear())).in_features
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # hls4ml tells what it does
        config = hls4ml.utils.config_from_pytorch_model(
            plain, (n_features,), granularity="name", backend="Vitis", default_precision=f"fixed<{bits},{INTEGER_BITS}>"
        )
        if model.bits is not None:
            _set_types(config["LayerName"], model, model.bits)
        project = hls4ml.converters.convert_from_pytorch_model(
            plain,
            output_dir=str(out),
            project_name="network",
            backend="Vitis",
            hls_config=config,
            io_type="io_parallel",
        )
        project.compile()
    exact = copy.deepcopy(model).double()

    def outputs(features: NDArray[np.float32]) -> NDArray[np.float64]:
        return project.predict(np.ascontiguousarray(features, np.float32)).reshape(len(features), -1).astype(np.float64)

    def reference(features: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.no_grad():
            return exact.layers(torch.from_numpy(features).double()).float().double().numpy()

    return Emulation(f"hls4ml {version('hls4ml')}", _types(config, model), outputs, reference if model.bits else None)


def _types(config: dict[str, Any], model: TriggerMLP) -> dict[str, str]:
    """The types of the numbers of each layer."""
    if model.bits is None:
        return {"all": config["Model"]["Precision"]["default"], "sums": "as wide as needed"}
    shown = ("weight", "bias", "result")
    return {
        name: ", ".join(f"{key} {layer['Precision'][key]}" for key in shown if key in layer["Precision"])
        for name, layer in config["LayerName"].items()
    }


def _set_types(layers: dict[str, Any], model: TriggerMLP, bits: int) -> None:
    """Write the types of a network in fixed-point arithmetic into the configuration of hls4ml."""
    inputs, *rest = (layer["Precision"] for layer in layers.values())
    inputs["result"] = f"fixed<{INPUT_BITS},{round(log2(INPUT_RANGE)) + 1},{ROUNDED}>"
    wide = f"fixed<{EXACT[0]},{EXACT[1]}>"
    quantised: list[Any] = list(model.layers)[1:]  # brevitas has no types
    for precision, layer in zip(rest, quantised, strict=True):
        if "weight" in precision:
            precision["weight"] = _fixed(bits, layer.quant_weight().scale)
            precision["bias"] = _fixed(bits, layer.quant_bias().scale)
            precision["accum"] = precision["result"] = wide
        else:
            precision["result"] = f"u{_fixed(bits, layer.act_quant.scale(), f',{ROUNDED}')}"


def _fixed(bits: int, scale: Tensor, more: str = "") -> str:
    """The type of whole numbers of so many bits times a power of two."""
    return f"fixed<{bits},{bits + round(log2(scale.item()))}{more}>"
