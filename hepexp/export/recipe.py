"""How a run is exported: trace the network, write it, compare its scores with those of the run, describe it."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig

from hepexp.atomic import atomic, write_json
from hepexp.config.content import content_of
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.dataset import SplitDataset
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.export import description, parity
from hepexp.export.cost import cost_of
from hepexp.export.description import Description
from hepexp.export.network import ExportedNetwork
from hepexp.export.onnx_file import OnnxSession, require_onnx, write_onnx
from hepexp.export.parity import Scores
from hepexp.export.program import program_of, refusing
from hepexp.export.quantise import all_scores, quantised
from hepexp.export.torch_files import write_pt2, write_torchscript
from hepexp.export.working_points import working_points
from hepexp.learning.components import Components
from hepexp.learning.trained import evaluate, rebuild
from hepexp.tracking.run_folder import RunFolder

PACKAGES = ("hepexp", "torch", "onnx", "onnxruntime")
TRACED = 5  # examples of median multiplicity, whose shapes are those of the tracing


def export_run(
    folder: RunFolder, config: DictConfig, checkpoint: str, form: str, path: Path, bits: str | None = None
) -> Description:
    """Write a run's network as one file, and its JSON beside it, if its scores are those of the run.

    Parameters
    ----------
    folder : the run.
    config : its config, perhaps with another data source.
    checkpoint : `best`, `last`, or a file.
    form : onnx, torchscript or pt2.
    path : file to write.
    bits : of an ONNX file's weights, int8; None for those of the training. The scores are held to those of the run
        before.

    Raises
    ------
    ConfigError : the run is not that of a classifier, or its inputs cannot be prepared by a network.
    HepexpError : the network has an operation that the format lacks, or the scores differ.
    """
    if form == "onnx":
        require_onnx()
    components = rebuild(folder, config, checkpoint)
    network, data = ExportedNetwork(components), components.data
    assert isinstance(data, HepDataModule), "others cannot be exported"
    made = Description(
        format=form,
        sha256="",
        reads=data.representation.name,
        classes=list(network.class_names),
        inputs=description.tensors(network.tensors),
        outputs=description.tensors((network.output,)),
        dataset=content_of(folder.config.dataset),
        background=network.setting.background,
        provenance=provenance(folder, config, components, checkpoint),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as draft:
        scores, cost = written(network, components, form, draft)
        found = compared(network, components, scores)
        found.require(str(path))
        validation = evaluate(components, data.loader_of("val"))
        lost: dict[str, Any] = {}
        if bits:  # thresholds and agreement are those of the file that is kept
            scores, lost = quantised(network, data.splits["test"], scores, draft, bits)
            found = compared(network, components, scores)
            examples = data.splits["val"]
            order = np.argsort(examples.rows)
            places = order[np.searchsorted(examples.rows, validation["index"], sorter=order)]
            validation = validation | {"scores": all_scores(network, examples, scores)[places]}
        scored = ScoredExamples(validation["scores"], validation["label"], validation.get("weight"), network.setting)
        made = replace(
            made,
            sha256=description.checksum(draft.read_bytes()),
            parity={**asdict(found), "tolerance": None if bits else parity.TOLERANCE, "split": "test"},
            working_points=working_points(scored, data.samples),
            cost=cost,
            quantised=lost,
        )
        write_json(description.beside(path), asdict(made))
    return made


def written(network: ExportedNetwork, components: Components, form: str, path: Path) -> tuple[Scores, dict[str, Any]]:
    """Write a network in a format; what gives the scores of the file, once it has been read again, and its cost.

    Raises
    ------
    HepexpError : it has an operation that the format lacks.
    """
    examples = _tested(components)
    inputs = network.in_order(network.feed(examples.store.take(_typical(parity.rows_to_check(examples)))))
    if form == "torchscript":
        write_torchscript(network, inputs, path)
        script = torch.jit.load(str(path))
        return parity.scores_of_module(network, script), cost_of(network, script, inputs)
    program = program_of(network, inputs)
    cost = cost_of(network, program.module(check_guards=False), inputs)
    if form == "pt2":
        write_pt2(network, program, path)
        with refusing(network):
            return parity.scores_of_module(network, torch.export.load(path).module()), cost
    write_onnx(network, program, path)
    return OnnxSession(path.read_bytes(), str(path)), cost


def compared(network: ExportedNetwork, components: Components, scores: Scores) -> parity.Parity:
    """How far scores are from those of the run, on test examples."""
    examples = _tested(components)
    rows = parity.rows_to_check(examples)
    wanted = parity.reference(network, examples, rows)
    with refusing(network):  # what was traced may fail for another number of examples
        return parity.parity(network, scores, examples, rows, wanted)


def _tested(components: Components) -> SplitDataset:
    assert isinstance(components.data, HepDataModule), "others cannot be exported"
    return components.data.splits["test"]


def _typical(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of a few examples in the middle of those given, which are in order of multiplicity; repeated if few."""
    middle = len(rows) // 2
    return np.resize(rows[max(0, middle - TRACED // 2) :][:TRACED], TRACED)


def provenance(folder: RunFolder, config: DictConfig, components: Components, checkpoint: str) -> dict[str, Any]:
    """Where the network comes from."""
    environment = folder.environment
    data = environment.get("data") or {}
    return {
        "run": folder.label,
        "checkpoint": checkpoint,
        "command": environment.get("command"),
        "model": config.choices.model,
        "data": config.choices.dataset,
        "source": data.get("source"),
        "files": data.get("files"),
        "git": {key: (environment.get("git") or {}).get(key) for key in ("sha", "dirty")},
        "trained_with": (environment.get("packages") or {}).get("torch"),
        "packages": {name: version(name) for name in PACKAGES},
        "metrics": {key: value for key, value in folder.metrics.items() if key.startswith(("test/", "model/"))},
    }
