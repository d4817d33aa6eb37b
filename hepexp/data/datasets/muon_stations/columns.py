"""The columns of muons in four stations."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from hepexp.data.store.limits import ENERGY, RAPIDITY, Limits
from hepexp.data.store.ragged import Layout

PAIRS = tuple(combinations(range(4), 2))
DPHI, DTHETA = (tuple(f"{kind}_{a + 1}{b + 1}" for a, b in PAIRS) for kind in ("dphi", "dtheta"))
BEND, FRONT = (tuple(f"{kind}_{station}" for station in range(1, 5)) for kind in ("bend", "front"))
FEATURES = ("theta", *DPHI, *DTHETA, *BEND, *FRONT)  # what a trigger knows
ANGLE = Limits(-10, 10, "rad")
INVERSE = Limits(0, 1e9, "1/GeV")
LIMITS = {
    **dict.fromkeys(("theta", *DPHI, *DTHETA, *BEND), ANGLE),
    **dict.fromkeys(FRONT, Limits(0, 1, whole=True)),
    "dphi_fit": INVERSE,
    "inverse_pt": INVERSE,
    "pt": ENERGY,
    "eta": RAPIDITY,
}
LAYOUT = Layout({}, dict.fromkeys(LIMITS, np.float32), limits=LIMITS)
