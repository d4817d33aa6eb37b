"""What `hepexp show circuit=NAME` adds to the keys: the circuit's size and its drawing. It imports no torch."""

from pathlib import Path
from typing import Any

from hepexp.cli.console import console
from hepexp.config import annotations, build
from hepexp.config.nested import flatten
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError


def changed(content: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """A circuit's description with keys that are typed, `circuit.n_qubits=6`.

    Raises
    ------
    ConfigError : a word is no such key with a value.
    """
    from hepexp.config.compose import parse  # imports Hydra

    made = dict(content)
    for override in parse(words):
        group, _, key = override.key_or_group.partition(".")
        if group != "circuit" or not key or override.is_sweep_override() or override.is_delete():
            known = [f"circuit.{name}" for name in flatten(content) if name != annotations.TARGET]
            close = did_you_mean(override.key_or_group, known)
            raise ConfigError(f"cannot read '{override.input_line}': expected circuit.KEY=VALUE{close}")
        made[key] = override.value()
    return made


def show(content: dict[str, Any], name: str, saved: Path | None) -> None:
    """Print how many qubits, inputs and weights a circuit has, and its gates; draw it to a PNG file.

    Raises
    ------
    ConfigError : the circuit cannot be built.
    HepexpError : the file cannot be written.
    """
    from hepexp.quantum import draw  # numpy

    circuit = build.instantiate(content, "circuit")
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
        try:
            draw.save(circuit, saved, name)
        except OSError as error:
            raise HepexpError(f"{saved} cannot be written: {error.strerror or error}") from error
        print(f"\nwrote {saved}")
