"""Where a key is that was typed without its group: `lr` is `optimizer.lr`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hepexp.config import catalog, option, schema
from hepexp.config.suggest import NEAR, closest, did_you_mean
from hepexp.errors import ConfigError

MOST = 3  # times as long as what was typed is the meaning of a key that it may stand for


def of_key(name: str, chosen: Mapping[str, str | None], roots: list[str], searched: Sequence[Path]) -> str:
    """What to say of a first part of a key that is neither a group nor a key of the run itself.

    Parameters
    ----------
    chosen : the option of each group.
    roots : the groups and the run's own keys.
    searched : the configuration folders.
    """
    meanings = _meanings(chosen, searched)
    full: dict[str, list[str]] = {}
    for key in meanings:
        full.setdefault(key.rpartition(".")[2], []).append(key)
    if options := [group for group in chosen if name in catalog.options(group, searched)]:
        return f"; did you mean {' or '.join(f'{group}={name}' for group in options)}?"
    if whole := [key for key in meanings if key.replace(".", "_") == name]:  # optimizer_lr
        return f"; did you mean {whole[0]}?"
    if name not in full and (near := did_you_mean(name, roots, NEAR)):
        return near
    akin = closest(name, [key for key in full if _share_a_word(name, key)]) or closest(name, full, NEAR)
    if akin is None and (close := did_you_mean(name, roots)):
        return close
    meant = full.get(akin or "") or _by_meaning(name, meanings)
    return f"; did you mean {' or '.join(meant)}?" if meant else "; see: hepexp list, hepexp show GROUP=NAME"


def _share_a_word(name: str, key: str) -> bool:
    """Whether one has a word of the other: `batch` and `batch_size`, not `dropout` and `route`, which look alike."""
    return name in key or any(len(word) > 3 and word.removesuffix("s") in name for word in key.split("_"))


def _by_meaning(name: str, meanings: Mapping[str, str]) -> list[str]:
    """The key that is explained by these words and the fewest others: `optimizer.lr` of `learning_rate`."""
    words = name.replace("_", " ").lower()
    found = [key for key, meaning in meanings.items() if words in meaning.lower() and len(meaning) <= MOST * len(words)]
    return [min(found, key=lambda key: len(meanings[key]))] if found else []


def _meanings(chosen: Mapping[str, str | None], searched: Sequence[Path]) -> dict[str, str]:
    """Keys of the chosen options, `optimizer.lr`, and what they mean; without those of options that are unknown."""
    found: dict[str, str] = {}
    for group, name in chosen.items():
        try:
            target = option.read(group, name, searched).target if name else None
            parameters = schema.signature(target).parameters if target else {}
        except ConfigError:
            continue
        found |= {f"{group}.{key}": parameter.doc for key, parameter in parameters.items()}
    return found
