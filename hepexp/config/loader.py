"""Hydra's loader with what our files need: objects by name, mappings replaced whole, recipes, byte-order marks."""

from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, IConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.types import Override, OverrideType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf._utils import split_key

from hepexp.config import exact_for, expected, named_objects, own_names, recipe, yaml_file
from hepexp.config.content import content_of

_SEARCHED: ContextVar[tuple[Path, ...]] = ContextVar("folders of the configuration that is composed", default=())


class Loader(ConfigLoaderImpl):
    """Hydra's loader, which also accepts keys that the files leave out, and trains a model by its recipe.

    The schema, which knows the keys, checks them.
    """

    _typed: Collection[str] = ()  # groups and keys of the command line

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        parsed, files = super()._parse_overrides_and_create_caching_repo(config_name, overrides)
        self._typed = {override.key_or_group for override in parsed}
        return [override if _is_exact(override, files) else _forced(override) for override in parsed], files

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        _SEARCHED.set(_folders(self.config_search_path))
        config = OmegaConf.create()
        trainer: Mapping = {}
        for default in defaults:
            own = super()._compose_config_from_defaults_list([default], repo)
            if (default.config_path or "").startswith("trainer/"):
                trainer = dict(own.trainer)
            describe(config, own)
            make_way(config, own)
            config.merge_with(own)
        task = {"task"} if any((default.config_path or "").startswith("task/") for default in defaults) else set()
        recipe.apply(config, {*self._typed, *task}, trainer)
        exact_for.apply(config, self._typed)
        return config


def make_way(config: DictConfig, value: Mapping | list | DictConfig, key: str = "") -> None:
    """Remove from a configuration the mappings that are replaced by a value which is about to be merged into it.

    Parameters
    ----------
    key : under which the value belongs in the configuration; its top by default.
    """
    new = content_of(value) if isinstance(value, DictConfig) else value
    for *path, last in own_names.replaced(content_of(config), new, split_key(key) if key else ()):
        node = config
        for name in path:
            node = node[name]
        with flag_override(node, ["readonly", "struct"], False):
            node[last] = None


def describe(config: DictConfig, own: DictConfig) -> None:
    """Put the description of each object that a file chooses by its name in place of the name, and remove the other."""
    for path, node in named_objects.described(content_of(config), content_of(own), _SEARCHED.get()):
        _set(own, path, node)
        _set(config, path, None)


def describe_typed(config: DictConfig, overrides: list[Override]) -> list[Override]:
    """The same for what is typed. Overrides that choose an object come first, before those of its keys."""
    choosing: list[Override] = []
    others: list[Override] = []
    for override in overrides:
        path, value = split_key(override.key_or_group), override.value()
        found: list[tuple[tuple[str, ...], dict]] = []
        if isinstance(value, Mapping | list | str) and len(path) > 1 and not override.is_delete():
            below = {path[0]: content_of(config).get(path[0])}
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

    It sees published figures with their digits, too. Its own class is changed, not replaced: a launcher hands Hydra's
    register of classes to the processes of the jobs, where another class of that name would be refused.
    """
    # Hydra loads the modules of its plug-ins itself, so its register may have another copy of the class
    registered = SourcesRegistry.instance().types.get(FileConfigSource.scheme(), FileConfigSource)
    sources: set[type[ConfigSource]] = {FileConfigSource, registered}
    for source in sources:
        if not hasattr(source.load_config, "__wrapped__"):
            source.load_config = _skipping_marks(source.load_config)  # type: ignore[assignment, method-assign]  # see above


def _skipping_marks(load: Callable[[ConfigSource, str], ConfigResult]) -> Callable[[ConfigSource, str], ConfigResult]:
    @wraps(load)
    def load_config(self: ConfigSource, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        text = yaml_file.text_of(file) if file.exists() else ""
        yaml_file.check(file, text)
        found = load(self, config_path)
        if isinstance(found.config, DictConfig) and "expected" in found.config:
            values = content_of(found.config)
            found = replace(found, config=OmegaConf.create(expected.as_written(values, text)))
        return replace(found, header=self._get_header_dict(text))

    return load_config


def replace_mappings() -> None:
    """Let what is typed replace mappings of names, `dataset.classes={...}`, as those of files do. Harmless if repeated.

    Hydra's loader calls the function that sets the values by the name of its own class, so a derived one cannot have
    another.
    """
    before = ConfigLoaderImpl._apply_overrides_to_config
    if hasattr(before, "__wrapped__"):
        return

    @wraps(before)
    def apply(overrides: list[Override], cfg: DictConfig) -> None:
        for override in describe_typed(cfg, overrides):
            value = override.value()
            if isinstance(value, Mapping | list) and not override.is_delete() and override.package is None:
                make_way(cfg, value, override.key_or_group)
            before([override], cfg)

    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply)  # type: ignore[method-assign]  # see above


replace_mappings()
skip_marks()  # the process of a job composes with the loader above before it calls anything else of ours
