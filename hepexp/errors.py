"""Errors that a user can act on: one line each, an exit code, never a traceback."""


class HepexpError(Exception):
    """The work failed. The message names the thing, its value, what was expected, and what to do."""

    exit_code = 1


class ConfigError(HepexpError):
    """The request was wrong: an unknown verb, group, option or key, or a value that cannot be used."""

    exit_code = 2


class DataError(HepexpError):
    """A data file is missing, truncated, corrupted, or holds unphysical values."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM asked the work to end; the message names the signal.

    Not a KeyboardInterrupt, which Lightning would turn into an exit itself.
    """

    exit_code = 130


class Pruned(Interrupted):
    """A sweep ended an unpromising training; the message says which and when."""
