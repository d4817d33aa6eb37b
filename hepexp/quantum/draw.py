"""Circuits as text and as figures."""

from __future__ import annotations

import math
from math import pi
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.figures import COLOURS, figure
from hepexp.quantum.circuit import Circuit, Observable, Operation, Parameter, Pauli, Probabilities, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# inches: distance of wires, a gate and a letter on it, the names of wires, the observables, a line of those below
WIRE, GATE, LETTER, MARGIN, END, LINE = 0.5, 0.62, 0.115, 0.5, 0.45, 0.3
LONGEST = 1000  # columns of gates, as text
TALLEST, MOST_BELOW = 60, 12  # inches of lines of gates, and lines of observables; no one would look at more
# inches: a line of a drawing
LEAST, MOST = 4.6, 9.0
STATE = "|x⟩"  # on each wire: the inputs are the state before the gates


def text(circuit: Circuit) -> str:
    """One line per wire, gates in columns; observables of several wires on separate lines below.

    Of thousands of columns the first ones are drawn.
    """
    lines = [f"{wire}: {STATE if circuit.amplitudes else ''}" for wire in range(circuit.n_qubits)]
    margin = max(map(len, lines))
    wires = [[line.rjust(margin) + "─"] for line in lines]
    gates = columns(circuit)
    left_out = sum(map(len, gates[LONGEST:]))
    for column in gates[:LONGEST]:
        cells = ["─"] * circuit.n_qubits
        for operation in column:
            for wire in range(min(operation.wires), max(operation.wires) + 1):
                cells[wire] = "│"
            for wire, label in zip(operation.wires, _labels(operation), strict=True):
                cells[wire] = label
        width = max(map(len, cells)) + 2
        for parts, cell in zip(wires, cells, strict=True):
            parts.append(cell.center(width, "─"))
    ends = ["…"] * circuit.n_qubits if left_out else _ends(circuit)
    lines = [f"{''.join(parts)}─ {end}".rstrip() for parts, end in zip(wires, ends, strict=True)]
    below = [f"and {left_out:,} more gates"] if left_out else []
    return "\n".join(lines + below + [_name(item) for item in circuit.observables if len(item.wires) > 1])


def save(circuit: Circuit, path: Path | str, name: str = "") -> None:
    """A drawing as PNG; a circuit that is too wide to read continues below, on the same wires.

    Of thousands of gates the first ones are drawn.

    Parameters
    ----------
    name : name of the circuit.
    """
    gates, ends, n = columns(circuit), _ends(circuit), circuit.n_qubits
    margin = MARGIN + LETTER * len(STATE) * bool(circuit.amplitudes)
    blocks = _blocks([max(GATE, LETTER * max(len(x) for op in column for x in _labels(op))) for column in gates])
    blocks = blocks[: max(1, int(TALLEST / WIRE / (n + 0.6)))]
    left_out = sum(map(len, gates[sum(map(len, blocks)) :]))
    width = margin + max(sum(widths) for widths in blocks) + max(END, LETTER * max(map(len, ends)))
    width = max(LEAST, width)
    wires = (n + 0.6) * len(blocks)
    below = [f"and {left_out:,} more gates"] if left_out else []
    below += _in_lines([_name(item) for item in circuit.observables if len(item.wires) > 1], width - margin)
    height = WIRE * wires + LINE * len(below)
    title = f"circuit {name}".rstrip()
    with figure(path, width, height, title) as drawing:
        axes = drawing.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-margin, width - margin)
        axes.set_ylim(height / WIRE - 0.6, -0.6)  # wires are numbered downwards
        first = 0
        for b, widths in enumerate(blocks):
            top, right = b * (n + 0.6), sum(widths)
            is_last = b == len(blocks) - 1 and not left_out
            for wire in range(n):
                y = top + wire
                axes.plot([0, right], [y, y], color="black", linewidth=0.8, zorder=0)
                before = " …" if b else f" {STATE}" if circuit.amplitudes else ""
                axes.text(-0.08, y, f"$q_{{{wire}}}${before}", ha="right", va="center")
                axes.text(right + 0.08, y, ends[wire] if is_last else "…", ha="left", va="center")
            x = 0.0
            for column, wide in zip(gates[first : first + len(widths)], widths, strict=True):
                for operation in column:
                    _draw(axes, x + wide / 2, top, operation)
                x += wide
            first += len(widths)
        for k, line in enumerate(below):
            axes.text(0, wires - 0.6 + LINE / WIRE * (k + 0.3), line, va="center")


def _in_lines(names: list[str], width: float) -> list[str]:
    """Names side by side, as many in a line as fit into a width (inches)."""
    lines: list[str] = []
    for k, name in enumerate(names):
        longer = f"{lines[-1]}  {name}" if lines else name
        if lines and 0.75 * LETTER * len(longer) < width:
            lines[-1] = longer
        elif len(lines) == MOST_BELOW:
            return [*lines, f"and {len(names) - k:,} more"]
        else:
            lines.append(name)
    return lines


def _blocks(widths: list[float]) -> list[list[float]]:
    """The widths of columns (inches), in as many lines as they need, of about the same length."""
    blocks: list[list[float]] = [[]]
    most = sum(widths) / max(1, math.ceil(sum(widths) / MOST)) + max(widths, default=0) / 2
    for width in widths:
        if blocks[-1] and sum(blocks[-1]) + width > most:
            blocks.append([])
        blocks[-1].append(width)
    return blocks


def _draw(axes: Axes, x: float, top: float, operation: Operation) -> None:
    wires = [top + wire for wire in operation.wires]
    axes.plot([x, x], [min(wires), max(wires)], color="black", linewidth=0.8, zorder=1)
    box = {"boxstyle": "square,pad=0.35", "facecolor": "white", "edgecolor": COLOURS[0]}
    for wire, label in zip(wires, _labels(operation), strict=True):
        if label == "●":
            axes.plot(x, wire, "o", color="black", markersize=5)
        elif label == "x":
            axes.plot(x, wire, "x", color="black", markersize=7)
        elif len(wires) > 1 and label == "X":
            axes.plot(x, wire, "o", color="black", markersize=11, markerfacecolor="white")
            axes.plot(x, wire, "+", color="black", markersize=11)
        else:
            axes.text(x, wire, label, ha="center", va="center", fontsize=8, bbox=box, zorder=2)


def columns(circuit: Circuit) -> list[list[Operation]]:
    """Each gate goes in the first column in which all wires that its drawing crosses are free."""
    made: list[list[Operation]] = []
    free = [0] * circuit.n_qubits
    for operation in circuit.operations:
        span = range(min(operation.wires), max(operation.wires) + 1)
        place = max(free[wire] for wire in span)
        if place == len(made):
            made.append([])
        made[place].append(operation)
        for wire in span:
            free[wire] = place + 1
    return made


def _labels(operation: Operation) -> list[str]:
    """The symbol on each of its wires."""
    labels = list(operation.gate.symbols)
    if operation.parameters:
        labels[-1] += f"({', '.join(map(_angle, operation.parameters))})"
    return labels


def _angle(parameter: Parameter) -> str:
    if not isinstance(parameter, int | float):
        return f"{parameter.symbol}{parameter.index}"
    for divisor in (1, 2, 3, 4, 6, 8):
        if abs(parameter - pi / divisor) < 1e-12:
            return f"π/{divisor}" if divisor > 1 else "π"
    return f"{parameter:.3g}"


def _ends(circuit: Circuit) -> list[str]:
    """The observables of single wires."""
    single = [item for item in circuit.observables if len(item.wires) == 1]
    return [" ".join(_name(item) for item in single if item.wires == (wire,)) for wire in range(circuit.n_qubits)]


def _name(observable: Observable) -> str:
    if isinstance(observable, State):
        return "|ψ⟩"
    if isinstance(observable, Probabilities):
        return f"P({', '.join(map(str, observable.wires))})"
    if not isinstance(observable, Pauli):
        return f"P({''.join(map(str, observable.bits))} on {', '.join(map(str, observable.wires))})"
    if len(observable.wires) == 1:
        return f"⟨{observable.letters}⟩"
    return f"⟨{' '.join(f'{letter}{w}' for letter, w in zip(observable.letters, observable.wires, strict=True))}⟩"
