"""A parser of arguments whose errors are one line."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake as a ConfigError, with the closest match of an unknown word."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see: {self.prog} --help")

    def add_argument(self, *names, **given):  # the signatures are argparse's
        action = super().add_argument(*names, **given)
        if action.nargs == "*":  # argparse would say that it is missing
            action.required = False
        return action

    def parse_args(self, args=None, namespace=None):
        return self._all_known(*self.parse_known_args(args, namespace))

    def parse_intermixed_args(self, args=None, namespace=None):
        return self._all_known(*self.parse_known_intermixed_args(args, namespace))

    def _all_known(self, known: argparse.Namespace, unknown: list[str]) -> argparse.Namespace:
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings]
            self.error(f"unknown argument '{unknown[0]}'{did_you_mean(unknown[0], flags)}")
        return known

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            name = "/".join(action.option_strings) or action.metavar or action.dest
            self.error(f"unknown {name} '{value}'{did_you_mean(str(value), choices)} (choices: {', '.join(choices)})")


def at_least(least: int) -> Callable[[str], int]:
    """The `type` of an argument that takes whole numbers from `least` on."""

    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number >= {least}, got {text!r}")
        return number

    return whole
