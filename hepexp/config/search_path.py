"""What Hydra needs to read our configurations: the `conf` folders of plugins, and files as editors save them."""

from collections.abc import Callable
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


def register() -> None:
    """Register what Hydra needs, once per process, before it composes. Harmless when repeated."""
    Plugins.instance().register(PluginFolders)
    skip_marks()


def skip_marks() -> None:
    """Let Hydra see `# @package` behind a byte-order mark. Harmless when repeated.

    Its own class is changed, not replaced: a launcher hands Hydra's register of classes to the processes of the jobs,
    where another class of that name would be refused.
    """
    # Hydra loads the modules of its plug-ins itself, so its register may have another copy of the class
    for source in {FileConfigSource, SourcesRegistry.instance().types.get(FileConfigSource.scheme(), FileConfigSource)}:
        if not getattr(source.load_config, "skips_marks", False):
            source.load_config = _skipping_marks(source.load_config)


def _skipping_marks(load: Callable[[FileConfigSource, str], ConfigResult]) -> Callable:
    def load_config(self: FileConfigSource, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        text = yaml_file.text_of(file) if file.is_file() else ""
        return replace(load(self, config_path), header=self._get_header_dict(text))

    load_config.skips_marks = True
    return load_config
