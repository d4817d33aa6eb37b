"""Compose a configuration as `train` does, and turn Hydra's error messages into one line."""

import shlex
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.default_element import ResultDefault
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.plugins import Plugins
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf._utils import split_key
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from hepexp.config import named_objects, own_names, paths, plugins, recipe, yaml_file
from hepexp.config.quoting import in_quotes
from hepexp.errors import ConfigError

_SEARCHED: ContextVar[tuple[Path, ...]] = ContextVar("folders of the configuration that is composed", default=())


class PluginFolders(SearchPathPlugin):
    """The `conf` folders of plug-ins. Hydra asks each such class for folders; the first in the path wins."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in plugins.conf_dirs():
            search_path.append(provider="hepexp.plugins", path=f"file://{folder.resolve()}")


class Loader(ConfigLoaderImpl):
    """Hydra's loader, which also accepts keys that the files leave out, and trains a model by its recipe.

    The schema, which knows the keys, checks them.
    """

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        parsed, files = super()._parse_overrides_and_create_caching_repo(config_name, overrides)
        files.typed = {override.key_or_group for override in parsed}
        return [override if _is_exact(override, files) else _forced(override) for override in parsed], files

    def _compose_config_from_defaults_list(
        self, defaults: list[ResultDefault], repo: CachingConfigRepository
    ) -> DictConfig:
        _SEARCHED.set(_folders(self.config_search_path))
        config = OmegaConf.create()
        for default in defaults:
            own = super()._compose_config_from_defaults_list([default], repo)
            describe(config, own)
            make_way(config, own)
            config.merge_with(own)
        task = {"task"} if any((default.config_path or "").startswith("task/") for default in defaults) else set()
        recipe.apply(config, repo.typed | task)
        return config


def make_way(config: DictConfig, value: Mapping | list | DictConfig, key: str = "") -> None:
    """Remove from a configuration the mappings that are replaced by a value which is about to be merged into it.

    Parameters
    ----------
    key : under which the value belongs in the configuration; its top by default.
    """
    new = OmegaConf.to_container(value, resolve=False) if OmegaConf.is_config(value) else value
    for *path, last in own_names.replaced(
        OmegaConf.to_container(config, resolve=False), new, split_key(key) if key else ()
    ):
        node = config
        for name in path:
            node = node[name]
        with flag_override(node, ["readonly", "struct"], False):
            node[last] = None


def describe(config: DictConfig, own: DictConfig) -> None:
    """Put the description of each object that a file chooses by its name in place of the name, and remove the other."""
    below, above = (OmegaConf.to_container(part, resolve=False) for part in (config, own))
    for path, node in named_objects.described(below, above, _SEARCHED.get()):
        _set(own, path, node)
        _set(config, path, None)


def describe_typed(config: DictConfig, overrides: list[Override]) -> list[Override]:
    """The same for what is typed. Overrides that choose an object come first, before those of its keys."""
    choosing, others = [], []
    for override in overrides:
        path, value = split_key(override.key_or_group), override.value()
        found = []
        if isinstance(value, Mapping | list | str) and len(path) > 1 and not override.is_delete():
            below = {path[0]: OmegaConf.to_container(config, resolve=False).get(path[0])}
            found = named_objects.described(below, value, _SEARCHED.get(), path)
        for place, node in found:
            _set(config, place, None)
            value = _with(value, place[len(path) :], node)
        (choosing if found else others).append(replace(override, _value=value) if found else override)
    return [*choosing, *others]


def _with(value: Any, path: tuple[str, ...], node: dict) -> Any:
    """A value with another one under these keys."""
    return {**value, path[0]: _with(value[path[0]], path[1:], node)} if path else node


def _set(config: DictConfig, path: tuple[str, ...], value: Any) -> None:
    """Set the value of a key, where its parent exists."""
    node = config
    for name in path[:-1]:
        node = node.get(name)
        if not isinstance(node, DictConfig):
            return
    with flag_override(node, ["readonly", "struct"], False):
        node[path[-1]] = value


def _folders(searched: ConfigSearchPath) -> tuple[Path, ...]:
    """Folders of configurations in the order in which Hydra searches them."""
    places = [Path(element.path.removeprefix("file://")) for element in searched.get_path() if element.path]
    return tuple(place for place in places if place.is_dir())


def _is_exact(override: Override, files: CachingConfigRepository) -> bool:
    """Whether an override chooses an option, deletes, or is of Hydra's own keys, which all must exist."""
    return override.is_delete() or override.is_hydra_override() or files.group_exists(override.key_or_group)


def _forced(override: Override) -> Override:
    return replace(override, type=OverrideType.FORCE_ADD)  # as `++key=value`; what was typed is recorded unchanged


def skip_marks() -> None:
    """Let Hydra see `# @package` behind a byte-order mark, with which some editors begin files. Harmless when repeated.

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
        text = yaml_file.text_of(file) if file.exists() else ""
        yaml_file.check(file, text)
        return replace(load(self, config_path), header=self._get_header_dict(text))

    load_config.skips_marks = True
    return load_config


def replace_mappings() -> None:
    """Let what is typed replace mappings of names, `dataset.classes={...}`, as those of files do. Harmless if repeated.

    Hydra's loader calls the function that sets the values by the name of its own class, so a derived one cannot have
    another.
    """
    before = ConfigLoaderImpl._apply_overrides_to_config
    if getattr(before, "replaces_mappings", False):
        return

    def apply(overrides: list[Override], cfg: DictConfig) -> None:
        for override in describe_typed(cfg, overrides):
            value = override.value()
            if isinstance(value, Mapping | list) and not override.is_delete() and override.package is None:
                make_way(cfg, value, override.key_or_group)
            before([override], cfg)

    apply.replaces_mappings = True
    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply)


replace_mappings()
skip_marks()  # the process of a job composes with the loader above before it calls anything else of ours


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


def parse(args: list[str], loader: ConfigLoader | None = None) -> list[Override]:
    """Parse overrides by Hydra's grammar.

    Parameters
    ----------
    args : overrides.
    loader : finds the options to which `glob(...)` expands; None if there is nothing to expand.

    Raises
    ------
    ConfigError : an argument does not follow the grammar.
    """
    parser = OverridesParser.create(loader)
    parsed = []
    for arg in args:
        if "=" not in arg and not arg.startswith("~"):
            raise ConfigError(f"cannot read '{arg}': expected KEY=VALUE, e.g. model=lorentznet")
        try:
            parsed += parser.parse_overrides([arg])
        except HydraException as error:
            raise ConfigError(f"cannot read '{arg}'{_reason(arg, error)}: {_advice(arg, parser)}") from error
        if not parsed[-1].key_or_group:
            raise ConfigError(f"cannot read '{arg}': expected KEY=VALUE, e.g. model=lorentznet")
    return parsed


def _reason(arg: str, error: HydraException) -> str:
    reason = str(error).splitlines()[0].removeprefix(f"Error parsing override '{arg}'")
    return "" if reason.startswith("LexerNoViable") or not reason else f" ({reason})"


def _advice(arg: str, parser: OverridesParser) -> str:
    """How to type what could not be read, if that would be read."""
    typed = in_quotes(arg)
    try:
        if parser.parse_overrides(shlex.split(typed))[0].key_or_group:
            return f"write {typed}"
    except HydraException:
        pass
    return """put a value with spaces, quotes, commas or brackets in quotes, e.g. 'name="a, b"'"""


def plain(config: DictConfig) -> dict[str, Any]:
    """Plain values of everything but Hydra's own part, interpolations resolved.

    A value that is known only when a job starts (`${hydra:job.num}`) is left as written.

    Raises
    ------
    ConfigError : an interpolation names a key that does not exist.
    """
    state = HydraConfig.instance()
    before, state.cfg = state.cfg, config
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
            return OmegaConf.to_container(config[key], resolve=True)
        return config[key]
    except (MissingMandatoryValue, InterpolationToMissingValueError):
        return OmegaConf.to_container(config, resolve=False)[key]  # type: ignore[index]
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}: {one_line(error)} (written as {node})") from error
