"""Events as hits in the pixel layers of a tracker, each of one particle or noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile, Source
from hepexp.data.datasets.trackml.generate import CLASSES, N_LAYERS, make_block
from hepexp.data.datasets.trackml.layout import LAYOUT
from hepexp.data.store.check import check_columns
from hepexp.data.store.store import Store
from hepexp.simulation.block import first_blocks

__all__ = ["CLASSES", "INFO", "LAYOUT", "N_LAYERS", "check"]

_N, _SEED = 150, 1  # of the sample, which is generated on the fly

check = check_columns(CLASSES, LAYOUT, "event", "hit")


def _part(name: str, event: int) -> Part:
    """All events in the folder of the hits of this one."""
    return Part(name, (PublishedFile(f"event{event:09d}-hits.csv.gz"),))


class TrackMLInfo(DatasetInfo):
    """Published samples, of which a single event is only read if it is asked for."""

    def choose_source(self, source: Source, n_files: int | None = None) -> Source:
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
