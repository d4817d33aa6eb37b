"""What Hydra needs to read our configurations: the `conf` folders of plugins, and files as editors save them."""

from dataclasses import replace
from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin

from hepexp.config import plugins, yaml_file


class PluginFolders(SearchPathPlugin):
    """Hydra asks each such class for folders when it composes; the first in the path wins."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in plugins.conf_dirs():
            search_path.append(provider="hepexp.plugins", path=f"file://{folder.resolve()}")


class MarkedFiles(FileConfigSource):
    """Files that may begin with a byte-order mark, behind which Hydra itself would miss the line `# @package`."""

    def load_config(self, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        text = yaml_file.text_of(file) if file.is_file() else ""
        return replace(super().load_config(config_path), header=self._get_header_dict(text))


def register() -> None:
    """Register the classes with Hydra; needed once per process, before Hydra composes. Harmless when repeated."""
    Plugins.instance().register(PluginFolders)
    SourcesRegistry.instance().types[MarkedFiles.scheme()] = MarkedFiles
