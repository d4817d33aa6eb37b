"""Quantities by which generated showers are compared: the high-level features of the CaloChallenge.

References
----------
C. Krause et al., arXiv:2410.21611, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calo_challenge.binning import Binning
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.observable import Observable

Floats = NDArray[np.float64]
TINY = 1e-8  # MeV, of layers without energy
NAMES = ("layer_energy", "centre_x", "centre_y", "width_x", "width_y", "occupancy")


def observables(binning: Binning) -> tuple[Observable, ...]:
    """The energy of the whole shower, and six quantities of each layer."""
    labels = {
        "layer_energy": "energy in layer {} [GeV]",
        "centre_x": "centre in x in layer {} [mm]",
        "centre_y": "centre in y in layer {} [mm]",
        "width_x": "width in x in layer {} [mm]",
        "width_y": "width in y in layer {} [mm]",
        "occupancy": "occupancy of layer {}",
    }
    units = {"layer_energy": "GeV", "occupancy": ""}
    each = (
        Observable(
            name, tuple(labels[name].format(layer.number) for layer in binning.layers), unit=units.get(name, "mm")
        )
        for name in NAMES
    )
    response = Observable("response", ("energy in the voxels / energy of the particle",), selects=True, mean=True)
    return (response, *each)


def voxels(examples: Ragged, n_voxels: int) -> Floats:
    """Energies (n, voxels) in MeV."""
    return to_dense(examples, (1, 1, n_voxels)).reshape(len(examples), -1).astype(np.float64)


def observe(examples: Ragged, binning: Binning, names: Sequence[str] | None = None) -> dict[str, Floats]:
    """The values (n, K) of the observables of each shower, of all or those asked for.

    Centre and width of a layer are the energy-weighted mean and standard deviation of the centres of its voxels.
    `features` (n, F) are all of them together. What classifiers read is only there if it is asked for.
    """
    dense, first = voxels(examples, binning.first[-1]), binning.first
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    for layer, start, stop in zip(binning.layers, first, first[1:], strict=False):
        energy = dense[:, start:stop]
        total = energy.sum(1)
        moments = [
            _ratio(energy @ layer.centres[:, axis] ** power, total) for power in (1, 2) for axis in (0, 1)
        ]  # of x, y, x^2, y^2
        found["layer_energy"].append(total / 1000)
        for axis, name in enumerate("xy"):
            found[f"centre_{name}"].append(moments[axis])
            found[f"width_{name}"].append(np.sqrt(np.maximum(moments[2 + axis] - moments[axis] ** 2, 0)))
        found["occupancy"].append((energy > 0).mean(1))
    incident = examples["energy"].astype(np.float64)
    values = {"response": (dense.sum(1) / 1000 / incident)[:, None]}
    values |= {name: np.stack(columns, 1) for name, columns in found.items()}
    features = np.concatenate(list(values.values()), 1)
    asked = {} if names is None else classifier_inputs(dense, incident, values)
    values |= {"features": features, **asked}
    return values if names is None else {name: values[name] for name in names if name in values}


def classifier_inputs(dense: Floats, incident: Floats, values: dict[str, Floats]) -> dict[str, Floats]:
    """What the challenge's classifiers read: log10 of the energy E of the particle in MeV, and

    low_level : the energies of the voxels over E.
    high_level : of each layer log10 of its energy in MeV, centres and widths in units of 100 mm, and occupancy.
    """
    energy = 1000 * incident[:, None]
    layers = np.log10(1000 * values["layer_energy"] + TINY)
    moments = [values[name] / 100 for name in ("centre_x", "centre_y", "width_x", "width_y")]
    return {
        "low_level": np.concatenate([np.log10(energy), dense / energy], 1),
        "high_level": np.concatenate([np.log10(energy), layers, *moments, values["occupancy"]], 1),
    }


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
