"""The columns of hits, and the numbers of layers."""

from __future__ import annotations

import numpy as np

from hepexp.data.store.limits import RAPIDITY, Limits
from hepexp.data.store.ragged import Layout
from hepexp.simulation.pixel_layers import PIXEL_LAYERS

N_LAYERS = len(PIXEL_LAYERS)
N_BARREL, N_DISCS = 4, 7
_PLACE = Limits(-20_000, 20_000, "mm")
LAYOUT = Layout(
    elements={
        **dict.fromkeys(("x", "y", "z"), np.float32),
        "layer": np.int8,
        "particle": np.int32,
        "pt": np.float32,
        "eta": np.float32,
    },
    limits={
        **dict.fromkeys(("x", "y", "z"), _PLACE),
        "layer": Limits(0, N_LAYERS - 1, whole=True),
        "particle": Limits(-1, 2**31 - 1, whole=True),
        "pt": Limits(0, 1e5, "GeV"),
        "eta": RAPIDITY,
    },
)
