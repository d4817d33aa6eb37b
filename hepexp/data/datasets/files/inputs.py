"""The files that a user names: patterns, the class of each list of files, and separate files for each split."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepexp.errors import ConfigError
from hepexp.splits import SPLITS


@dataclass(frozen=True)
class InputFile:
    """A file.

    Parameters
    ----------
    path : absolute.
    label : of all its examples, if the file says what they are.
    split : that all its examples belong to; None if they are divided.
    """

    path: Path
    label: int | None = None
    split: str | None = None


def class_names(files: object) -> tuple[str, ...]:
    """The classes that have files of their own; empty if files say nothing of classes."""
    if not isinstance(files, Mapping):
        return ()
    if not _is_by_split(files):
        return tuple(map(str, files))
    return tuple(dict.fromkeys(name for value in files.values() for name in class_names(value)))


def find_files(files: object) -> tuple[InputFile, ...]:
    """The files that match the patterns, in the order in which these are given, each pattern's by name.

    Raises
    ------
    ConfigError : a pattern matches no file, or a file is named in two classes or splits.
    """
    classes = class_names(files)
    found: dict[Path, InputFile] = {}
    for split, of_split in files.items() if isinstance(files, Mapping) and _is_by_split(files) else [(None, files)]:
        if not isinstance(of_split, Mapping) and classes:
            raise ConfigError(f"dataset.files.{split} must have files for each of {', '.join(classes)}")
        for name, patterns in of_split.items() if isinstance(of_split, Mapping) else [(None, of_split)]:
            key = ".".join(["dataset.files", *(one for one in (split, name) if one is not None)])
            for path in _matching(key, patterns):
                one = InputFile(path, None if name is None else classes.index(name), split)
                if found.setdefault(path, one) != one:
                    raise ConfigError(f"{key}: {path} is named in another class or split too; name each file once")
    return tuple(found.values())


def literally(name: str) -> str:
    """A pattern that matches a file of this name alone, and in which nothing means anything to a configuration."""
    return glob.escape(name).replace("${", "[$]{") if "${" in name else name


def missing_files(files: str | Sequence[str] | Mapping[str, Any]) -> list[str]:
    """The names and patterns, absolute, that match no file, in the order in which they are given."""
    if isinstance(files, Mapping):
        return [pattern for value in files.values() for pattern in missing_files(value)]
    patterns = [str(Path(one).expanduser().absolute()) for one in ([files] if isinstance(files, str) else files)]
    return [pattern for pattern in patterns if not files_of(pattern)]


def files_of(pattern: str) -> list[Path]:
    """The files that a name or pattern matches, by name; a name that exists is no pattern."""
    paths = [pattern] if Path(pattern).is_file() else sorted(glob.glob(pattern, recursive=True))
    return [Path(path) for path in paths if Path(path).is_file()]


def _is_by_split(files: object) -> bool:
    return isinstance(files, Mapping) and bool(files) and set(files) <= set(SPLITS)


def _matching(key: str, patterns: object) -> list[Path]:
    given = [patterns] if isinstance(patterns, str) else patterns
    if not isinstance(given, list | tuple) or not given or not all(isinstance(one, str) for one in given):
        raise ConfigError(f"{key} must be file names or patterns such as [qcd/*.root], got {patterns!r}")
    found: list[Path] = []
    for pattern in given:
        if "${" in pattern:
            raise ConfigError(
                f"{key}: '{pattern}' has ${{, which begins an expression in a configuration; write [$]{{ in its place"
            )
        pattern = str(Path(pattern).expanduser())
        files = files_of(pattern)
        if not files:
            hint = "; variables such as $HOME are not replaced here, type what they stand for" if "$" in pattern else ""
            raise ConfigError(f"{key}: no file matches '{pattern}' in {Path.cwd()}{hint}")
        found += [path.absolute() for path in files]
    return found
