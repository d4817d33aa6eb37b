"""Check the nodes of a configuration, whether they come from a command line, a file or the record of a run."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hepexp.config import kind, schema
from hepexp.config.annotations import is_node
from hepexp.errors import ConfigError, DataError

PARTS = tuple(group for group in kind.GROUPS if group != "sweep")  # the groups that make up every run


def check_nodes(content: Mapping, groups: Iterable[str], chosen: Mapping[str, str]) -> None:
    """Check that each of these groups has a node, and each node against the constructor of its class.

    Parameters
    ----------
    content : plain values.
    chosen : the option of each group, for error messages.

    Raises
    ------
    ConfigError : a node is missing, or cannot be built; nothing has been imported or called.
    """
    for group in groups:
        node = content.get(group)
        if isinstance(node, Mapping) and not is_node(node):
            raise ConfigError(f"{group}: it has no _target_, the class to build; see: hepexp show {group}=NAME")
        if not is_node(node):
            raise ConfigError(f"{group}: choose an option first, {group}=NAME; see: hepexp list {group}")
        schema.check(node, group, chosen.get(group, ""))


def check_record(content: Mapping, path: Path) -> None:
    """Check that a run can be built from its recorded config.

    Parameters
    ----------
    content : plain values.
    path : of the file, for error messages.

    Raises
    ------
    DataError : a node is missing, or cannot be built; nothing has been imported or called.
    """
    try:
        check_nodes(content, PARTS, content.get("choices") or {})
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error
