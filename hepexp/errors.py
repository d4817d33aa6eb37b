"""Errors that a user can act on: one line each, an exit code, never a traceback."""


class HepexpError(Exception):
    """The work failed. The message names the thing, its value, what was expected, and what to do."""

    exit_code = 1


class ConfigError(HepexpError):
    """The request was wrong: an unknown verb, group, option or key, or a value that cannot be used."""

    exit_code = 2


class DataError(HepexpError):
    """A data file is missing, truncated, corrupted, or holds values that are not physics."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM asked the work to end; the message names the signal.

    Not a KeyboardInterrupt, which Lightning turns into an exit of its own.
    """

    exit_code = 130


class Pruned(Interrupted):
    """A sweep ended a training that promised little; the message says which and when."""
