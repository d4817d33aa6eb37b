"""A circuit written gate by gate: `H 0`, `RX(x0) 1`, `CNOT 0 1`, `Rot(w0, w1, pi/2) 2`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite, pi

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import (
    MOST_STATES,
    Circuit,
    Input,
    Observable,
    Operation,
    Parameter,
    Pauli,
    Probabilities,
    Projector,
    State,
    Weight,
    check_operation,
    check_qubits,
    z_on,
)

_WORDS = re.compile(r"\s*([A-Za-z]+)\s*(?:\(([^()]*)\))?\s*(\d{1,6}(?:[\s,]+\d{1,6})*)\s*")
_ANGLE = re.compile(r"(?:(-?)(?:(\d{1,6})\s*\*\s*)?pi(?:\s*/\s*(\d{1,6}))?)")
_MOST_GATES, _LONGEST = 5000, 1000  # characters of a line


class GateList(Circuit):
    """Gates and observables, each a line of text.

    Parameters
    ----------
    gates : `NAME WIRES` or `NAME(ANGLES) WIRES`, controls first. An angle is x0, x1, ... (an input), w0, w1, ... (a
        trained weight), a number in radians, or a fraction of pi such as 3*pi/4. `Depolarising(0.01) 0` is an error.
    observables : `Z 0`, `ZZ 0 1` or another product of X, Y, Z; `P(01) 0 1`, the probability to find the wires so; `P 0
        1`, those of all their basis states; `state`, all amplitudes, real parts and then imaginary parts; null for Z on
        each wire.
    n_qubits : number of wires; null for as many as the gates name.

    Raises
    ------
    ConfigError : a line that cannot be read, an unknown gate, a wire that the circuit lacks, an angle that is missing,
        inputs or weights that are not numbered without gaps, or too many wires.
    """

    def __init__(
        self, gates: Sequence[str], observables: Sequence[str] | None = None, n_qubits: int | None = None
    ) -> None:
        if not gates:
            raise ConfigError("a list of gates needs one or more, such as 'RX(x0) 0'")
        if len(gates) > _MOST_GATES:
            raise ConfigError(f"a list of gates has at most {_MOST_GATES:,}, got {len(gates):,}")
        operations = tuple(_operation(line) for line in gates)
        n = 1 + max(wire for op in operations for wire in op.wires) if n_qubits is None else n_qubits
        check_qubits(n)
        found = None if observables is None else tuple(_observable(line, n) for line in observables)
        super().__init__(n, operations, z_on(range(n)) if found is None else found)


def _operation(line: str) -> Operation:
    name, inside, wires = _parts(line, "a gate", "RX(x0) 0")
    angles = () if inside is None else tuple(_angle(text.strip(), line) for text in inside.split(","))
    made = Operation(name, wires, angles)
    try:
        check_operation(made)
    except ConfigError as error:
        raise ConfigError(f"{line!r} in a circuit's gates: {error}") from error
    return made


def _observable(line: str, n_qubits: int) -> Observable:
    if line.strip() == "state":
        return State(_few(tuple(range(n_qubits)), line))
    name, inside, wires = _parts(line, "an observable", "ZZ 0 1")
    if name == "P" and inside is not None and set(inside) <= {"0", "1"}:
        return Projector(tuple(map(int, inside)), wires)
    if name == "P" and inside is None:
        return Probabilities(_few(wires, line))
    if inside is not None:
        raise ConfigError(f"an observable must read like 'ZZ 0 1' or 'P(01) 0 1', got {line!r}")
    return Pauli(name, wires)


def _few(wires: tuple[int, ...], line: str) -> tuple[int, ...]:
    """Wires all of whose basis states are outputs."""
    if len(wires) > MOST_STATES:
        shown = line if len(line) <= 40 else f"{line[:40]}..."
        raise ConfigError(
            f"{shown!r} gives one or two outputs for each basis state of {len(wires)} wires: at most {MOST_STATES}"
        )
    return wires


def _parts(line: str, what: str, example: str) -> tuple[str, str | None, tuple[int, ...]]:
    """Name, what stands in its brackets, and wires."""
    if len(line) > _LONGEST:
        raise ConfigError(f"{what} has at most {_LONGEST:,} characters, got {len(line):,}: {line[:20]!r} ...")
    read = _WORDS.fullmatch(line)
    if read is None:
        raise ConfigError(f"{what} must read like {example!r}, got {line!r}")
    name, inside, wires = read.groups()
    return name, inside, tuple(map(int, re.findall(r"\d+", wires)))


def _angle(text: str, line: str) -> Parameter:
    if read := re.fullmatch(r"([xw])(\d{1,6})", text):
        return (Input if read[1] == "x" else Weight)(int(read[2]))
    if read := _ANGLE.fullmatch(text):
        sign, times, over = read.groups()
        if over is None or int(over):
            return (-pi if sign else pi) * int(times or 1) / int(over or 1)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ConfigError(f"an angle must be x0, w0, a number or a fraction such as pi/2, got {text!r} in {line!r}")
    return value
