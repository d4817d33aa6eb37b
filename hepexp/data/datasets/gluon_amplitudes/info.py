"""Events of gluons with their squared matrix elements, computed rather than published."""

from __future__ import annotations

from functools import partial

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.datasets.gluon_amplitudes.generate import CLASSES, LAYOUT, make_block
from hepexp.data.store.check import check_columns
from hepexp.simulation.block import first_blocks

_N, _SEED = 6_000, 1  # of the sample, which is generated on the fly

INFO = DatasetInfo(
    name="gluon_amplitudes",
    about="events of g g -> 2, 3 or 4 g at 1 TeV with the logarithm of the squared matrix element at tree level",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="E, px, py, pz (GeV), incoming (0 or 1) of each gluon; log_m2 = ln(|M|^2 s^(n-4)) of n gluons with g = 1",
    cite="made for hepexp; recursion of F. A. Berends and W. T. Giele, Nucl. Phys. B 306 (1988) 759",
    licence="MIT, like hepexp",
    check=check_columns(CLASSES, LAYOUT, "event", "gluon"),
    size="generated at any size",
    generator="hepexp.data.datasets.gluon_amplitudes.generate",
    mini=partial(first_blocks, make_block, CLASSES, _SEED, _N),
    mini_about={"made_from": "simulation", "command": f"hepexp data generate gluon_amplitudes --n {_N} --seed {_SEED}"},
)
