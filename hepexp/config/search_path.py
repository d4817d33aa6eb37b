"""Add the `conf` folders of registered plugins to Hydra's search path."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from hepexp.config import plugins


class PluginFolders(SearchPathPlugin):
    """Hydra asks each such class for folders when it composes; what comes first in the path wins."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in plugins.conf_dirs():
            search_path.append(provider="hepexp.plugins", path=f"file://{folder.resolve()}")


def register() -> None:
    """Make Hydra know the class; needed once in a process, before Hydra composes. Harmless when repeated."""
    Plugins.instance().register(PluginFolders)
