"""Events as hits in the pixel layers of a tracker, each of one particle or noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile, Source
from hepexp.data.datasets.trackml.generate import CLASSES, N_LAYERS, make_block
from hepexp.data.datasets.trackml.layout import LAYOUT
from hepexp.data.store.check import check_columns
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError
from hepexp.simulation.block import first_blocks

__all__ = ["CLASSES", "INFO", "LAYOUT", "N_LAYERS", "check", "info_of", "simulated_by"]

_N, _SEED = 150, 1  # of the sample, which is generated on the fly
SIMULATORS = ("helices", "acts")
_PILEUP, _MOST_PILEUP = 20, 1000

check = check_columns(CLASSES, LAYOUT, "event", "hit")


def _part(name: str, event: int) -> Part:
    """All events in the folder of the hits of this one."""
    return Part(name, (PublishedFile(f"event{event:09d}-hits.csv.gz"),))


class TrackMLInfo(DatasetInfo):
    """Published samples, of which a single event is only read if it is asked for.

    Who names a simulator has its events, not the sample, which another one makes.
    """

    def choose_source(self, source: Source, n_files: int | None = None) -> Source:
        if self.simulator and source == "mini":
            raise ConfigError(
                f"dataset.source=mini has no events of dataset.simulator={self.simulator}; expected generate, or full "
                "for TrackML's files"
            )
        if self.simulator and source == "auto":
            return super().choose_source("generate", n_files)
        if source == "auto" and n_files is None and not self._is_complete(self.releases[0]):
            return "mini"
        return super().choose_source(source, n_files)


def divide(parts: Sequence[Part], store: Store) -> dict[str, NDArray[np.int64]] | None:
    """A single event is all splits at once: networks that were trained on others can be tested on it."""
    return dict.fromkeys(("train", "val", "test"), np.zeros(1, np.int64)) if len(store) == 1 else None


INFO = TrackMLInfo(
    name="trackml",
    about="charged particles in the pixel layers of a tracker: which hits are of one track?",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="x, y, z (mm), layer and particle of each hit, pt (GeV) and eta of its particle, 0 for noise",
    cite="S. Amrouche et al., arXiv:1904.06778; kaggle.com/c/trackml-particle-identification",
    licence="as the publisher of the files says",
    size="8,850 training events",
    published_at="kaggle.com/c/trackml-particle-identification (all events of a folder are read)",
    releases=((_part("train_sample", 1000),), (_part("single_event", 1),)),
    readers=dict.fromkeys((".csv", ".gz"), "hepexp.data.datasets.trackml.reader:read"),
    check=check,
    generator="hepexp.data.datasets.trackml.generate",
    mini=partial(first_blocks, make_block, CLASSES, _SEED, _N),
    mini_about={"made_from": "simulation", "command": f"hepexp data generate trackml --n {_N} --seed {_SEED}"},
    divide=divide,
)


def simulated_by(simulator: str, pileup: int | None) -> TrackMLInfo:
    """The data set as one of the SIMULATORS makes it, with this mean number of further collisions; see `TrackML`.

    Raises
    ------
    ConfigError : there is no such simulator, or the number is out of range.
    """
    if simulator not in SIMULATORS:
        raise ConfigError(f"dataset.simulator must be one of {', '.join(SIMULATORS)}, got {simulator!r}")
    if pileup is not None and (type(pileup) is not int or not 0 <= pileup <= _MOST_PILEUP):
        raise ConfigError(f"dataset.pileup must be null, or a whole number from 0 to {_MOST_PILEUP:,}, got {pileup!r}")
    if simulator == "acts":
        by_acts = "hepexp.data.datasets.trackml.generate_acts"
        options = {"pileup": _PILEUP if pileup is None else pileup}
        return replace(INFO, generator=by_acts, simulator=simulator, options=options)
    if pileup is not None:
        raise ConfigError(f"dataset.pileup is for dataset.simulator=acts; must be null with helices, got {pileup}")
    return INFO


def info_of(name: str, config: Mapping[str, Any]) -> TrackMLInfo:
    """The data set as the simulator makes it that a configuration chooses."""
    return simulated_by(config.get("simulator", "helices"), config.get("pileup"))
