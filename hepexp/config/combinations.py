"""The combinations of values in a multirun, as far as a check needs to know them."""

from itertools import product

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from hepexp.errors import ConfigError

MAX_CHECKED = 200  # combinations of options composed before the start, 0.04 s each


def choices(override: Override, options: list[str]) -> list[str]:
    """The values of an override: a single one unless it lists several.

    Parameters
    ----------
    options : what `glob(...)` selects from.

    Raises
    ------
    ConfigError : it has no list of values (`interval(...)`), or an empty one.
    """
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        raise ConfigError(f"{override.input_line}: a grid needs a list of values, e.g. {override.key_or_group}=1,2,3")
    is_glob = override.value_type.name == "GLOB_CHOICE_SWEEP"
    found = override.value().filter(options) if is_glob else list(override.sweep_string_iterator())
    if not found:
        raise ConfigError(f"{override.input_line} has no values")
    return found


def names(override: Override, options: list[str]) -> list[str]:
    """The same values as names of options, without the quotes and backslashes of Hydra's grammar."""
    parser = OverridesParser.create()
    texts = choices(override, options)
    return [text if text == "null" else str(parser.parse_override(f"name={text}").value()) for text in texts]


def of(groups: list[list[str]], values: list[list[str]]) -> list[list[str]]:
    """Overrides of the jobs to check: every combination of group choices, with every value at least once for each.

    Whether a value is valid depends on the options chosen, not on other values, so combinations of values need no
    separate check.
    """
    longest = max((len(choice) for choice in values), default=1)
    rows = [[choice[i % len(choice)] for choice in values] for i in range(longest)]
    combined = [[*group, *row] for group in product(*groups) for row in rows]
    if len(combined) <= MAX_CHECKED:
        return combined
    # Too many to compose beforehand: each choice of each override once.
    longest = max(len(choice) for choice in groups + values)
    return [[choice[i % len(choice)] for choice in groups + values] for i in range(longest)]
