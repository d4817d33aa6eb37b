"""What the constructors of models check in the same words; each raises ConfigError, which names the key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from hepexp.quantum.circuit import Circuit


def require_positive(**values: float) -> None:
    """Numbers above 0, by their keys."""
    for key, value in values.items():
        if not value > 0:
            raise ConfigError(f"model.{key} must be > 0, got {value}")


def require_widths(**widths: Sequence[int]) -> None:
    """One or more widths above 0, by their keys."""
    for key, value in widths.items():
        if not value or min(value) < 1:
            raise ConfigError(f"model.{key} must be one or more widths > 0, got {list(value)}")


def require_dropout(dropout: float) -> None:
    """A probability below 1."""
    if not 0 <= dropout < 1:
        raise ConfigError(f"model.dropout must be in [0, 1), got {dropout}")


def require_circuit(circuit: Circuit, given: str, n_inputs: int | None = None, n_outputs: int | None = None) -> None:
    """A circuit that reads what the model gives it, which is so much: any number above 0, or these.

    Parameters
    ----------
    given : what that is, `the 4 pixels of a patch (model.kernel)`.
    n_outputs : how much the model takes of it; any by default.
    """
    expected = {"inputs": n_inputs, "outputs": n_outputs}
    found = {"inputs": circuit.n_inputs, "outputs": circuit.n_outputs}
    wanted = [f"{n} {name}" if n else name for name, n in expected.items() if n is not None or name == "inputs"]
    if all(found[name] == n if n is not None else found[name] for name, n in expected.items()):
        return
    has = " and ".join(f"{found[name]} {name}" for name in found if any(name in one for one in wanted))
    raise ConfigError(
        f"model.circuit has {has}, and needs {' and '.join(wanted)}: it reads {given}; see: hepexp list circuit"
    )


def require_circuits(circuits: Mapping[str, Circuit]) -> None:
    """One or more circuits, under names that figures of merit and files of plots can carry."""
    if not circuits:
        raise ConfigError("model.circuits needs one or more circuits")
    for name in circuits:
        if not re.fullmatch(r"\w[\w\-. ]{0,99}", str(name)):
            raise ConfigError(
                "model.circuits: a name is at most 100 letters, digits, spaces and - . _, the first one a letter or a "
                f"digit, got {str(name)[:100]!r}"
            )


def require_no_data(model: str, n_features: int) -> None:
    """A data set without features, for models that make their own examples."""
    if n_features:
        raise ConfigError(
            f"model={model} reads no data, but the data set has {n_features} features; choose dataset=empty, or "
            "another model"
        )
