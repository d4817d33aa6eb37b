"""Initialise a model from a file of weights."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor, nn

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError
from hepexp.models.head import head_of, is_within
from hepexp.models.weaver_layout import WeaverLayout

EXPECTED = "expected a checkpoint of a run, such as RUN/checkpoints/best.ckpt, or a state dict of torch"


def load_weights(model: nn.Module, file: str | None) -> bool | None:
    """Load a complete state dict into a model; None keeps its random weights.

    A relative file is looked for in the working directory, then under runs/. It is a checkpoint of a run, whose keys
    carry the prefix `model.`, or a bare state dict; a prefix `module.`, as left by wrappers for several devices, is
    dropped, and a model whose `weaver` is a WeaverLayout reads weaver's names too.

    Returns
    -------
    Whether the file is a checkpoint of a run, whose config says how it was trained; None without a file.

    Raises
    ------
    ConfigError : the file is missing, cannot be read or is not a state dict, or a key or a shape differs; the message
        names the first.
    """
    if file is None:
        return None
    (found, of_run), wanted = read_state_dict(file), model.state_dict()
    found, about = _by_our_names(model, found, file)
    name = type(model).__name__
    for key, tensor in wanted.items():
        if key not in found:
            raise ConfigError(
                f"model.weights: {file} has no {key}; it holds another model's weights, expected those of {name}"
                f"{about}{_if_some_fit(found, wanted)}"
            )
        if found[key].shape != tensor.shape:
            theirs, ours = tuple(found[key].shape), tuple(tensor.shape)
            raise ConfigError(
                f"model.weights: {key} in {file} has shape {theirs}, this model's has {ours}"
                f"{about}{_if_some_fit(found, wanted)}"
            )
        _check_numbers(file, key, found[key], tensor)
    unexpected = next((key for key in found if key not in wanted), None)
    if unexpected is not None:
        raise ConfigError(
            f"model.weights: {file} has {unexpected}, which this {name} does not have{_if_some_fit(found, wanted)}"
        )
    model.load_state_dict(found)
    return of_run


def load_body(model: nn.Module, file: str) -> tuple[str, list[str]]:
    """Load into a model the layers that fit it by name and shape; the head and the others keep their random weights.

    Parameters
    ----------
    file : as for `load_weights`.

    Returns
    -------
    What was taken and what is fresh, in one line, and the names of the parameters that are fresh.

    Raises
    ------
    ConfigError : the file cannot be used, or no parameter of the model's body is in it.
    """
    (found, _), wanted, head = read_state_dict(file), model.state_dict(), head_of(model)
    found, _ = _by_our_names(model, found, file)

    def layer(key: str) -> str:
        return head if is_within(key, head) else key.rpartition(".")[0] or key

    fresh = {
        layer(key): None
        for key, tensor in wanted.items()
        if is_within(key, head) or key not in found or found[key].shape != tensor.shape
    }
    taken = {key: found[key] for key in wanted if layer(key) not in fresh}
    for key, tensor in taken.items():
        _check_numbers(file, key, tensor, wanted[key])
    parameters = dict(model.named_parameters())
    if not taken.keys() & parameters.keys():
        raise ConfigError(
            f"model.head=new: nothing in {file} fits this {type(model).__name__} by name and shape; it has "
            f"{_first(found)}, expected {_first(wanted)}"
        )
    model.load_state_dict(wanted | taken)
    untaken = [key for key in parameters if key not in taken]
    n_taken = sum(parameter.numel() for key, parameter in parameters.items() if key in taken)
    n_fresh = sum(parameters[key].numel() for key in untaken)
    return f"{n_taken:,} parameters from {file}; fresh: {n_fresh:,} in {', '.join(fresh)}", untaken


def _if_some_fit(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> str:
    """The hint for weights of a similar model, with all layers that do not fit."""
    fits = {key for key, tensor in wanted.items() if key in found and found[key].shape == tensor.shape}
    if not fits:
        return ""
    others = dict.fromkeys(key.rpartition(".")[0] or key for key in {**wanted, **found} if key not in fits)
    return (
        "; model.head=new takes what fits, and leaves the rest and the head fresh; what does not fit: "
        f"{', '.join(others)}"
    )


def _by_our_names(model: nn.Module, found: dict[str, Tensor], file: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of a file, also of weaver's layout, by the model's names, and a hint if its inputs are others."""
    layout = getattr(model, "weaver", None)
    if not isinstance(layout, WeaverLayout):
        return found, ""
    wanted = model.state_dict()
    if layout.option and layout.is_of(found) and not getattr(model, "reads_weaver", False):
        raise ConfigError(f"model.weights: {file} has the layout of weaver, whose inputs need {layout.option}")
    found = layout.translated(found, wanted)
    return found, layout.about_inputs(found, wanted)


def _first(tensors: dict[str, Tensor]) -> str:
    return next((f"{key} {tuple(tensor.shape)}" for key, tensor in tensors.items()), "no tensors")


def _check_numbers(file: str, key: str, found: Tensor, wanted: Tensor) -> None:
    if kind(found) != kind(wanted):
        raise ConfigError(
            f"model.weights: {key} in {file} holds {kind(found)} numbers ({found.dtype}), "
            f"this model's are {kind(wanted)} ({wanted.dtype})"
        )
    if not found.isfinite().all():
        raise ConfigError(f"model.weights: {key} in {file} holds values that are not finite")


def kind(tensor: Tensor) -> str:
    """The kind of a tensor's numbers; torch copies between kinds without a word, and drops what does not fit."""
    if tensor.is_complex():
        return "complex"
    if tensor.is_floating_point():
        return "real"
    if tensor.is_quantized:
        return "quantized"
    return "boolean" if tensor.dtype == torch.bool else "whole"


def find_weights(file: str) -> Path | None:
    """Where a file of weights is: here, or under runs/, even if runs/ has been moved since its path was recorded."""
    in_its_run = Path(*Path(file).parts[-4:])  # experiment, run, checkpoints, best.ckpt
    return next((path for path in (Path(file), runs_dir() / file, runs_dir() / in_its_run) if _exists(path)), None)


def read_state_dict(file: str) -> tuple[dict[str, Tensor], bool]:
    """The tensors of a file of weights, by the names that the model gives them, and whether a run wrote it."""
    path = find_weights(file)
    if path is None:
        raise ConfigError(f"model.weights: there is no file {file!r}, here or under {runs_dir()}; {EXPECTED}")
    content = read_tensors(path, "model.weights: ")
    of_run = isinstance(content, dict) and isinstance(content.get("state_dict"), dict)
    if of_run:
        prefix = "model."
        content = {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if str(k).startswith(prefix)}
    if not isinstance(content, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise ConfigError(f"model.weights: {file} holds no state dict (names and tensors); {EXPECTED}")
    return {key.removeprefix("module."): value for key, value in content.items()}, of_run


def read_tensors(path: Path, where: str = "") -> Any:
    """What torch saved in a file: tensors and plain values, on the CPU. Objects of other classes are not created.

    Parameters
    ----------
    path : the file.
    where : begins the message of an error, such as the key that names the file.

    Raises
    ------
    ConfigError : the file cannot be opened, is not torch's, is cut off or damaged, or holds other objects.
    """
    try:
        wrong = _wrong_with(path)
        if wrong is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torch, on the kind of pickle; what it refuses is said below
                return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror or error})"
    except Exception as error:  # torch raises many kinds of errors for a file that it did not write
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        wrong = f"holds an object of {found[1]}, which is not loaded" if found else "is not a torch file, or is damaged"
    raise ConfigError(f"{where}{path} {wrong}; {EXPECTED}")


def _wrong_with(path: Path) -> str | None:
    """What is wrong with a file before its content is looked at; torch itself does not check the checksums."""
    if not path.is_file():
        return "is a folder" if path.is_dir() else "is not a regular file"
    with open(path, "rb") as file:
        start = file.read(2)
    if not start:
        return "is empty"
    if start != b"PK":  # not the zip archive that torch writes; what it wrote before is a bare pickle
        return None
    try:
        with ZipFile(path) as archive:
            damaged = archive.testzip()
    except (BadZipFile, NotImplementedError, EOFError, ValueError):
        return "is cut off"
    return f"is damaged in {damaged}" if damaged else None


def _exists(path: Path) -> bool:
    """Whether something exists at a path; False for a name that is not valid."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
