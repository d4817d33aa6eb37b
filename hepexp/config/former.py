"""Former names of classes and keys, as they stand in records of runs and in plug-ins that were made before a change."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

# former module: present one
MODULES = {
    "hepexp.data.arrow_file": "hepexp.data.store.arrow_file",
    "hepexp.data.check": "hepexp.data.store.check",
    "hepexp.data.collections.electron_photon": "hepexp.data.datasets.electron_photon.info",
    "hepexp.data.collections.jetclass": "hepexp.data.datasets.jetclass.info",
    "hepexp.data.collections.mnist": "hepexp.data.datasets.mnist.info",
    "hepexp.data.collections.qg": "hepexp.data.datasets.qg.info",
    "hepexp.data.collections.qg_images": "hepexp.data.datasets.qg_images.info",
    "hepexp.data.collections.rotated_points": "hepexp.data.datasets.rotated_points.info",
    "hepexp.data.collections.top": "hepexp.data.datasets.top.info",
    "hepexp.data.datamodule": "hepexp.data.loading.datamodule",
    "hepexp.data.dataset": "hepexp.data.loading.dataset",
    "hepexp.data.datasets.electron_photon": "hepexp.data.datasets.electron_photon.module",
    "hepexp.data.datasets.jetclass": "hepexp.data.datasets.jetclass.module",
    "hepexp.data.datasets.mnist": "hepexp.data.datasets.mnist.module",
    "hepexp.data.datasets.qg": "hepexp.data.datasets.qg.module",
    "hepexp.data.datasets.qg_images": "hepexp.data.datasets.qg_images.module",
    "hepexp.data.datasets.rotated_points": "hepexp.data.datasets.rotated_points.module",
    "hepexp.data.datasets.top": "hepexp.data.datasets.top.module",
    "hepexp.data.kinematics": "hepexp.data.physics.kinematics",
    "hepexp.data.limits": "hepexp.data.store.limits",
    "hepexp.data.loader": "hepexp.data.loading.loader",
    "hepexp.data.published": "hepexp.data.dataset_info",
    "hepexp.data.ragged": "hepexp.data.store.ragged",
    "hepexp.data.render.features": "hepexp.data.representations.jet_features",
    "hepexp.data.render.form": "hepexp.data.representations.representation",
    "hepexp.data.render.jet_image": "hepexp.data.representations.jet_image",
    "hepexp.data.render.neighbours": "hepexp.data.representations.edges",
    "hepexp.data.render.observables": "hepexp.data.physics.observables",
    "hepexp.data.render.particle_graph": "hepexp.data.representations.particle_graph",
    "hepexp.data.render.pixel_graph": "hepexp.data.representations.pixel_graph",
    "hepexp.data.render.pixel_image": "hepexp.data.representations.pixel_image",
    "hepexp.data.render.pixels": "hepexp.data.transforms.pixels",
    "hepexp.data.render.points": "hepexp.data.representations.points",
    "hepexp.data.render.scale": "hepexp.data.representations.scale",
    "hepexp.data.sampler": "hepexp.data.loading.sampler",
    "hepexp.data.species": "hepexp.data.physics.species",
    "hepexp.data.splits": "hepexp.data.loading.splits",
    "hepexp.data.store": "hepexp.data.store.store",
    "hepexp.data.substructure": "hepexp.data.physics.substructure",
    "hepexp.data.table": "hepexp.data.store.table",
    "hepexp.evaluation.classification": "hepexp.evaluation.evaluators.classification",
    "hepexp.evaluation.embedding": "hepexp.evaluation.evaluators.embedding",
    "hepexp.evaluation.mismatch": "hepexp.symmetry.mismatch",
    "hepexp.evaluation.readout": "hepexp.evaluation.evaluators.evaluator",
    "hepexp.losses.moments": "hepexp.losses.regression_with_sigma",
    "hepexp.models.layers.basis_cache": "hepexp.models.layers.steerable_basis",
    "hepexp.models.layers.canonical_order": "hepexp.models.layers.knn_graph",
    "hepexp.models.layers.chunks": "hepexp.models.layers.cache_blocking",
    "hepexp.models.layers.edge_steps": "hepexp.models.layers.edge_conv_steps",
    "hepexp.models.layers.graph": "hepexp.models.layers.knn_graph",
    "hepexp.models.layers.knn": "hepexp.models.layers.knn_graph",
    "hepexp.models.layers.lorentz_functions": "hepexp.models.layers.lorentz_block",
    "hepexp.models.layers.precision": "hepexp.precision",
    "hepexp.models.layers.products": "hepexp.models.layers.cache_blocking",
    "hepexp.quantum.exact": "hepexp.precision",
    "hepexp.symmetry.angles": "hepexp.symmetry.algebra",
}
# former class: present one, where the name of the class is another too
CLASSES = {
    "hepexp.data.collection.Collection": "hepexp.data.dataset_info.DatasetInfo",
    "hepexp.data.particles.Identified": "hepexp.data.transforms.four_momenta.JetClassParticles",
    "hepexp.data.particles.Massive": "hepexp.data.transforms.four_momenta.FourMomentumParticles",
    "hepexp.data.particles.TypedParticles": "hepexp.data.transforms.four_momenta.PdgParticles",
    "hepexp.data.render.form.Form": "hepexp.data.representations.representation.Representation",
    "hepexp.data.render.window.Window": "hepexp.data.transforms.crop.Crop",
    "hepexp.evaluation.circuit_readout.CircuitReadout": "hepexp.evaluation.evaluators.circuits.CircuitEvaluator",
    "hepexp.evaluation.classification_readout.ClassificationReadout": (
        "hepexp.evaluation.evaluators.classification.ClassificationEvaluator"
    ),
    "hepexp.evaluation.embedding_readout.EmbeddingReadout": (
        "hepexp.evaluation.evaluators.embedding.EmbeddingEvaluator"
    ),
    "hepexp.evaluation.equivariance_readout.EquivarianceReadout": (
        "hepexp.evaluation.evaluators.equivariance.EquivarianceEvaluator"
    ),
    "hepexp.evaluation.pair_readout.PairReadout": "hepexp.evaluation.evaluators.pairs.PairEvaluator",
    "hepexp.evaluation.readout.Readout": "hepexp.evaluation.evaluators.evaluator.Evaluator",
    "hepexp.evaluation.reconstruction_readout.ReconstructionReadout": (
        "hepexp.evaluation.evaluators.reconstruction.ReconstructionEvaluator"
    ),
    "hepexp.evaluation.symmetry_readout.SymmetryReadout": "hepexp.evaluation.evaluators.symmetry.SymmetryEvaluator",
    "hepexp.losses.regression.GaussianNll": "hepexp.losses.regression_with_sigma.GaussianNll",
}


# classes that have no successor: transforms are a list now, `representation.with_transforms(...)`
GONE = ("hepexp.data.render.form.After", "hepexp.data.render.jet_forms.Hardest")


class Key(NamedTuple):
    """What a former key of a class is today.

    Parameters
    ----------
    name : the present key.
    values : former value: present one, of those that changed.
    only_with : former key without which it had no effect; empty for none.
    """

    name: str
    values: Mapping[Any, Any] = {}
    only_with: str = ""


# class, by its present path: its former keys, or present ones with former values
KEYS = {
    "hepexp.data.datasets.jetclass.module.JetClass": {"scalars": Key("scalars", {"pid": "kinpid", "none": "kin"})},
    "hepexp.models.lorentz_net.LorentzNet": {
        "compat": Key("variant", {False: "exact", True: "published"}),
        "compat_length": Key("padded_length", only_with="compat"),
    },
    "hepexp.models.particle_net.ParticleNet": {"variant": Key("variant", {"document": "qmlhep_2"})},
    "hepexp.models.resnet15.ResNet15": {"variant": Key("variant", {"document": "cms_1"})},
}

# class, by its present path: keys that came later, and what older runs did where that is not what its option says today
LATER = {
    "hepexp.losses.pair.PairLoss": {"embedding_dim": None},
    "hepexp.losses.supervised_contrastive.SupervisedContrastive": {"embedding_dim": None},
}


def present(target: str) -> str:
    """The present dotted path of a class, whether it is given by that or by a former one."""
    module, _, name = target.rpartition(".")
    return CLASSES.get(target) or (f"{MODULES[module]}.{name}" if module in MODULES else target)


def imported(line: str) -> list[str]:
    """The present dotted paths of what a line `from module import name, ...` calls by former ones."""
    found = re.match(r"\s*from ([\w.]+) import ([\w, ]+)", line)
    names = [f"{found[1]}.{name.split()[0]}" for name in found[2].split(",") if name.strip()] if found else []
    return [present(name) for name in names if present(name) != name and name not in GONE]


def updated(node: Any) -> Any:
    """A copy of plain nested values in which each `_target_` has its present path, and its keys their present names."""
    if isinstance(node, list):
        return [updated(value) for value in node]
    if not isinstance(node, Mapping):
        return node
    target = node.get("_target_")
    target = present(target) if isinstance(target, str) else target
    keys = KEYS.get(target, {}) if isinstance(target, str) else {}
    found = {}
    for key, value in node.items():
        known = keys.get(key)
        if known is None:
            found[key] = target if key == "_target_" else updated(value)
        elif not known.only_with or node.get(known.only_with):
            found[known.name] = _value(known, value)
    return found


def renamed(target: str, key: str, value: Any) -> str | None:
    """What a former key or value of a class is called today, as `KEY=VALUE`; None if it is not a former one."""
    known = KEYS.get(target, {}).get(key)
    if known is None or (known.name == key and _value(known, value) == value):
        return None
    return f"{known.name}={_value(known, value)}"


def _value(key: Key, value: Any) -> Any:
    return next((present for former, present in key.values.items() if former == value), value)
