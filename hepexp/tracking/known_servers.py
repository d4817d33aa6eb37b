"""The MLflow servers that this user has named, and the wishes in a record that are followed.

A run folder, a list of jobs or a whole runs/ may be somebody else's, and whoever is sent a run is also sent the
credentials in MLFLOW_TRACKING_TOKEN or MLFLOW_TRACKING_PASSWORD. So a server that a record names is contacted only if
the user has named it: on a command line, in a configuration that was composed, or in MLFLOW_TRACKING_URI. As `ssh` does
with hosts, hepexp remembers the servers in a file of the user's.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from omegaconf import DictConfig, OmegaConf

from hepexp.config import record
from hepexp.errors import HepexpError
from hepexp.tracking import lookup
from hepexp.tracking.remote import check_uri
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")
VARIABLE = "HEPEXP_KNOWN_SERVERS"  # of this command and the processes that it starts
URI, REGISTER = "tracking.uri", "tracking.register"


def file() -> Path | None:
    """The user's list of servers, one a line: ~/.config/hepexp/mlflow_servers; None without a home folder."""
    try:
        root = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    except RuntimeError:
        return None
    return Path(root) / "hepexp" / "mlflow_servers"


def remember(uri: str | None) -> None:
    """Note a server that the user has named, for this command and later ones; None is none.

    Raises
    ------
    ConfigError : it is not the address of a server.
    """
    if uri is None:
        return
    check_uri(uri)
    server = _server(uri)
    if server in _listed():
        return
    os.environ[VARIABLE] = " ".join([*os.environ.get(VARIABLE, "").split(), server])
    path = file()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as lines:
            lines.write(f"{server}\n")
    except OSError as error:
        log.debug("%s cannot be written: %s", path, error)  # known to this command all the same


def remember_typed(words: Sequence[str]) -> None:
    """Note the servers among overrides that the user typed.

    Raises
    ------
    ConfigError : as for `remember`.
    """
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        if key == URI and value not in ("", "null", "None"):
            remember(value.strip("'\""))


def is_known(uri: str) -> bool:
    """Whether the user has named this server (scheme, host and port)."""
    return _server(uri) in _listed()


def followed(uri: str | None) -> str | None:
    """The server that a run is to be copied to if the user has named it; otherwise None, and a line that says so."""
    if uri is None or is_known(uri):
        return uri
    log.warning(
        "%s=%s comes from a record and is not contacted: you have not named this server; if you trust it, type %s=%s",
        URI, uri, URI, uri,
    )  # fmt: skip
    return None


def refuse_unknown(uri: str, name: str) -> None:
    """Refuse to send a recorded run to a server that only its record names.

    Raises
    ------
    HepexpError : the user has not named this server.
    """
    if not is_known(uri):
        raise HepexpError(
            f"run {name} names the server {uri}, which you have not named yourself; if you trust it: hepexp sync "
            f"{name} --uri {uri}"
        )


def resumed_config(folder: RunFolder, typed: list[str]) -> DictConfig:
    """The config with which a run is resumed: its record with what is typed, and without a stranger's wishes.

    Parameters
    ----------
    typed : overrides such as `trainer.max_epochs=20`.

    Raises
    ------
    ConfigError : a key that cannot change, or a value of the wrong type.
    DataError : a run cannot be built from the record.
    """
    remember_typed(typed)
    config = record.with_changes(folder.config, typed, record=folder.path / "config.yaml")
    name = OmegaConf.select(config, REGISTER)
    if name is None or any(word.startswith(f"{REGISTER}=") for word in typed):
        return config
    OmegaConf.set_readonly(config, False)
    config.tracking.register = own_wish(folder.path, name)
    return config


def own_wish(folder: Path, name: str | None) -> str | None:
    """The name under which a record wants a model registered if this store has the run with it, otherwise None."""
    if name is None or lookup.parameter_of(folder, REGISTER) == name:
        return name
    log.warning(
        "%s=%s comes from a record that is not of this store, and is not followed; later: hepexp register RUN %s",
        REGISTER, name, name,
    )  # fmt: skip
    return None


def _listed() -> set[str]:
    listed = set(os.environ.get(VARIABLE, "").split())
    if theirs := os.environ.get("MLFLOW_TRACKING_URI"):
        listed.add(_server(theirs))
    path = file()
    try:
        return listed | set(path.read_text(encoding="utf-8").split()) if path else listed
    except (OSError, UnicodeDecodeError):
        return listed


def _server(uri: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower()
