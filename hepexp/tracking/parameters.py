"""The complete configuration of a run as MLflow parameters: flat, and never cut."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from hepexp.config.nested import flatten

LONGEST_NAME = 250  # MLflow's limit of a name
MAX_LENGTH = 6000  # MLflow's limit of a parameter's value
WHOLE = "parameters.yaml"  # the artifact that holds values longer than that


def as_text(value: Any) -> str:
    """A value as written in YAML: null, true, [1, 2], text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def as_name(key: str) -> str:
    """The name of a parameter or a metric as MLflow accepts it: of a few characters, short, and no path upwards."""
    name = re.sub(r"[^\w\-. :/]", "_", key)[:LONGEST_NAME]
    is_path = posixpath.normpath(name) == name and not name.startswith(("/", ".."))
    return name if is_path else re.sub(r"[/.]", "_", name)


def as_parameters(config: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Parameters for MLflow, and those values that are too long for it.

    Returns
    -------
    parameters : text per flat key; in place of a long value stands where to find it.
    long : the long values, whole, per flat key.
    """
    parameters, long = {}, {}
    for key, value in flatten(config).items():
        text = as_text(value)
        name = as_name(key)
        if len(text) > MAX_LENGTH:
            long[key] = value
            text = f"{len(text)} characters: see the artifact {WHOLE}"
        parameters[name] = text
    return parameters, long
