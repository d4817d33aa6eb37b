"""Evaluator of autoencoders: errors against the mean image, energies, latent space, and anomalies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.anomaly import anomaly_figures, anomaly_scores, is_unseen
from hepexp.evaluation.bootstrap import mean_of, ones, ratio, with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.weighted_statistics import deviation_of, median_of
from hepexp.figures import class_name
from hepexp.metric import Metric

ACTIVE = 0.01  # nat: a latent dimension with a smaller KL carries no information about the image
RECONSTRUCTION_MSE = Metric(
    "reconstruction_mse",
    "lower",
    "reconstruction MSE",
    "Mean squared difference between an image and its reconstruction, over pixels, channels and examples.",
    range=">= 0, in squared units of a pixel",
    column=True,
)
OVER_BASELINE = Metric(
    "reconstruction_over_baseline",
    "lower",
    "error / that of the mean image",
    "Mean squared error of the reconstruction over that of the mean image; 1 is no better than the mean.",
    range=">= 0",
    undefined="all images are equal to the mean image",
)


class ReconstructionEvaluator(Evaluator):
    """Evaluates the reconstruction of images, their energy, the latent space, and an anomaly search.

    It reads `mse`, `baseline_mse`, `energy`, `reconstructed_energy`, `occupancy` (n, C), `kl` and `embedding` (n, d).

    The energy response is the reconstructed sum of an image, or of one of its channels, over the true one. If training
    saw only some of the classes, the others are the signal of an anomaly search; see `anomaly_figures`.

    Parameters
    ----------
    n_pixels : number of pixels in a channel.
    channel_names : names of the images' channels; numbers if they have none.
    pixel_unit : unit of the pixel values.
    references : number of training examples that show which classes were trained on, and which errors are typical.
    """

    metrics = (
        RECONSTRUCTION_MSE,
        Metric(
            "reconstruction_mse_{channel}",
            "lower",
            "reconstruction MSE ({channel})",
            "Mean squared difference between an image and its reconstruction in the channel {channel}.",
            range=">= 0, in squared units of a pixel",
        ),
        Metric(
            "baseline_mse",
            "neither",
            "MSE of the mean image",
            "Mean squared difference between an image and the mean of all training images, the error to beat.",
            range=">= 0, in squared units of a pixel",
        ),
        OVER_BASELINE,
        Metric(
            "reconstruction_over_baseline_{channel}",
            "lower",
            "error / that of the mean image ({channel})",
            "Mean squared error of the reconstruction over that of the mean image in the channel {channel}.",
            range=">= 0",
            undefined="all images are equal to the mean image in this channel",
        ),
        Metric(
            "energy_response",
            "neither",
            "energy response",
            "Median over images of the ratio of the reconstructed to the true sum of pixels; 1 if no energy is lost.",
            range="1 is unbiased",
            undefined="no image holds energy",
        ),
        Metric(
            "energy_response_{channel}",
            "neither",
            "energy response ({channel})",
            "Median over images of the ratio of the reconstructed to the true sum of pixels in the channel {channel}.",
            range="1 is unbiased",
            undefined="no image holds energy in this channel",
            each_epoch=False,
        ),
        Metric(
            "energy_resolution",
            "lower",
            "energy resolution",
            "Standard deviation over images of the ratio of the reconstructed to the true sum of pixels.",
            range=">= 0",
            undefined="no image holds energy",
            each_epoch=False,
        ),
        Metric(
            "kl",
            "lower",
            "KL divergence",
            "KL(q(z|x) || N(0, 1)) in nat, summed over the latent dimensions and averaged over examples "
            "(arXiv:1312.6114, appendix B).",
            range=">= 0",
        ),
        Metric(
            "active_dimensions",
            "neither",
            "active dimensions",
            "Number of latent dimensions whose mean KL divergence is above 0.01 nat; the others carry no "
            "information about the image.",
            range="0 to the number of latent dimensions",
            no_error="a count",
            each_epoch=False,
            whole=True,
        ),
        Metric(
            "anomaly_auc",
            "higher",
            "anomaly AUC",
            "Area under the ROC curve of the reconstruction error, with the classes absent from training as signal.",
            range="0 to 1; 0.5 is chance, less if unseen classes are reconstructed better",
            column=True,
        ),
        Metric(
            "anomaly_auc_{score}",
            "higher",
            "anomaly AUC ({score})",
            "Area under the ROC curve for unseen classes of the score `{score}`: relative (error over that of the "
            "mean image), elbo (minus the evidence lower bound), occupancy (pixels that are not empty), energy "
            "(their sum).",
            range="0 to 1; 0.5 is chance",
            values=("relative", "elbo", "occupancy", "energy"),
        ),
    )

    def __init__(
        self, n_pixels: int, channel_names: tuple[str, ...] = (), pixel_unit: str = "", references: int = 1000
    ):
        self.n_pixels = n_pixels
        self.channel_names = channel_names
        self.pixel_unit = pixel_unit
        self.references = references

    def quick(self, outputs: Outputs) -> dict[str, float]:
        figures = self._errors(outputs)
        figures |= {"energy_response": median_of(response(outputs)), "kl": mean_of(outputs["kl"].sum(1))}
        even = ones(len(outputs["label"]), outputs.get("weight"))
        figures |= anomaly_figures(outputs, self.n_pixels)
        return {"loss": mean_loss(outputs), **{name: of(even) for name, of in figures.items()}}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        of_image = response(outputs)
        figures = self._errors(outputs)
        figures |= {
            "energy_response": median_of(of_image),
            "energy_resolution": deviation_of(of_image),
            "kl": mean_of(outputs["kl"].sum(1)),
            **anomaly_figures(outputs, self.n_pixels),
        }
        for c, name in enumerate(self._channels(outputs)):
            figures[f"energy_response_{name}"] = median_of(response(outputs, c))
        weight = outputs.get("weight")
        metrics = {**loss_figures(outputs, seed), **with_errors(figures, len(outputs["label"]), seed, weight=weight)}
        metrics["active_dimensions"] = int((self._kl_of_dimensions(outputs) > ACTIVE).sum())
        return metrics

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, kl, anomaly scores, and the errors and energies of each channel, of each example."""
        columns = {
            "index": outputs["index"].astype(np.int64),
            "label": outputs["label"].astype(np.int64),
            "kl": outputs["kl"].sum(1),
        }
        columns |= {f"score_{name}": score for name, score in anomaly_scores(outputs, self.n_pixels).items()}
        for c, name in enumerate(self._channels(outputs)):
            for of in ("mse", "baseline_mse", "energy", "reconstructed_energy"):
                columns[f"{of}_{name}"] = outputs[of][:, c]
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        label, names = outputs["label"], self._channels(outputs)
        title = "latent space: first two principal components"
        plots.embedding_map(folder / "latent.png", outputs["embedding"], label, class_names, title)
        plots.kl_per_dimension(folder / "kl_per_dimension.png", self._kl_of_dimensions(outputs), ACTIVE)
        per_channel = {name: response(outputs, c) for c, name in enumerate(names)}
        weight = outputs.get("weight")
        plots.energy_response(folder / "energy_response.png", per_channel, label, class_names, weight)
        unseen = is_unseen(outputs)
        if unseen.any() and not unseen.all():
            scores = anomaly_scores(outputs, self.n_pixels)
            plots.anomaly(folder / "anomaly.png", scores, unseen, label, class_names, seed=seed, weight=weight)
        if "gallery/input" in outputs:
            shown, unit = outputs["gallery/input"], self.pixel_unit
            titles = [class_name(class_names, int(c)) for c in outputs["gallery/label"]]
            given_back = outputs["gallery/reconstruction"]
            plots.reconstructions(folder / "reconstructions.png", shown, given_back, names, unit, titles)
            plots.prior_samples(folder / "prior.png", shown, outputs["gallery/prior"], names, unit)

    @staticmethod
    def _kl_of_dimensions(outputs: Outputs) -> np.ndarray:
        """The mean (d,) over examples, with their weights, of the KL divergence of each latent dimension."""
        return np.average(outputs["kl"], axis=0, weights=outputs.get("weight"))

    def _channels(self, outputs: Outputs) -> tuple[str, ...]:
        n = outputs["mse"].shape[1]
        return self.channel_names if len(self.channel_names) == n else tuple(f"channel{c}" for c in range(n))

    def _errors(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        """Reconstruction errors as functions of the examples' weights, over all channels and for each."""
        mse, baseline = outputs["mse"].astype(np.float64), outputs["baseline_mse"].astype(np.float64)
        figures = {
            "reconstruction_mse": mean_of(mse.mean(1)),
            "baseline_mse": mean_of(baseline.mean(1)),
            "reconstruction_over_baseline": ratio(mse.mean(1), baseline.mean(1)),
        }
        for c, name in enumerate(self._channels(outputs)):
            figures[f"reconstruction_mse_{name}"] = mean_of(mse[:, c])
            figures[f"reconstruction_over_baseline_{name}"] = ratio(mse[:, c], baseline[:, c])
        return figures


def response(outputs: Outputs, channel: int | None = None) -> np.ndarray:
    """Ratio of reconstructed to true energy (n,) in one channel, or in all together; NaN where there is no energy."""
    chosen = slice(None) if channel is None else slice(channel, channel + 1)
    true, found = (outputs[name][:, chosen].sum(1, dtype=np.float64) for name in ("energy", "reconstructed_energy"))
    return np.divide(found, true, out=np.full(len(true), np.nan), where=true > 0)
