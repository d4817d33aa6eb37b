"""The closest match to what the user typed."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from shlex import quote

LIKE, NEAR = 0.6, 0.75  # ratios of difflib, above which two words are alike, and nearly the same


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = LIKE) -> str:
    """`; did you mean X?` for the closest choice, as it is typed, or an empty string if nothing is close."""
    close = closest(word, choices, cutoff)
    return f"; did you mean {typed(close)}?" if close else ""


def closest(word: str, choices: Iterable[str], cutoff: float = LIKE) -> str | None:
    """The closest choice, in upper or lower case; None if nothing is close."""
    by_lower = {choice.lower(): choice for choice in choices}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else None


def typed(name: str) -> str:
    """A name as it is typed in a shell, alone or after `=`: in quotes if the shell or Hydra's grammar needs them.

    Spaces only need shell quotes; commas, brackets and the like would mean something to Hydra.
    """
    plain = re.fullmatch(r"[\w ./:%@?|*+-]*", name, re.ASCII)
    return quote(name if plain else f'"{name}"')
