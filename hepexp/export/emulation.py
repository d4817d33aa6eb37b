"""Small networks and trees as C++ of fixed-point numbers for an FPGA, and what a bit-exact emulation of it gives.

The C++ is compiled with g++ and run on the test examples. No tool for FPGAs is involved: what a chip would need in
area and time is not known, only that it would give the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from hepexp.atomic import write_json
from hepexp.batch import FeatureBatch
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError, HepexpError
from hepexp.export.hls_project import Emulation, Numbers
from hepexp.learning.components import Components
from hepexp.learning.trained import evaluate, rebuild
from hepexp.models.boosted_trees import BoostedTrees
from hepexp.models.trigger_mlp import TriggerMLP
from hepexp.tracking.run_folder import RunFolder

RECORD = "hepexp.json"  # in the folder


@dataclass(frozen=True)
class Emulated:
    """What a project gives for the test examples.

    Parameters
    ----------
    tool, types : as in `Emulation`.
    exact : whether all outputs agree bit for bit with the reference; None if there is none.
    difference : largest difference of an output from the run's.
    examples : how many were compared.
    multiplications : products with weights that are not zero; None for trees, which have none.
    features : that it takes, in order, with the scales by which the run standardises them: (x - mean) / std.
    metrics : of the run, and of the emulation, on the test examples, with errors.
    """

    tool: str
    types: Mapping[str, str]
    exact: bool | None
    difference: float
    examples: int
    multiplications: int | None
    features: list[dict[str, Any]]
    metrics: dict[str, dict[str, Any]]


class _Emulator(nn.Module):
    """Stands for the model: its outputs are those of the project."""

    input = "features"

    def __init__(self, outputs: Numbers) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, batch: FeatureBatch) -> Tensor:
        found = self.outputs(batch.features.float().cpu().numpy())
        return torch.from_numpy(found).to(batch.features)


def export_emulation(folder: RunFolder, config: DictConfig, checkpoint: str, out: Path, bits: int | None) -> Emulated:
    """Write a run's model as a C++ project, compile it, and compare it with the run on the test examples.

    Parameters
    ----------
    folder, config, checkpoint : as for `export_run`.
    out : folder to write.
    bits : of the numbers of trees or of a floating-point network; None for 24 or 16.

    Raises
    ------
    ConfigError : the model is of another kind, has bits already, or something is missing that makes or compiles it.
    HepexpError : the project does not give the numbers that it should.
    """
    _require("hls4ml")
    if shutil.which("g++") is None:
        raise ConfigError("--format hls needs g++, which compiles the emulation")
    components = rebuild(folder, config, checkpoint)
    data = components.data
    if not isinstance(data, HepDataModule):
        raise ConfigError(f"a run on {type(data).__name__} cannot be exported; expected a HepDataModule")
    model = components.module.model.cpu().eval()
    made = _emulation(model, out, bits)
    split, seed = data.splits["test"], config.seed
    batch = split[list(range(len(split)))]
    assert isinstance(batch, FeatureBatch), "these models read features"
    features = batch.features.numpy()
    found = made.outputs(features)
    with torch.no_grad():
        own = model(batch).double().numpy()
    exact = None if made.reference is None else bool(np.array_equal(found, made.reference(features)))
    if exact is False:
        raise HepexpError(f"the emulation in {out} does not give the numbers of exact arithmetic: do not use it")
    emulated = Emulated(
        made.tool,
        dict(made.types),
        exact,
        float(abs(found - own).max()),
        len(features),
        model.multiplications() if isinstance(model, TriggerMLP) else None,
        _features(data),
        _metrics(components, made.outputs, seed),
    )
    write_json(out / RECORD, asdict(emulated))
    return emulated


def _emulation(model: nn.Module, out: Path, bits: int | None) -> Emulation:
    if isinstance(model, TriggerMLP):
        from hepexp.export.hls_network import network

        if bits is not None and model.bits is not None:
            raise ConfigError(
                f"--bits is for floating-point networks: this one was trained with model.bits={model.bits}"
            )
        return network(model, out, bits or 16)
    if isinstance(model, BoostedTrees):
        from hepexp.export.hls_trees import trees

        _require("conifer")
        return trees(model, out, bits or 24)
    raise ConfigError(
        f"--format hls is for model=trigger_mlp and model=boosted_trees, not {type(model).__name__}; others as ONNX"
    )


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(f"--format hls needs {package}: pip install 'hepexp[trigger]'")


def _features(data: HepDataModule) -> list[dict[str, Any]]:
    """Name, mean and std of each feature."""
    shown = data.representation
    names = getattr(shown, "variables", None) or [f"feature {k}" for k in range(data.spec.n_features)]
    mean, std = (np.asarray(getattr(shown, key, value), float) for key, value in (("mean", 0.0), ("std", 1.0)))
    mean, std = (np.broadcast_to(values, len(names)).tolist() for values in (mean, std))
    return [{"name": n, "mean": m, "std": s} for n, m, s in zip(names, mean, std, strict=True)]


def _metrics(components: Components, outputs: Numbers, seed: int) -> dict[str, dict[str, Any]]:
    """Those of the run and of the emulation, by name."""
    module, loader = components.module, lambda: components.data.loader_of("test")
    found = {"run": module.objective.evaluator.final(evaluate(components, loader()), seed)}
    module.model = _Emulator(outputs)
    module._call = [module.model]
    found["emulation"] = module.objective.evaluator.final(evaluate(components, loader()), seed)
    names = [name for name, value in found["run"].items() if isinstance(value, float) and not name.endswith("_err")]
    return {
        name: {which: {"value": of.get(name), "error": of.get(f"{name}_err")} for which, of in found.items()}
        for name in names
    }
