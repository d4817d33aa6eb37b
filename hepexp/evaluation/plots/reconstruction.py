"""What an autoencoder makes of images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure

SIZE = 1.5  # inches of an image


def reconstructions(path: Path | str, input: np.ndarray, reconstruction: np.ndarray) -> None:
    """Draw images, their reconstructions and the differences, a column each, one block of rows per channel.

    Parameters
    ----------
    input, reconstruction : (n, C, H, W).
    """
    n, channels = input.shape[:2]
    with figure(path, SIZE * n + 1.2, 3 * SIZE * channels) as drawing:
        grid = drawing.subplots(3 * channels, n, squeeze=False)
        for c in range(channels):
            top = max(float(np.quantile(input[:, c], 0.999)), np.finfo(float).tiny)
            rows = {"input": input, "output": reconstruction, "difference": reconstruction - input}
            for r, (name, images) in enumerate(rows.items()):
                for k in range(n):
                    axes = grid[3 * c + r, k]
                    if name == "difference":
                        axes.imshow(images[k, c], cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
                    else:  # the square root shows faint pixels beside bright ones
                        axes.imshow(np.sqrt(images[k, c].clip(0)), vmin=0, vmax=np.sqrt(top), interpolation="nearest")
                    axes.set(xticks=[], yticks=[])
                    axes.tick_params(which="both", length=0)
                grid[3 * c + r, 0].set_ylabel(f"{name}\nchannel {c}", fontsize=8)


def image_rows(path: Path | str, rows: Mapping[str, np.ndarray]) -> None:
    """Draw images (n, C, H, W), one row per channel of each kind."""
    lines = [(name, images, c) for name, images in rows.items() for c in range(images.shape[1])]
    n = max(len(images) for _, images, _ in lines)
    with figure(path, SIZE * n + 1.2, SIZE * len(lines)) as drawing:
        grid = drawing.subplots(len(lines), n, squeeze=False)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.tick_params(which="both", length=0)
        for line, (name, images, c) in zip(grid, lines, strict=True):
            for axes, image in zip(line, images[:, c], strict=False):
                axes.imshow(np.sqrt(image.clip(0)), interpolation="nearest")
            line[0].set_ylabel(f"{name}\nchannel {c}", fontsize=8)


def kl_per_dimension(path: Path | str, kl: np.ndarray) -> None:
    """Draw the mean KL divergence (d,) of the latent dimensions, in falling order: how many are in use."""
    with figure(path, 5.0, 3.6) as drawing:
        axes = drawing.subplots()
        axes.plot(np.arange(1, len(kl) + 1), np.sort(kl)[::-1], color=COLOURS[0])
        axes.axhline(0.01, color=COLOURS[4], linestyle="--", linewidth=1, label="0.01 nat")
        axes.set(xlabel="latent dimension, in falling order", ylabel="KL [nat]", yscale="symlog")
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.legend()


def energy_response(
    path: Path | str, response: np.ndarray, label: np.ndarray, class_names: tuple[str, ...] = ()
) -> None:
    """Draw reconstructed over true energy (n,) for each class."""
    low, high = np.quantile(response, (0.005, 0.995))
    edges = np.linspace(min(low, 0.9), max(high, 1.1), 41)
    with figure(path) as drawing:
        axes = drawing.subplots()
        for c in np.unique(label):
            content, _ = np.histogram(response[label == c], bins=edges, density=True)
            name = f"{class_name(class_names, int(c))}: median {np.median(response[label == c]):.3f}"
            axes.stairs(content, edges, color=COLOURS[int(c) % len(COLOURS)], linewidth=1.6, label=name)
        axes.axvline(1, color=COLOURS[4], linestyle="--", linewidth=1)
        axes.set(xlabel="reconstructed / true energy", ylabel="density")
        axes.legend()
