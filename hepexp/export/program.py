"""The graph of operations of a network, for any number of examples and of particles."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from hepexp.errors import HepexpError
from hepexp.export.network import ExportedNetwork

MOST = 2**20  # examples in a batch, or particles in an example: torch multiplies the limits when it reads a program
_AXES = {"batch": "examples"}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OPERATOR = re.compile(r"OpOverload\(op='([\w.:]+)'")


def program_of(
    network: ExportedNetwork, inputs: tuple[Tensor, ...], instead: nn.Module | None = None
) -> ExportedProgram:
    """The program of a network; what depends on the values of inputs, not on their number alone, is refused.

    Parameters
    ----------
    inputs : of a few examples, of which only types and shapes matter.
    instead : the same network in another form.

    Raises
    ------
    HepexpError : the network does something that a graph cannot have; the message names the operation.
    """
    axes = {name: Dim(name, max=MOST) for one in network.dynamic_axes() for name in one.values()}
    shapes = tuple({axis: axes[name] for axis, name in one.items()} for one in network.dynamic_axes())
    with refusing(network), quiet(), torch.no_grad():
        return torch.export.export(
            instead or network,
            inputs,
            dynamic_shapes=(shapes,),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )


@contextmanager
def refusing(network: ExportedNetwork) -> Iterator[None]:
    """Say in one line which operation of a network cannot be exported.

    Raises
    ------
    HepexpError : whatever torch says; its own messages are pages long.
    """
    try:
        yield
    except HepexpError:
        raise
    except Exception as error:
        name = type(network.model).__name__
        raise HepexpError(f"model {name} cannot be exported: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """What torch says, in a few words: the operation that has no counterpart, or the first line that says something."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    text = "\n".join(texts)
    if operators := list(dict.fromkeys(_OPERATOR.findall(text))):
        return f"ONNX has no operation for {', '.join(operators)}"
    if axis := re.search(r"Constraints violated \((\w+)\)", text):
        return f"a shape inside holds for some numbers of {_AXES.get(axis[1], axis[1])} only"
    if complex_ := re.search(r"complex(64|128)", text):
        return f"ONNX has no operation for numbers of type {complex_[0]}"
    if failed := re.search(r"Error when translating node .*?target=torch\.ops\.([\w.]+)\]", text, re.DOTALL):
        return f"ONNX has no operation for {failed[1]} with such arguments"
    said = texts[-1] if texts[0].startswith("Failed to") else texts[0]  # by the exporter, of what failed below it
    lines = [line.strip() for line in _COLOURS.sub("", said).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Without the remarks of torch's exporter, which are for its developers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "torch.fx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
