"""Compose a configuration as `train` does, and turn Hydra's error messages into one line."""

from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from hepexp.config import paths, plugins
from hepexp.config.content import content_of
from hepexp.config.loader import Loader, skip_marks
from hepexp.errors import ConfigError


class PluginFolders(SearchPathPlugin):
    """The `conf` folders of plug-ins. Hydra asks each such class for folders; the first in the path wins."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in plugins.conf_dirs():
            search_path.append(provider="hepexp.plugins", path=f"file://{folder.resolve()}")


class Composer:
    """Hydra's loader over the folders that `train` searches.

    Parameters
    ----------
    extra : folders searched after the shipped one (`--config-dir`).
    name : name of the root configuration.
    """

    def __init__(self, extra: list[Path], name: str = "train") -> None:
        version.setbase("1.3")
        setup_globals()  # Hydra's resolvers: ${hydra:...}, ${now:...}
        Plugins.instance().register(PluginFolders)
        skip_marks()
        searched = create_config_search_path(str(paths.conf_dir()))
        for folder in extra:
            # Where Hydra itself puts --config-dir: after the other folders, before its schemas.
            searched.prepend("command-line", f"file://{folder.resolve()}", SearchPathQuery(provider="schema"))
        self.loader = Loader(searched)
        self.name = name

    def compose(self, overrides: list[str]) -> DictConfig:
        """The whole configuration, with Hydra's own part under `hydra`.

        Raises
        ------
        ConfigError : Hydra cannot compose it.
        """
        try:
            return self.loader.load_configuration(self.name, overrides, run_mode=RunMode.RUN)
        except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
            raise ConfigError(one_line(error)) from error

    def hydra_groups(self, group: str) -> list[str]:
        """Hydra's own groups beside this one, e.g. `hydra/launcher`."""
        parent = group.rpartition("/")[0]
        return [f"{parent}/{name}" for name in self.loader.get_group_options(parent, ObjectType.GROUP)]

    def hydra_options(self, group: str) -> list[str]:
        """Options of one of Hydra's own groups."""
        return self.loader.get_group_options(group, ObjectType.CONFIG)


def plain(config: DictConfig) -> dict[str, Any]:
    """Plain values of everything but Hydra's own part, interpolations resolved.

    A value that is known only when a job starts (`${hydra:job.num}`) is left as written.

    Raises
    ------
    ConfigError : an interpolation names a key that does not exist.
    """
    state = HydraConfig.instance()
    before = state.cfg
    state.cfg = config  # type: ignore[assignment]  # Hydra itself puts a DictConfig there
    try:
        return {str(key): _resolved(config, str(key)) for key in config if key != "hydra"}
    finally:
        state.cfg = before


def one_line(error: Exception) -> str:
    """The message of Hydra or OmegaConf, without its advice on structs, which users do not know about."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else None
    text = str(error) if str(error).strip() and str(error) != "None" else str(cause)
    return " ".join(text.split()).split(" See https://")[0].split(" Config search path:")[0]


def _resolved(config: DictConfig, key: str) -> Any:
    node = config._get_node(key)
    try:
        if OmegaConf.is_config(config[key]):
            return OmegaConf.to_container(config[key], resolve=True)  # of a list, too
        return config[key]
    except (MissingMandatoryValue, InterpolationToMissingValueError):
        return content_of(config)[key]
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}: {one_line(error)} (written as {node})") from error
