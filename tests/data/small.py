"""Jets and images from random numbers, a few of each data set in its layout, so that tests need no sample.

A data set without such a function is tested with the first examples of the sample that it ships, if it ships one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from hepexp.batch import Batch
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.datasets.calogan.info import LAYOUT as CALOGAN_LAYOUT
from hepexp.data.datasets.four_vectors import info as four_vectors
from hepexp.data.datasets.gluon_amplitudes import generate as gluon_amplitudes
from hepexp.data.datasets.jetclass.info import LAYOUT as JETCLASS_LAYOUT
from hepexp.data.datasets.lhco.info import LAYOUT as LHCO_LAYOUT
from hepexp.data.datasets.mnist.info import scikit_learn_digits
from hepexp.data.datasets.rotated_points import info as rotated_points
from hepexp.data.datasets.three_features import info as three_features
from hepexp.data.find import class_of, data_sets, find_info
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.split_store import open_sample
from hepexp.data.physics.kinematics import four_momenta
from hepexp.data.physics.species import ONE_HOT
from hepexp.data.representations.representation import Representation
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged, offsets_of
from tests.data.datasets import published_formats


def cone(n: int, seed: int = 0, fewest: int = 1, most: int = 30, radius: float = 0.4) -> Ragged:
    """Jets of particles with pt [GeV], y, phi within about a radius of a random axis, labels alternating."""
    random = np.random.default_rng(seed)
    counts = random.integers(fewest, most + 1, n)
    m = int(counts.sum())
    distance, angle = radius * random.random(m) ** 0.5, random.uniform(0, 2 * np.pi, m)
    axis_y, axis_phi = (np.repeat(random.uniform(-high, high, n), counts) for high in (1.5, np.pi))
    columns = {
        "pt": 0.3 * np.exp(5 * random.random(m) ** 2),
        "y": axis_y + distance * np.cos(angle),
        "phi": axis_phi + distance * np.sin(angle),
    }
    return Ragged((np.arange(n) % 2).astype(np.int8), offsets_of(counts), columns)


def with_momenta(jets: Ragged, mass: float = 0.0) -> Ragged:
    """The same jets with columns p4 in GeV and scalars, here one: the place of a particle in its jet."""
    p4 = four_momenta(jets["pt"], jets["y"], jets["phi"], mass)
    place = np.arange(len(p4)) - np.repeat(jets.offsets[:-1], jets.counts)
    scalars = place[:, None].astype(np.float32)
    return Ragged(jets.label, jets.offsets, {"p4": p4, "scalars": scalars}, jets.extras)


def qg(n: int) -> Ragged:
    jets, random = cone(n), np.random.default_rng(1)
    columns = {name: column.astype(np.float32) for name, column in jets.elements.items()}
    columns["pdgid"] = random.choice(ONE_HOT, len(columns["pt"])).astype(np.int32)
    return Ragged(jets.label, jets.offsets, columns)


def top(n: int) -> Ragged:
    jets = with_momenta(cone(n, most=50, radius=0.8))
    columns = {name: jets["p4"][:, i].astype(np.float32) for i, name in enumerate(("E", "px", "py", "pz"))}
    return Ragged(jets.label, jets.offsets, columns)


def jetclass(n: int) -> Ragged:
    jets, random = top(n), np.random.default_rng(1)
    m, kind = len(jets["E"]), random.integers(0, 5, len(jets["E"]))
    charged = np.isin(kind, (0, 3, 4))
    columns = {name: jets[name] for name in ("px", "py", "pz")} | {"energy": jets["E"]}
    columns |= {name: random.exponential(0.1, m) * charged for name in ("d0val", "d0err", "dzval", "dzerr")}
    columns |= {"charge": random.choice([-1, 1], m) * charged, "type": kind}
    extras = {name: random.uniform(1, 2, n) for name in JETCLASS_LAYOUT.extras}
    return Ragged(
        (np.arange(n) % 10).astype(np.int8),
        jets.offsets,
        {name: columns[name].astype(kind) for name, kind in JETCLASS_LAYOUT.elements.items()},
        {name: extras[name].astype(kind) for name, kind in JETCLASS_LAYOUT.extras.items()},
    )


def qg_images(n: int) -> Ragged:
    made = published_formats.jet_images(n, non_zero=150)
    return from_dense(np.arange(n) % 2, made["X_jets"].transpose(0, 3, 1, 2), pt=made["pt"], m0=made["m0"])


def electron_photon(n: int) -> Ragged:
    return from_dense(np.arange(n) % 2, published_formats.crops(n)["X"].transpose(0, 3, 1, 2))


def mnist(n: int) -> Ragged:
    return scikit_learn_digits().take(slice(n))


def points(n: int) -> Ragged:
    return _of_all_classes(rotated_points.INFO.mini(), n)


def vectors(n: int) -> Ragged:
    return _of_all_classes(four_vectors.INFO.mini(), n)


def graphs(n: int) -> Ragged:
    return _of_all_classes(three_features.INFO.mini(), n)


@cache
def gluons(n: int) -> Ragged:
    few = -(-n // len(gluon_amplitudes.CLASSES))
    made = Ragged.concatenate(gluon_amplitudes.make_block(kind, 1, 0, few) for kind in gluon_amplitudes.CLASSES)
    return _of_all_classes(made, n)


def dijets(n: int) -> Ragged:
    random = np.random.default_rng(1)
    label = (np.arange(n) % 2).astype(np.int8)
    columns = {
        "mjj": np.where(label, random.normal(3500, 100, n), random.uniform(3000, 4000, n)),
        "m_min": random.uniform(20, 200, n),
        "dm": random.uniform(0, 400, n),
        "tau21_1": random.random(n),
        "tau21_2": random.random(n),
    }
    extras = {name: columns[name].astype(kind) for name, kind in LHCO_LAYOUT.extras.items()}
    return Ragged(label, np.zeros(n + 1, np.int64), {}, extras)


def calogan(n: int) -> Ragged:
    random = np.random.default_rng(1)
    energy = random.uniform(1, 100, n).astype(np.float32)
    cells = random.exponential(1, (n, 504)) * (random.random((n, 504)) < 0.4)
    cells *= 1000 * (energy / (cells.sum(1) + 1))[:, None]
    outside = {name: 0.01 * energy for name in CALOGAN_LAYOUT.extras if name != "energy"}
    return from_dense(np.arange(n) % 3, cells, energy=energy, **outside)


def _of_all_classes(made: Ragged, n: int) -> Ragged:
    """Examples of a sample that has one class after the other."""
    return made.take(np.linspace(0, len(made) - 1, n).astype(np.int64))


def shipped(info: DatasetInfo) -> Callable[[int], Ragged]:
    """The first examples of the sample that a data set ships, as many as it has."""

    def first(n: int) -> Ragged:
        store = open_sample(info)
        return store.take(np.arange(min(n, len(store))))

    return first


RANDOM: dict[str, Callable[[int], Ragged]] = {
    "qg": qg,
    "top": top,
    "jetclass": jetclass,
    "qg_images": qg_images,
    "electron_photon": electron_photon,
    "mnist": mnist,
    "rotated_points": points,
    "four_vectors": vectors,
    "three_features": graphs,
    "lhco": dijets,
    "calogan": calogan,
    "gluon_amplitudes": gluons,
}
SAMPLES: dict[type[HepDataModule], Callable[[int], Ragged]] = {
    class_of(name): RANDOM.get(name) or shipped(find_info(name))
    for name in data_sets()
    if "mini" in find_info(name).sources
}
REPRESENTATIONS = {data_set: data_set(source="mini", seed=1).representations for data_set in SAMPLES}


def use_small_samples(monkeypatch: pytest.MonkeyPatch, n: int = 120) -> None:
    """Let n random examples stand for the sample that each data set ships."""
    for data_set, sample in SAMPLES.items():
        examples = sample(n)
        monkeypatch.setattr(data_set, "info", replace(data_set.info, mini=lambda made=examples: made))


def represented(representation: Representation, examples: Ragged) -> Batch:
    """All examples as one batch of a representation whose scales are fitted to them."""
    prepared, n = representation.prepare(examples), len(examples)
    representation.fit(prepared)
    label = torch.from_numpy(examples.label.astype(np.int64))
    return representation.collate(prepared, {"label": label, "index": torch.arange(n), "extras": torch.zeros(n, 0)})
