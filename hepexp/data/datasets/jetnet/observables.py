"""Quantities by which generated jets are compared with those of JetNet, in units of the jet's pT.

References
----------
R. Kansal et al., arXiv:2106.11535, section 4 (W1M, W1P, W1EFP); R. Kansal et al., arXiv:2211.10295 (FPD, KPD).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.jetnet.relative import relative_mass
from hepexp.data.physics.energy_flow import connected_graphs, energy_flow, graphs_up_to, of_vertices, products
from hepexp.data.store.ragged import Ragged, pad
from hepexp.observable import Observable

OBSERVABLES = (
    Observable("mass", (r"mass / jet $p_\mathrm{T}$",), selects=True),
    Observable(
        "particle", (r"$\eta^\mathrm{rel}$", r"$\phi^\mathrm{rel}$", r"$p_\mathrm{T}^\mathrm{rel}$"), of="element"
    ),
    Observable("efp", tuple(f"EFP {k}, n = 4, d = 4" for k in range(1, 6))),
    Observable("multiplicity", ("particles",), distance=False),
    Observable("sum", (r"$\sum p_\mathrm{T}^\mathrm{rel}$",)),
)
MOST_EDGES = 4
POLYNOMIALS = ("efp", "features")


def observe(jets: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
    """The values (n, K) of the observables of each jet, or (m, K) of each particle; of all, or of those asked for.

    `features` (n, 36) are all energy flow polynomials with up to four edges; `cloud` (n, N, 3) are the jets as padded
    sets of (eta_rel, phi_rel, pt_rel), for distances between jets.
    """
    columns = [jets[name].astype(np.float64) for name in ("eta_rel", "phi_rel", "pt_rel")]
    eta, phi, z = (pad(column, jets.counts) for column in columns)
    found = {
        "mass": lambda: relative_mass(jets)[:, None],
        "particle": lambda: np.stack(columns, axis=1),
        "multiplicity": lambda: jets.counts[:, None].astype(np.float64),
        "sum": lambda: z.sum(1)[:, None],
        "cloud": lambda: np.stack([eta, phi, z], axis=2),
    }
    wanted = [*found, *POLYNOMIALS] if names is None else names
    values = {name: found[name]() for name in wanted if name in found}
    if set(POLYNOMIALS) & set(wanted):
        parts = tuple(graph for d in range(1, MOST_EDGES + 1) for graph in connected_graphs(d))
        of_graph = dict(zip(((), *parts), energy_flow(z, eta, phi, ((), *parts)).T, strict=True))
        values["efp"] = np.stack([of_graph[graph] for graph in of_vertices(connected_graphs(4), 4)], axis=1)
        values["features"] = products(of_graph, graphs_up_to(MOST_EDGES))
    return values
