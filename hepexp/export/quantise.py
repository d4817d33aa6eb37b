"""An ONNX file with weights of 8 bits, and what that costs in AUC."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepexp.data.loading.dataset import SplitDataset
from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.classification import auc
from hepexp.export.network import ExportedNetwork
from hepexp.export.onnx_file import OnnxSession
from hepexp.export.parity import Scores

AT_ONCE = 64  # examples in a batch
BITS = {"int8": "QInt8"}  # of onnxruntime.quantization.QuantType


def quantised(
    network: ExportedNetwork, examples: SplitDataset, scores: Scores, path: Path, bits: str
) -> tuple[Scores, dict[str, Any]]:
    """Replace an ONNX file by one whose matrices are integers, and say what that costs on the test split.

    Activations are scaled anew for each batch (dynamic quantisation), so no examples are needed to calibrate, but a
    score depends a little on the batch. The preparation of the inputs stays in double precision.

    Parameters
    ----------
    examples : of the test split.
    scores : of the file as it is.
    path : of the file.
    bits : one of BITS.

    Returns
    -------
    What gives the scores of the new file, and its figures: `bytes` and `bytes_before`, `auc` and `auc_before`, and
    `auc_loss` with `auc_loss_err`, from a bootstrap over the same examples before and after.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    before = path.stat().st_size
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # its advice to preprocess the model
    try:
        quantize_dynamic(path, path, weight_type=getattr(QuantType, BITS[bits]))
    finally:
        root.setLevel(level)
    session = OnnxSession(path.read_bytes(), str(path))
    found, changed = (all_scores(network, examples, of) for of in (scores, session))
    label = examples.labels(examples.rows)

    def loss(weight: NDArray) -> float:
        return auc(found, label, weight) - auc(changed, label, weight)

    figures = {
        "weights": bits,
        "bytes": path.stat().st_size,
        "bytes_before": before,
        "auc": auc(changed, label),
        "auc_before": auc(found, label),
        "examples": len(label),
        **with_errors({"auc_loss": loss}, len(label), seed=0),
    }
    return session, figures


def all_scores(network: ExportedNetwork, examples: SplitDataset, scores: Scores) -> NDArray[np.float32]:
    """The scores (n, C) of all examples of a split, in the order of its rows."""
    order = np.argsort(examples.counts, kind="stable")
    parts = [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]
    found = np.concatenate([scores(network.feed(examples.store.take(examples.rows[part]))) for part in parts])
    return found[np.argsort(order)]
