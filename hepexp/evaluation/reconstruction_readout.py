"""Readout of autoencoders: errors against the mean image, energies, latent space, and anomalies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from hepexp.atomic import atomic
from hepexp.evaluation.bootstrap import mean_of, with_errors
from hepexp.evaluation.readout import Outputs, Readout


class ReconstructionReadout(Readout):
    """Judges `mse`, `baseline_mse`, `energy` and `reconstructed_energy` (n, C), `kl` and `embedding` (n, d).

    The energy response is the reconstructed over the true sum of an image. Where training saw only some of the classes,
    the error of reconstruction is judged as a score for the others: `anomaly_auc`.

    Parameters
    ----------
    references : training examples that tell which classes were trained on.
    """

    def __init__(self, references: int = 1000):
        self.references = references

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {
            "loss": float(outputs["loss"].mean(dtype=np.float64)),
            "reconstruction_mse": float(outputs["mse"].mean(dtype=np.float64)),
            "baseline_mse": float(outputs["baseline_mse"].mean(dtype=np.float64)),
            "energy_response": float(np.median(_response(outputs))),
            "kl": float(outputs["kl"].sum(1).mean(dtype=np.float64)),
            **_anomaly(outputs),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | None]:
        mse, baseline = outputs["mse"].astype(np.float64), outputs["baseline_mse"].astype(np.float64)
        response = _response(outputs)
        judged = {
            "loss": mean_of(outputs["loss"]),
            "reconstruction_mse": mean_of(mse.mean(1)),
            "baseline_mse": mean_of(baseline.mean(1)),
            "reconstruction_over_baseline": lambda weight: float(weight @ mse.mean(1) / (weight @ baseline.mean(1))),
            "energy_response": lambda weight: float(np.median(np.repeat(response, weight))),
            "energy_resolution": lambda weight: float(np.std(np.repeat(response, weight))),
            "kl": mean_of(outputs["kl"].sum(1)),
            **{f"reconstruction_mse_channel{c}": mean_of(mse[:, c]) for c in range(mse.shape[1])},
        }
        for name in _anomaly(outputs):
            judged[name] = lambda weight, name=name: _anomaly(outputs, weight).get(name, np.nan)
        metrics = with_errors(judged, len(mse), seed)
        metrics["active_dimensions"] = int((outputs["kl"].mean(0) > 0.01).sum())
        return metrics

    def record(self, outputs: Outputs, class_names: tuple[str, ...], path: Path) -> None:
        """Columns index, label, reconstruction_error and kl of each example."""
        columns = {
            "index": outputs["index"].astype(np.int64),
            "label": outputs["label"].astype(np.int64),
            "reconstruction_error": outputs["mse"].mean(1),
            "kl": outputs["kl"].sum(1),
        }
        with atomic(path) as temporary:
            pq.write_table(pa.table(columns), temporary, compression="zstd")

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        label = outputs["label"]
        plots.embedding_map(folder / "latent.png", outputs["embedding"], label, class_names)
        plots.kl_per_dimension(folder / "kl_per_dimension.png", outputs["kl"].mean(0))
        plots.energy_response(folder / "energy_response.png", _response(outputs), label, class_names)
        if "gallery/input" in outputs:
            images = {name: outputs[f"gallery/{name}"] for name in ("input", "reconstruction")}
            plots.reconstructions(folder / "reconstructions.png", **images)
            plots.image_rows(folder / "prior.png", {"from the prior": outputs["gallery/prior"]})


def _response(outputs: Outputs) -> np.ndarray:
    """Reconstructed over true energy of each image, all channels together."""
    true = outputs["energy"].sum(1, dtype=np.float64)
    return outputs["reconstructed_energy"].sum(1, dtype=np.float64) / np.where(true != 0, true, 1)


def _anomaly(outputs: Outputs, weight: np.ndarray | None = None) -> dict[str, float]:
    """AUC of the reconstruction error for the classes that training did not see; nothing where it saw all or none."""
    unseen = ~np.isin(outputs["label"], outputs["reference/label"])
    if unseen.all() or not unseen.any():
        return {}
    return {"anomaly_auc": float(roc_auc_score(unseen, outputs["mse"].mean(1), sample_weight=weight))}
