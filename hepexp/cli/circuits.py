"""What `hepexp show circuit=NAME` adds to the keys: the circuit's size and its drawing. It imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.cli.console import console
from hepexp.cli.output_files import writing
from hepexp.config import build
from hepexp.config.annotations import TARGET
from hepexp.config.nested import flatten
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from hepexp.quantum.circuit import Circuit


def changed(content: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """A circuit's description with keys that are typed, `circuit.n_qubits=6`.

    Raises
    ------
    ConfigError : a word is no such key with a value.
    """
    from hepexp.config.grammar import parse  # imports Hydra

    made = dict(content)
    for override in parse(words):
        group, _, key = override.key_or_group.partition(".")
        if group != "circuit" or not key or override.is_sweep_override() or override.is_delete():
            known = [f"circuit.{name}" for name in flatten(content) if name != TARGET]
            close = did_you_mean(override.key_or_group, known)
            raise ConfigError(f"cannot read '{override.input_line}': expected circuit.KEY=VALUE{close}")
        made[key] = override.value()
    return made


def built(content: dict[str, Any]) -> Circuit:
    """The circuit of a description.

    Raises
    ------
    ConfigError : it cannot be built.
    """
    return build.instantiate(content, "circuit")


def show(circuit: Circuit, name: str, saved: Path | None) -> None:
    """Print how many qubits, inputs and weights a circuit has, and its gates; draw it to a PNG file.

    Raises
    ------
    HepexpError : the file cannot be written.
    """
    from hepexp.quantum import draw  # numpy

    out = console()
    depth = len(draw.columns(circuit))
    numbers = {
        "qubit": circuit.n_qubits,
        "input": circuit.n_inputs,
        "trained angle": circuit.n_weights,
        "gate": len(circuit.operations),
        "output": circuit.n_outputs,
    }
    counts = ", ".join(f"{n:,} {noun}{'s' if n != 1 else ''}" for noun, n in numbers.items())
    print()
    out.print(f"{counts}, depth {depth:,}; x inputs, θ trained angles", markup=False)
    print(draw.text(circuit))  # a wire stays on one line
    if saved is not None:
        with writing(saved, "--save"):
            draw.save(circuit, saved, name)
        print(f"\nwrote {saved}")
