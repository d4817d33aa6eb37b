"""`seeds=N`, which stands for the seeds 1 to N."""

from collections.abc import Iterable

from hepexp.errors import ConfigError

MOST_SEEDS = 1000


def counted(word: str, others: Iterable[str], instead: str) -> list[int]:
    """The seeds of `seeds=N`.

    Parameters
    ----------
    others : words of the same line that give `seed`, of which there must be none.
    instead : how to type a list of seeds.

    Raises
    ------
    ConfigError : a number that is not from 1 to 1000, or other seeds beside it.
    """
    number = word.partition("=")[2]
    if not number.isdecimal() or not 1 <= int(number) <= MOST_SEEDS:
        raise ConfigError(f"seeds must be a number from 1 to {MOST_SEEDS}, got {number!r}; it stands for seed=1,2,...")
    if other := next(iter(others), None):
        raise ConfigError(f"{word} stands for seed=1,...,{number}: leave out {other}, or write {instead}")
    return list(range(1, int(number) + 1))
