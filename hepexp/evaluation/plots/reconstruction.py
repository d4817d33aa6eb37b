"""Figures of an autoencoder: images and their reconstructions, the use of the latent dimensions, and energies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.evaluation.quantiles import reach
from hepexp.figures import COLOURS, class_name, figure, legend_above

SIZE = 1.5  # inches of an image


def image_rows(path: Path | str, rows: Mapping[str, np.ndarray]) -> None:
    """Draw images (n, C, H, W), one row per channel of each kind, all on the colour scale of the first kind."""
    lines = [(name, images, c) for name, images in rows.items() for c in range(images.shape[1])]
    n = max(len(images) for _, images, _ in lines)
    most = float(np.sqrt(max(next(iter(rows.values())).max(), np.finfo(np.float32).tiny)))
    with figure(path, SIZE * n + 1.8, SIZE * len(lines), "images and what the network makes of them") as drawing:
        grid = drawing.subplots(len(lines), n, squeeze=False)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.tick_params(which="both", length=0)
        for line, (name, images, c) in zip(grid, lines, strict=True):
            for axes, image in zip(line, images[:, c], strict=False):
                shown = axes.imshow(np.sqrt(image.clip(0)), vmin=0, vmax=most, interpolation="nearest")
            line[0].set_ylabel(f"{name}\nchannel {c}", fontsize=8)
        drawing.colorbar(shown, ax=grid.ravel().tolist(), label="square root of the pixel", pad=0.01, aspect=40)


def kl_per_dimension(path: Path | str, kl: np.ndarray, active: float = 0.01) -> None:
    """Draw the mean KL divergence (d,) of the latent dimensions, in decreasing order: how many are in use.

    Parameters
    ----------
    active : threshold in nat above which a dimension counts as used.
    """
    falling = np.sort(kl)[::-1].clip(1e-4)
    used = int((kl > active).sum())
    with figure(path, 5.0, 3.6, "use of the latent dimensions") as drawing:
        axes = drawing.subplots()
        place = np.arange(1, len(kl) + 1)
        axes.stairs(falling, np.append(place - 0.5, len(kl) + 0.5), color=COLOURS[0], baseline=None, linewidth=1.6)
        text = f"{used} of {len(kl)} above {active:g} nat, {kl.sum():.3g} nat in all"
        axes.axhline(active, color=COLOURS[4], linestyle="--", linewidth=1, label=text)
        axes.set(xlabel="latent dimension, in decreasing order", ylabel="mean KL [nat]", yscale="log")
        axes.set(xlim=(0.5, len(kl) + 0.5), ylim=(min(active / 3, falling[-1] / 2), falling[0] * 2))
        legend_above(axes, 1)


def energy_response(
    path: Path | str,
    response: Mapping[str, np.ndarray],
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    weight: np.ndarray | None = None,
) -> None:
    """Draw the ratio of reconstructed to true energy (n,) for each class, one panel per channel.

    Parameters
    ----------
    response : by the name of the channel; NaN where an image has no energy.
    weight : (n,) of the examples, if any.
    """
    with figure(path, 3.4 * len(response) + 0.6, 3.8, "energy response of the reconstruction") as drawing:
        for axes, (channel, values) in zip(
            drawing.subplots(1, len(response), squeeze=False)[0], response.items(), strict=True
        ):
            known = np.isfinite(values)
            of_known = None if weight is None else weight[known]
            low, high = reach(values[known], (0.01, 0.99), of_known) if known.any() else (1, 1)
            edges = np.linspace(min(low, 0.8), max(high, 1.2), 31)
            for c in np.unique(label):
                own = known & (label == c)
                chosen, of_chosen = values[own], None if weight is None else weight[own]
                middle = reach(chosen, 0.5, of_chosen) if len(chosen) else np.nan
                content, _ = np.histogram(chosen, bins=edges, weights=of_chosen)
                total = len(chosen) if of_chosen is None else of_chosen.sum()
                content = content / (total if total > 0 else 1) / np.diff(edges)
                name = f"{class_name(class_names, int(c))}: median {middle:.2f}"
                axes.stairs(content, edges, color=COLOURS[int(c) % len(COLOURS)], linewidth=1.6, label=name)
            axes.axvline(1, color=COLOURS[4], linestyle="--", linewidth=1)
            axes.set(xlabel=f"reconstructed / true energy, {channel}", ylabel="density")
            axes.set_ylim(0, None)
            legend_above(axes, 1)
