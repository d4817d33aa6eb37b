"""Conversion of a user's ROOT files into the store, against `uproot.iterate` over the same columns alone.

Jets of 40 to 60 particles, compressed with LZ4, as those of JetClass. A conversion reads them too, so that our speed-up
is below one: it also evaluates expressions, checks each four-momentum, and writes what it keeps, with its SHA-256.
Medians of processor time, which is not affected by other processes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import awkward as ak
import numpy as np
import uproot

from hepexp.data.datasets.files.info import info_of
from hepexp.data.download.convert import convert

TREE = "tree"
UNREAD = ("npart", "part_dz", "jet_pt")  # branches that neither reads
_AT_ONCE = 10_000  # jets in a cluster of the file


def rows(jets: int = 100_000, repeats: int = 5) -> list[dict]:
    """Jets per second: medians over passes that alternate, after a warm-up.

    Parameters
    ----------
    jets : number of jets in the file.
    repeats : number of passes of each.
    """
    rates: dict[str, list[float]] = {"hepexp": [], "uproot-iterate": []}
    with tempfile.TemporaryDirectory() as folder, _store_in(Path(folder)):
        path = Path(folder) / "jets.root"
        write_jets(path, jets)
        info = info_of("bench", config_of(path))
        assert info is not None  # it names files
        names = [name for name in _branches(path) if name not in UNREAD]
        (part,) = info.parts(None)
        for repeat in range(repeats + 1):
            times = {
                "hepexp": _seconds(lambda: convert(info, part)),
                "uproot-iterate": _seconds(lambda: _iterate(path, names)),
            }
            info.converted_path(part).unlink()
            for name, seconds in times.items():
                rates[name] += [jets / seconds] * bool(repeat)
    return [{"case": "convert", "implementation": name, "per_second": median(r)} for name, r in rates.items()]


def config_of(path: Path) -> dict:
    """The keys of `data=files` for the file that `write_jets` makes."""
    return {
        "files": [str(path)],
        "p4": {"pt": "part_pt", "eta": "part_eta", "phi": "part_phi", "mass": "part_mass"},
        "classes": {"QCD": "label_QCD", "top": "label_top"},
        "scalars": ["part_charge", "part_d0 / part_d0err"],
        "weight": "weight",
        "event_id": "event",
    }


def write_jets(path: Path, n: int) -> None:
    """Write n jets of random particles to a ROOT file."""
    random = np.random.default_rng(0)
    with uproot.recreate(path, compression=uproot.LZ4(4)) as file:
        for first in range(0, n, _AT_ONCE):
            jets = _jets(random, first, min(_AT_ONCE, n - first))
            if first == 0:
                file.mktree(TREE, {k: v.type.content if isinstance(v, ak.Array) else v.dtype for k, v in jets.items()})
            file[TREE].extend(jets)


def _jets(random: np.random.Generator, first: int, n: int) -> dict[str, np.ndarray | ak.Array]:
    counts = random.integers(40, 61, n)
    m = int(counts.sum())
    particles = {
        "pt": random.exponential(10, m) + 0.5,
        "eta": random.normal(0, 0.3, m),
        "phi": random.normal(0, 0.3, m),
        "mass": np.full(m, 0.13957),
        "charge": random.integers(-1, 2, m),
        "d0": random.normal(0, 1, m),
        "d0err": random.uniform(0.01, 1, m),
        "dz": random.normal(0, 1, m),
    }
    top = random.random(n) < 0.5
    return {
        "part": ak.zip({name: ak.unflatten(x.astype(np.float32), counts) for name, x in particles.items()}),
        "jet_pt": random.uniform(500, 1000, n).astype(np.float32),
        "label_QCD": ~top,
        "label_top": top,
        "weight": random.uniform(0.5, 1.5, n).astype(np.float32),
        "event": np.arange(first, first + n),
    }


def _branches(path: Path) -> list[str]:
    with uproot.open(path) as file:
        return list(file[TREE].keys())


def _iterate(path: Path, names: list[str]) -> None:
    for _ in uproot.iterate({str(path): TREE}, names, step_size="100 MB"):
        pass


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


@contextmanager
def _store_in(folder: Path) -> Iterator[None]:
    """Converted files go to this folder."""
    before = os.environ.get("HEPEXP_STORE_DIR")
    os.environ["HEPEXP_STORE_DIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["HEPEXP_STORE_DIR"]
        if before is not None:
            os.environ["HEPEXP_STORE_DIR"] = before
