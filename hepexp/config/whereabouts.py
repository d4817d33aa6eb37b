"""Where a key is that was typed without its group: `lr` is `optimizer.lr`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hepexp.config import catalog, option, schema
from hepexp.config.suggest import closest, did_you_mean
from hepexp.errors import ConfigError


def of_key(name: str, chosen: Mapping[str, str | None], roots: list[str], searched: Sequence[Path]) -> str:
    """What to say of a first part of a key that is neither a group nor a key of the run itself.

    Parameters
    ----------
    chosen : the option of each group.
    roots : the groups and the run's own keys.
    searched : the configuration folders.
    """
    full = _full_keys(chosen, searched)
    if options := [group for group in chosen if name in catalog.options(group, searched)]:
        return f"; did you mean {' or '.join(f'{group}={name}' for group in options)}?"
    if name not in full and (close := did_you_mean(name, roots)):
        return close
    meant = closest(name, full)
    return f"; did you mean {' or '.join(full[meant])}?" if meant else "; see: hepexp list, hepexp show GROUP=NAME"


def _full_keys(chosen: Mapping[str, str | None], searched: Sequence[Path]) -> dict[str, list[str]]:
    """Keys of the chosen options, `optimizer.lr`, by their last part; without those of options that are unknown."""
    found: dict[str, list[str]] = {}
    for group, name in chosen.items():
        try:
            target = option.read(group, name, searched).target if name else None
            names = [*schema.signature(target).parameters] if target else []
        except ConfigError:
            continue
        for key in names:
            found.setdefault(key, []).append(f"{group}.{key}")
    return found
