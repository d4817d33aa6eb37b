"""Where the jets of `qg` come from: the published files, the shipped sample, or a simulation on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from hepexp.config.paths import data_dir
from hepexp.data import arrow_file, energyflow
from hepexp.data.files import only_one
from hepexp.data.jets import Jets
from hepexp.data.published import PublishedFile
from hepexp.data.published import qg_files as published
from hepexp.data.read import describe_file
from hepexp.data.store import JetStore
from hepexp.errors import ConfigError, DataError

ABOUT = "quark (1) against gluon (0) jets, Z + jet at 14 TeV, pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4"
ORIGIN = "doi:10.5281/zenodo.3164691 (arXiv:1810.05165); hepexp data download qg"
CLASSES = ("gluon", "quark")  # in the order of the labels
MINI = Path(__file__).parent / "mini" / "qg.parquet"
SOURCES = ("auto", "full", "mini", "generate")

log = logging.getLogger(__name__)


def folder() -> Path:
    """Where downloaded, converted and generated files are kept."""
    return data_dir() / "qg"


def choose(source: str, n_files: int) -> str:
    """What `auto` stands for: `full` where the first n_files published files are there, else `mini`."""
    if source not in SOURCES:
        raise ConfigError(f"dataset.source must be one of {', '.join(SOURCES)}, got {source!r}")
    if source != "auto":
        return source
    missing = [file.name for file in published()[:n_files] if not available(file)]
    if not missing:
        log.info("data: the published sample (%d files in %s)", n_files, folder())
        return "full"
    log.info("data: the sample shipped with hepexp, 20,000 jets; for the published one: hepexp data download qg")
    return "mini"


def available(file: PublishedFile) -> bool:
    """Whether a published file is here, as it is or converted."""
    return converted(file).exists() or found(file) is not None


def found(file: PublishedFile) -> Path | None:
    """The published file on this machine, in the data folder or its `qg` folder."""
    places = (folder() / file.name, data_dir() / file.name)
    return next((path for path in places if path.is_file()), None)


def converted(file: PublishedFile) -> Path:
    """The store made from a published file."""
    return folder() / f"{Path(file.name).stem}.arrow"


def convert(file: PublishedFile) -> Path:
    """Convert a published file into the store, once; several processes may ask for it at the same time.

    Raises
    ------
    DataError : the file is not there, or is damaged.
    """
    target, original = converted(file), found(file)
    with only_one(target):
        if target.exists() and (original is None or _made_from(target, original)):
            return target
        if original is None:
            raise DataError(f"{folder() / file.name}: no such file; fetch it: hepexp data download qg")
        log.info("data: converting %s, once", original)
        about = {"source": "full", "original": describe_file(original), "changed": original.stat().st_mtime_ns}
        arrow_file.write(target, [Jets.concatenate(energyflow.read(original))], about)
    return target


def check_simulation(n: int, seed: int, jobs: int) -> None:
    """Raise ConfigError where `generate` cannot begin: a value is out of range, or a package is missing."""
    for name, value, least in (("n", n, 2), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"{name} must be >= {least}, got {value}")
    for package in ("pythia8mc", "fastjet", "awkward"):
        if find_spec(package) is None:
            raise ConfigError(f"{package} is not installed; pip install 'hepexp[generate]'")


def generated(n: int, seed: int) -> Path:
    """Where the simulated sample of n jets is kept."""
    return folder() / f"generated_n{n}_seed{seed}.arrow"


def generate(n: int, seed: int, jobs: int, report: Callable[[int, bool], None], target: Path | None = None) -> Path:
    """Simulate n jets, unless the file is there already; by default it is where `generate` is read from.

    Raises
    ------
    ConfigError : a value is out of range, Pythia or FastJet is not installed, or the file holds another sample.
    """
    target = target or generated(n, seed)
    check_simulation(n, seed, jobs)
    with only_one(target):
        if not target.exists():
            from hepexp.data.generate import sample

            sample.generate(n, seed, jobs, target, report)
        made = arrow_file.read(target)[1]
        if (made.get("n"), made.get("seed")) != (n, seed):
            raise ConfigError(
                f"{target}: holds other jets ({made.get('command', 'origin unknown')}); choose another name"
            )
    return target


def open_source(source: str, n_files: int, n_generate: int, generate_seed: int) -> JetStore:
    """The jets of one source, which must be on disk already, or be published files that are only to be converted.

    Raises
    ------
    DataError : they are not; says how to get them.
    """
    if source == "full":
        return JetStore.open(*(convert(file) for file in published()[:n_files]))
    if source == "mini":
        return JetStore.open(MINI)
    path = generated(n_generate, generate_seed)
    if not path.exists():
        raise DataError(
            f"{path}: no such file; make it: hepexp data generate qg --n {n_generate} --seed {generate_seed}"
        )
    return JetStore.open(path)


def _made_from(target: Path, original: Path) -> bool:
    about = arrow_file.read(target)[1]
    now = original.stat()
    return (about.get("original", {}).get("bytes"), about.get("changed")) == (now.st_size, now.st_mtime_ns)
