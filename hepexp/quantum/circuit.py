"""Circuits as data: gates on wires, their parameters, and what is measured. Every backend reads the same circuit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.quantum.gates import CHANNELS, GATES, PAULIS, Gate

MOST_QUBITS = 200  # light cones of a few qubits allow for many of them
MOST_STATES = 12  # qubits whose basis states are measured, each of which is an output: 4,096 probabilities


@dataclass(frozen=True)
class Input:
    """An angle that differs from example to example: column `index` of the inputs (B, n_inputs), unscaled."""

    index: int
    symbol: ClassVar[str] = "x"


@dataclass(frozen=True)
class Weight:
    """A trained angle that all examples share: entry `index` of the weights."""

    index: int
    symbol: ClassVar[str] = "θ"


Parameter = float | Input | Weight


@dataclass(frozen=True)
class Operation:
    """A gate on wires, or an error of one.

    Parameters
    ----------
    name : a key of GATES or CHANNELS in `hepexp.quantum.gates`.
    wires : controls first.
    parameters : one for each angle of the gate.
    """

    name: str
    wires: tuple[int, ...]
    parameters: tuple[Parameter, ...] = ()

    @property
    def gate(self) -> Gate:
        return GATES[self.name] if self.name in GATES else CHANNELS[self.name]

    @property
    def probability(self) -> float:
        """Of an error, whose only parameter it is."""
        (parameter,) = self.parameters
        assert not isinstance(parameter, Input | Weight)  # `check_operation` refuses it
        return parameter


@dataclass(frozen=True)
class Pauli:
    """Expectation value of a product of Pauli matrices, e.g. Pauli("ZZ", (0, 3)); in [-1, 1]."""

    letters: str
    wires: tuple[int, ...]
    n_outputs: ClassVar[int] = 1


@dataclass(frozen=True)
class Projector:
    """Probability to find wires in a basis state, e.g. Projector((0, 0), (0, 1)); in [0, 1]."""

    bits: tuple[int, ...]
    wires: tuple[int, ...]
    n_outputs: ClassVar[int] = 1


@dataclass(frozen=True)
class Probabilities:
    """Probabilities of all basis states of wires, in order: 2^k outputs in [0, 1]."""

    wires: tuple[int, ...]

    @property
    def n_outputs(self) -> int:
        return 2 ** len(self.wires)


@dataclass(frozen=True)
class State:
    """The state vector of all wires of a circuit: the real parts of its 2^n amplitudes, then the imaginary parts.

    It has the global phase of the gates. `hepexp.quantum.layer.amplitudes` makes complex numbers of it.
    """

    wires: tuple[int, ...]

    @property
    def n_outputs(self) -> int:
        return 2 * 2 ** len(self.wires)


Observable = Pauli | Projector | Probabilities | State


def z_on(wires: Iterable[int]) -> tuple[Pauli, ...]:
    """<Z> on each wire."""
    return tuple(Pauli("Z", (wire,)) for wire in wires)


@dataclass(frozen=True)
class Circuit:
    """Gates applied to |0...0>, or to a state that the inputs are, in order, and the observables measured at the end.

    Parameters
    ----------
    n_qubits : wires, numbered from 0; wire 0 is the most significant bit of a basis state.
    operations : the gates. The indices of inputs and those of weights each count from 0 without gaps.
    observables : what is measured. Each gives one output, but Probabilities and State, which give many.
    amplitudes : so many inputs x, the first ones, are the state before the gates: its amplitudes are x / |x|, and 0 in
        the basis states after them. With 0 it is |0...0>.

    Raises
    ------
    ConfigError : gates or observables that do not fit the circuit; the message names the first.
    """

    n_qubits: int
    operations: tuple[Operation, ...]
    observables: tuple[Observable, ...]
    amplitudes: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "operations", tuple(self.operations))
        object.__setattr__(self, "observables", tuple(self.observables))
        if self.n_qubits < 1:
            raise ConfigError(f"a circuit needs at least one qubit, got {self.n_qubits}")
        check_qubits(self.n_qubits)
        if not self.observables:
            raise ConfigError("a circuit needs at least one observable")
        if not 0 <= self.amplitudes <= 2**self.n_qubits:
            raise ConfigError(
                f"a state of {self.n_qubits} qubits has {2**self.n_qubits:,} amplitudes, got {self.amplitudes:,} inputs"
            )
        for operation in self.operations:
            check_operation(operation)
            self._check_wires(operation.wires, operation.name)
        for observable in self.observables:
            _check_observable(observable)
            self._check_wires(observable.wires, f"observable {observable}")
            if isinstance(observable, State) and (
                observable.wires != tuple(range(self.n_qubits)) or len(self.observables) > 1
            ):
                raise ConfigError("a state is that of all wires in order, and is not measured beside other observables")
        for kind in (Input, Weight):
            used = {parameter.index for parameter in self._parameters(kind)}
            used |= set(range(self.amplitudes)) if kind is Input else set()
            if missing := set(range(max(used, default=-1) + 1)) - used:
                name = kind.__name__.lower()
                raise ConfigError(
                    f"no gate uses {name} {min(missing)}, but one uses {name} {max(used)}: number them without gaps"
                )

    @property
    def n_outputs(self) -> int:
        return sum(observable.n_outputs for observable in self.observables)

    @property
    def has_state(self) -> bool:
        """Whether the output is the state vector, which does not depend on the state by squares."""
        return isinstance(self.observables[0], State)

    @property
    def giving_state(self) -> Circuit:
        """The same gates, whose output is the state vector."""
        return Circuit(self.n_qubits, self.operations, (State(tuple(range(self.n_qubits))),), self.amplitudes)

    @property
    def n_inputs(self) -> int:
        return len({*range(self.amplitudes), *(parameter.index for parameter in self._parameters(Input))})

    @property
    def n_weights(self) -> int:
        return len({parameter.index for parameter in self._parameters(Weight)})

    def _parameters(self, kind: type) -> list:
        return [p for operation in self.operations for p in operation.parameters if isinstance(p, kind)]

    def _check_wires(self, wires: tuple[int, ...], name: str) -> None:
        if outside := [wire for wire in wires if not 0 <= wire < self.n_qubits]:
            raise ConfigError(
                f"{name} on wire {outside[0]}: a circuit of {self.n_qubits} qubits has wires 0 to {self.n_qubits - 1}"
            )
        if len(set(wires)) < len(wires):
            raise ConfigError(f"{name} on wires {wires}: they must differ")


def check_qubits(n_qubits: int) -> None:
    """Check the number of qubits, before anything is laid out for each of them.

    Raises
    ------
    ConfigError : there are so many that laying out a circuit would take all memory.
    """
    if n_qubits > MOST_QUBITS:
        raise ConfigError(f"a circuit of {n_qubits:,} qubits is too large: at most {MOST_QUBITS:,} qubits")


def check_operation(operation: Operation) -> None:
    """Check that a gate exists and has its wires and angles.

    Raises
    ------
    ConfigError : it does not.
    """
    if operation.name not in GATES | CHANNELS:
        close = did_you_mean(operation.name, GATES | CHANNELS)
        raise ConfigError(f"unknown gate {operation.name!r}{close} (gates: {', '.join(GATES | CHANNELS)})")
    gate = operation.gate
    for what, wanted, given in (
        ("wires", gate.n_wires, operation.wires),
        ("parameters", gate.n_parameters, operation.parameters),
    ):
        if len(given) != wanted:
            noun = what if wanted != 1 else what[:-1]
            raise ConfigError(f"gate {operation.name} takes {wanted} {noun}, got {len(given)}")
    for parameter in operation.parameters:
        if operation.name in CHANNELS and (isinstance(parameter, Input | Weight) or not 0 <= parameter <= 1):
            raise ConfigError(f"{operation.name} takes a probability, a number from 0 to 1, got {parameter}")
        if isinstance(parameter, Input | Weight) and parameter.index < 0:
            raise ConfigError(f"gate {operation.name}: {parameter} must count from 0")


def _check_observable(observable: Observable) -> None:
    if isinstance(observable, Probabilities | State):
        if not observable.wires:
            raise ConfigError(f"observable {observable} needs one wire or more")
        return
    values: Sequence[str | int]
    allowed: tuple[str | int, ...]
    if isinstance(observable, Pauli):
        values, allowed, what = observable.letters, tuple(PAULIS), "letter"
    else:
        values, allowed, what = observable.bits, (0, 1), "bit"
    if len(values) != len(observable.wires) or not values or not set(values) <= set(allowed):
        choices = ", ".join(map(str, allowed))
        raise ConfigError(f"observable {observable} needs one {what} ({choices}) for each of its wires")
