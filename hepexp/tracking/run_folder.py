"""The folder in which a run leaves its record: runs/<experiment>/<yyyy-mm-dd_HH-MM-SS>_<name>/."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hepexp import atomic
from hepexp.config import record
from hepexp.config.paths import runs_dir
from hepexp.config.root import check_folder
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, DataError, HepexpError
from hepexp.tracking import lookup, record_file, write_guard

MODELS = "models:/"  # begins the address of a registered model


@dataclass(frozen=True)
class RunFolder:
    """One run's record on disk.

    Files: config.yaml (resolved), overrides.yaml, environment.json, metrics.json, predictions.parquet,
    checkpoints/best.ckpt, checkpoints/last.ckpt, plots/*.png, log.txt. Each is written completely or not at all.

    Parameters
    ----------
    path : the folder, absolute.
    """

    path: Path

    @classmethod
    def create(cls, experiment: str, name: str) -> RunFolder:
        """Make a new, empty folder. Once its record has begun, `point_latest` makes it runs/latest.

        Parameters
        ----------
        experiment, name : used as names of folders: letters, digits and `. , = + - _`.

        Raises
        ------
        ConfigError : a name that cannot be the name of a folder.
        HepexpError : the folder cannot be made (no permission, disk full).
        """
        check_folder("experiment", experiment)
        check_folder("name", name)
        root = runs_dir()
        write_guard.refuse_way_out(root / experiment)
        stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{name}"
        try:
            (root / experiment).mkdir(parents=True, exist_ok=True)
            run = cls(new_folder(root / experiment, stem).resolve())
            run.checkpoints.mkdir()
            run.plots.mkdir()
        except OSError as error:
            raise HepexpError(
                f"cannot make a run folder in {root / experiment}: {error.strerror}; set $HEPEXP_RUNS_DIR to a folder "
                "that can be written"
            ) from error
        return run

    def point_latest(self) -> None:
        """Make this run runs/latest."""
        _point_latest(runs_dir(), self.path)

    def remove(self) -> None:
        """Remove the folder of a run that could not begin, and that of the experiment if it is then empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()

    @classmethod
    def find(cls, text: str) -> RunFolder:
        """The run named by a folder, an MLflow run id, a registered model, or the word `latest`.

        A registered model is `models:/NAME@ALIAS` or `models:/NAME/VERSION`, and its run the one that it was registered
        from. A relative folder is looked for in the working directory, then under runs/.

        Raises
        ------
        ConfigError : there is no such run; the message says where it was looked for.
        """
        root = runs_dir()
        if text == "latest":
            return cls(_latest(root))
        if text.startswith(MODELS):
            return cls(_of_run_id(root, _of_model(text)))
        for candidate in (Path(text), root / text):
            if text and is_locked(candidate):
                raise ConfigError(f"{candidate} cannot be read: permission denied; ask its owner")
            if text and os.path.isdir(candidate):
                if not is_run(candidate):
                    raise ConfigError(f"{candidate} is not a run folder: it has no config.yaml")
                return cls(candidate.resolve())
        if re.fullmatch(r"[0-9a-f]{32}", text):
            return cls(_of_run_id(root, text))
        known = [f"{p.parent.name}/{p.name}" for p in root.glob("*/*") if is_run(p)]
        close = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ConfigError(
            f"no run {text!r}: not a folder here or under {root}, nor an MLflow run id (32 hex digits), `latest`, or "
            f"models:/NAME@ALIAS{hint}"
        )

    @property
    def config(self) -> DictConfig:
        """The resolved config of the run (config.yaml): values, none of which is evaluated.

        Raises
        ------
        HepexpError : it cannot be read, or lacks the chosen options, which every run records.
        """
        config = record.load(self.path / "config.yaml")
        if not OmegaConf.is_dict(config.get("choices")):
            raise DataError(f"{self.path / 'config.yaml'} is not the config of a run: it lacks choices")
        return config

    @property
    def overrides(self) -> list[str]:
        """The overrides as typed (overrides.yaml): `${...}` is not resolved."""
        return record_file.words(self.path / "overrides.yaml")

    @property
    def metrics(self) -> dict[str, Any]:
        """The flat metrics.json, empty if the run did not get that far."""
        return record_file.figures(self.path / "metrics.json")

    @property
    def environment(self) -> dict[str, Any]:
        """environment.json, empty when it is missing."""
        return record_file.environment(self.path / "environment.json")

    @property
    def history(self) -> list[dict[str, Any]]:
        """history.json, one row per epoch; empty for a run that trained nothing."""
        return record_file.rows(self.path / "history.json")

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.parquet"

    @property
    def samples(self) -> Path:
        """Examples that a generator made for the test, in the columns of its data set."""
        return self.path / "samples.parquet"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def label(self) -> str:
        """`<experiment>/<folder>`: the run's name under runs/, or the whole path of a run elsewhere."""
        return lookup.label(self.path)

    @property
    def mlflow_run_id(self) -> str | None:
        """The id of this run in the MLflow store, None when the store does not have it."""
        return lookup.run_id_of(self.path)

    def write_text(self, name: str, text: str) -> None:
        atomic.write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write e.g. `metrics.json`; NaN and infinities become null."""
        atomic.write_json(self.path / name, value)

    def write_yaml(self, name: str, value: Any) -> None:
        """Write e.g. `config.yaml` from an OmegaConf value (resolved) or plain containers."""
        atomic.write_yaml(self.path / name, value)


def is_run(folder: Path) -> bool:
    """Whether it is the folder of a run that this user may read."""
    return os.path.isfile(folder / "config.yaml")


def is_locked(folder: Path) -> bool:
    """Whether this user may not read a folder, or not even see whether it exists; False for a missing one."""
    try:
        return stat.S_ISDIR(folder.stat().st_mode) and not os.access(folder, os.R_OK | os.X_OK)
    except OSError as error:  # missing, a name that is too long, ...
        return isinstance(error, PermissionError)


def new_folder(parent: Path, stem: str) -> Path:
    """Make the folder `stem`, or `stem_2`, `stem_3` ... when it exists."""
    # Jobs of a multirun start in the same second: only mkdir tests for a free name without a race.
    attempt = 1
    while True:
        folder = parent / (stem if attempt == 1 else f"{stem}_{attempt}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            attempt += 1


def _point_latest(root: Path, folder: Path) -> None:
    link = root / f".latest.{os.getpid()}"
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(root.resolve()))  # relative: runs/ can be moved
        os.replace(link, root / "latest")
    except OSError:
        link.unlink(missing_ok=True)  # file systems without links: `latest` is a convenience, and the run continues


def _latest(root: Path) -> Path:
    link = root / "latest"
    if is_locked(link):
        raise ConfigError(f"{link} cannot be read: permission denied; ask its owner, or name another run")
    if os.path.isdir(link):
        write_guard.refuse_way_out(link)
        return link.resolve()
    if os.path.islink(link):
        raise ConfigError(f"{link} points to {os.readlink(link)}, which no longer exists; name a run folder instead")
    raise ConfigError(f"there is no latest run: {link} does not exist; start one with `hepexp train`")


def _of_model(address: str) -> str:
    """The MLflow run that a version of a registered model came from."""
    found = re.fullmatch(r"models:/([^@/]+)(?:@([^@/]+)|/([^@/]+))", address)
    if found is None:
        raise ConfigError(f"{address!r} is not a registered model: expected models:/NAME@ALIAS or models:/NAME/VERSION")
    name, alias, version = found.groups()
    run_id = lookup.run_of_alias(name, alias) if alias else lookup.run_of_version(name, version)
    if run_id:
        return run_id
    if known := lookup.versions_of(name):
        raise ConfigError(f"{address}: there is no such version; {name} has {', '.join(known)}")
    hint = did_you_mean(name, lookup.registered_models())
    raise ConfigError(f"{address}: no model {name} is registered in {lookup.database()}{hint}; see: hepexp register")


def _of_run_id(root: Path, run_id: str) -> Path:
    folder = lookup.folder_of(run_id)
    if folder is None:
        raise ConfigError(f"no MLflow run {run_id} in {lookup.database()}; `hepexp ui` lists the runs of this store")
    if not write_guard.is_own(folder):
        raise ConfigError(f"MLflow run {run_id} wrote to {folder}, which is not below {root}; give the folder instead")
    if not folder.is_dir():
        raise ConfigError(f"MLflow run {run_id} wrote to {folder}, which no longer exists")
    return folder.resolve()


def named_run(value: str, key: str) -> RunFolder | None:
    """The run that the value of a key names; None if it names none.

    Raises
    ------
    ConfigError : it is `latest`, an MLflow run id or `models:/NAME@ALIAS`, but there is no such run.
    """
    named = value == "latest" or value.startswith(MODELS) or re.fullmatch(r"[0-9a-f]{32}", value)
    if not named and not any(is_run(folder) for folder in (Path(value), runs_dir() / value)):
        return None
    try:
        return RunFolder.find(value)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
