"""A network as an ONNX file, and a session that runs one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from hepexp.errors import ConfigError, DataError
from hepexp.export.network import ExportedNetwork
from hepexp.export.operations import in_operations_of_onnx
from hepexp.export.program import program_of, quiet, refusing
from hepexp.export.real_numbers import InRealNumbers, has_complex_numbers

OPSET = 20
INSTALL = "pip install 'hepexp[export]'"


def require_onnx() -> None:
    """Refuse where the packages of the extra `export` are not installed.

    Raises
    ------
    ConfigError : says how to install them.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"ONNX files need {error.name}, which is not installed: {INSTALL}") from None


def write_onnx(network: ExportedNetwork, program: ExportedProgram, path: Path) -> None:
    """Write a program as one ONNX file, weights included.

    Raises
    ------
    HepexpError : it has an operation that ONNX lacks; the message names it.
    """
    from onnxscript import optimizer

    with refusing(network), quiet(), torch.no_grad():
        made = torch.onnx.export(
            of_onnx(network, program),
            dynamo=True,
            optimize=False,  # its patterns take x + 1e-9 for x + 0
            verbose=False,
            opset_version=OPSET,
            input_names=[one.name for one in network.tensors],
            output_names=[network.output.name],
        )
        assert made is not None, "torch.onnx.export gives the program that dynamo made"
        optimizer.optimize_ir(made.model)  # folds constants
    made.save(path, external_data=False)


def of_onnx(network: ExportedNetwork, program: ExportedProgram) -> ExportedProgram:
    """The program of a network in real numbers, and in operations that ONNX has."""
    program = in_operations_of_onnx(program)
    if not has_complex_numbers(program):
        return program
    inputs = program.example_inputs[0]
    return in_operations_of_onnx(program_of(network, inputs, instead=InRealNumbers(program)))


class OnnxSession:
    """An ONNX file as onnxruntime runs it on a CPU.

    Parameters
    ----------
    content : of the file, which may be a stranger's.
    where : its name, for messages.
    threads : that one batch may use; 0 for all.

    Raises
    ------
    DataError : it is no ONNX file, names other files, or has operations that the runtime does not know.
    """

    def __init__(self, content: bytes, where: str, threads: int = 0) -> None:
        require_onnx()
        import onnxruntime

        refuse_other_files(content, where)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are exceptions too
        options.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own classes, of which there are a dozen
            raise DataError(f"{where} cannot be run by onnxruntime: {_first_line(error)}") from error
        self.where = where
        self.inputs = {one.name: one for one in self.session.get_inputs()}
        self.outputs = [one.name for one in self.session.get_outputs()]
        self.kind: str = next((one.type for one in self.session.get_outputs()), "nothing")  # of the first output

    def __call__(self, fed: Mapping[str, NDArray]) -> NDArray[np.float32]:
        """The first output for inputs by name.

        Raises
        ------
        DataError : they are not those of the file.
        """
        try:
            return self.session.run(self.outputs[:1], {name: fed[name] for name in self.inputs if name in fed})[0]
        except Exception as error:
            raise DataError(f"{self.where}: onnxruntime: {_first_line(error)}") from error


def refuse_other_files(content: bytes, where: str) -> None:
    """Refuse an ONNX file whose weights are in others, anywhere on the disk of whoever runs it.

    Raises
    ------
    DataError : it does, or is no ONNX file.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception:
        raise DataError(f"{where} is not an ONNX file; expected one that `hepexp export` wrote") from None
    if any(tensor.data_location or tensor.external_data for tensor in _tensors(model)):
        raise DataError(f"{where} takes weights from other files; expected one file, as `hepexp export` writes it")


def _tensors(message):
    """All tensors of a protobuf message, however deep: in attributes, subgraphs, functions."""
    import onnx

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(item)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
