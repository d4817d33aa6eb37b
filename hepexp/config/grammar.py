"""Read what is typed, `KEY=VALUE`, by Hydra's grammar, and say how to type what cannot be read."""

import shlex

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from hepexp.config import catalog
from hepexp.config.quoting import in_quotes
from hepexp.errors import ConfigError

MOST_VALUES = 2000  # in a word: Hydra's grammar takes 2 s for so many, and the square of that for more


def parse(args: list[str], loader: ConfigLoader | None = None) -> list[Override]:
    """Parse overrides by Hydra's grammar.

    Parameters
    ----------
    args : overrides.
    loader : finds the options to which `glob(...)` expands; None if there is nothing to expand.

    Raises
    ------
    ConfigError : an argument does not follow the grammar, or has more values than it can read in time.
    """
    parser = OverridesParser.create(loader)
    parsed = []
    for arg in args:
        if "=" not in arg and not arg.startswith("~"):
            there_is = catalog.elsewhere(arg, catalog.folders())
            example = f"; it is {there_is}" if there_is else ", e.g. model=lorentznet"
            raise ConfigError(f"cannot read '{arg}': expected KEY=VALUE{example}")
        if (n := arg.count(",")) >= MOST_VALUES:
            raise ConfigError(
                f"{arg.partition('=')[0]}: {n + 1:,} values are too many to type, at most {MOST_VALUES:,}; put them in "
                "a file, such as conf/model/NAME.yaml or conf/circuit/NAME.yaml of a folder for --config-dir"
            )
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
