"""What `hepexp export` prints of the file that it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from hepexp.config.expected import counted
from hepexp.evaluation.rounding import number, with_error
from hepexp.export.description import Description, beside
from hepexp.export.emulation import RECORD, Emulated

UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


def lines(made: Description, path: Path) -> Iterator[str]:
    """Inputs, thresholds, agreement and size, a line each."""
    inputs = ", ".join(f"{one['name']} ({', '.join(map(str, one['axes']))})" for one in made.inputs)
    yield f"inputs      {inputs}"
    yield f"output      scores of {', '.join(made.classes)}"
    for point in made.working_points:
        yield (
            f"threshold   {point['class']}: {point['score']} >= {point['threshold']:.4f} keeps "
            f"{100 * point['reached_signal_efficiency']:.1f} % of {point.get('passing', point['class'])}, "
            f"{100 * point['background_efficiency']:.2g} % of {point.get('rejected', point['background'])} (validation)"
        )
    cost = made.cost
    of = f" of {cost['particles']} particles" if "particles" in cost else ""
    unit, name = next((one for one in UNITS if cost["flops"] >= one[0]), UNITS[-1])
    yield f"cost        {cost['flops'] / unit:.3g} {name}FLOP for an example{of}, preparation included"
    agreement = made.parity
    among = agreement.get("multiplicities")
    of = f" of {among[0]} to {among[1]} particles" if among else ""
    yield (
        f"agreement   scores within {agreement['difference']:.1e} of the run's on "
        f"{counted(agreement['examples'], 'test example')}{of}"
    )
    if lost := made.quantised:
        yield (
            f"{lost['weights']:<12}{lost['bytes'] / 1e6:.2f} MB in place of {lost['bytes_before'] / 1e6:.2f}; AUC "
            f"{number(lost['auc'])} in place of {number(lost['auc_before'])}, a loss of "
            f"{with_error(lost['auc_loss'], lost.get('auc_loss_err'))} on {counted(lost['examples'], 'test example')}"
        )
    yield f"written     {path} ({path.stat().st_size / 1e6:.2f} MB), {beside(path)}"


def lines_of_emulation(made: Emulated, out: Path) -> Iterator[str]:
    """Types, agreement, figures of the run and of the emulation, a line each."""
    yield f"made by     {made.tool}; compiled with g++"
    for name, types in made.types.items():
        yield f"numbers     {name}: {types}"
    exact = {True: "bit for bit those of exact arithmetic", None: "rounded here, not in the training"}
    of = f"on {counted(made.examples, 'test example')}"
    yield f"agreement   outputs {exact[made.exact]}; within {made.difference:.2g} of the run's {of}"
    for name, both in made.metrics.items():
        run, emulation = (_value(both[which]) for which in ("run", "emulation"))
        yield f"test/{name:<22}{run:>22}  emulated {emulation}"
    if made.multiplications is not None:
        yield (
            f"estimate    {made.multiplications:,} multipliers in an FPGA that computes everything at once; area and "
            "time are known only to its tools"
        )
    yield f"written     {out}, with {out / RECORD}"


def _value(one: Mapping[str, float | None]) -> str:
    return "none" if one["value"] is None else with_error(one["value"], one["error"])
