"""TrackML's files: CSV, plain or gzipped, of an event eventNNNNNNNNN-{hits,truth,particles}.csv.

Hits outside the pixel layers are left out. Particles are numbered from 0 in each event; a noise hit is a particle of
its own, with pT = 0.

References
----------
kaggle.com/c/trackml-particle-identification, "Data".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from hepexp.data.datasets.trackml.info import LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import damage_in, require
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError
from hepexp.simulation.pixel_layers import PIXEL_LAYERS

_NAME = re.compile(r"(.*event\d+)-hits\.csv(\.gz)?")
_HITS = ("hit_id", "x", "y", "z", "volume_id", "layer_id")
_TRUTH = ("hit_id", "particle_id")
_PARTICLES = ("particle_id", "px", "py", "pz")


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked events of a file's folder, one at a time; without the need of truth, only that of the file.

    Parameters
    ----------
    needs_label : refuse hits without truth, which else have no particle.

    Raises
    ------
    DataError : names the file and the column or event, and says what was expected.
    """
    if _NAME.fullmatch(path.name) is None:
        raise DataError(f"{path}: not named as TrackML's hits; expected a name such as event000001000-hits.csv.gz")
    events = _events(path.parent) if needs_label else [path]
    for event in events or [path]:
        yield _event(event, needs_label)


def _events(folder: Path) -> list[Path]:
    """The files of hits in a folder, one of each event."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if name := _NAME.fullmatch(file.name):
            found.setdefault(name[1], file)
    return list(found.values())


def _event(path: Path, needs_truth: bool) -> Ragged:
    hits = _columns(path, _HITS)
    layer = _layers(hits["volume_id"], hits["layer_id"])
    kept = layer >= 0
    if not kept.any():
        raise DataError(f"{path}: no hits in the pixel layers; expected some of volume_id 7, 8 or 9")
    number = hits["hit_id"][kept]
    columns: dict[str, NDArray] = {name: hits[name][kept].astype(np.float64) for name in ("x", "y", "z")}
    columns["layer"] = layer[kept]
    columns |= _truth(path, number, needs_truth)
    return checked(check, LAYOUT, path, 0, np.zeros(1, np.int8), offsets_of(np.array([len(number)])), columns)


def _layers(volume: NDArray, layer: NDArray) -> NDArray[np.int64]:
    """Numbers of the pixel layers (m,), -1 elsewhere."""
    found = np.full(len(volume), -1)
    for (own_volume, own_layer), number in PIXEL_LAYERS.items():
        found[(volume == own_volume) & (layer == own_layer)] = number
    return found


def _beside(path: Path, kind: str) -> Path | None:
    name = _NAME.fullmatch(path.name)
    assert name is not None
    places = (path.with_name(f"{name[1]}-{kind}.csv{end}") for end in (".gz", ""))
    return next((place for place in places if place.is_file()), None)


def _truth(path: Path, number: NDArray, needed: bool) -> dict[str, NDArray]:
    """Particle, pT and eta of hits (m,) of these numbers."""
    files = {kind: _beside(path, kind) for kind in ("truth", "particles")}
    truth_file, particles_file = files["truth"], files["particles"]
    if truth_file is None or particles_file is None:
        if needed:
            kind = next(kind for kind, file in files.items() if file is None)
            raise DataError(
                f"{path}: no {kind} of these hits; expected {path.name.replace('-hits', f'-{kind}')} beside it: "
                "only hepexp predict works without"
            )
        unknown = np.zeros(len(number))
        return {"particle": np.full(len(number), -1), "pt": unknown, "eta": unknown}
    truth = _columns(truth_file, _TRUTH)
    identity = truth["particle_id"][_find(truth["hit_id"], number, truth_file, "hit_id")]
    particles = _columns(particles_file, _PARTICLES)
    is_noise = identity == 0
    row = np.zeros(len(identity), np.int64)
    row[~is_noise] = _find(particles["particle_id"], identity[~is_noise], particles_file, "particle_id")
    px, py, pz = (particles[name].astype(np.float64)[row] for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    distinct, particle = np.unique(identity[~is_noise], return_inverse=True)
    of_hit = np.empty(len(identity), np.int64)
    of_hit[~is_noise], of_hit[is_noise] = particle, len(distinct) + np.arange(is_noise.sum())
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    return {"particle": of_hit, "pt": np.where(is_noise, 0, pt), "eta": np.where(is_noise, 0, eta)}


def _find(known: NDArray, wanted: NDArray, path: Path, name: str) -> NDArray[np.int64]:
    """The rows (m,) of these numbers (m,) in a column (n,)."""
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order).clip(max=max(len(known) - 1, 0))
    found = order[place] if len(known) else np.zeros(len(wanted), np.int64)
    missing = known[found] != wanted if len(known) else np.ones(len(wanted), bool)
    if missing.any():
        raise DataError(f"{path}: no {name} {wanted[missing][0]}; expected a row for each that the event has")
    return found


def _columns(path: Path, names: Sequence[str]) -> dict[str, NDArray]:
    """Columns of a file of these names, numbers without gaps."""
    with damage_in(path, "CSV file"):
        table = csv.read_csv(path)
    require(path, "column", names, table.column_names)
    found = {}
    for name in names:
        column = table[name]
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
            raise DataError(f"{path}: column {name} holds what is no number; expected a number in each row")
        found[name] = column.to_numpy()
    return found
