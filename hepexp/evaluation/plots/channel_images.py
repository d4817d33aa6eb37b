"""Images beside their reconstructions, channel by channel, on one logarithmic colour scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepexp.figures import figure

SIZE = 1.5  # inches of an image
DECADES = 3.0  # shown below the brightest pixel, at most,
MOST_DECADES = 8.0  # but for images that are fainter than that; what is below counts as empty
FAINT = 0.1  # of the brightest pixel; below the power of ten under that, the colour scale of differences is linear
PIXELS = {"interpolation": "nearest"}
BAR: dict[str, Any] = {"pad": 0.01, "aspect": 14, "fraction": 0.03}


def reconstructions(
    path: Path | str,
    input: np.ndarray,
    reconstruction: np.ndarray,
    channel_names: Sequence[str],
    unit: str = "",
    titles: Sequence[str] = (),
) -> None:
    """Draw images, their reconstructions and the differences, one column per image, one block of rows per channel.

    Input and reconstruction of a channel share a colour scale; pixels below it are black, like empty ones.

    Parameters
    ----------
    input, reconstruction : (n, C, H, W).
    unit : of a pixel.
    titles : of the columns.
    """
    rows = {"input": input, "reconstruction": reconstruction}
    title = "images and their reconstructions"
    _draw(path, title, rows, input, channel_names, unit, titles, difference=reconstruction - input)


def prior_samples(
    path: Path | str, input: np.ndarray, prior: np.ndarray, channel_names: Sequence[str], unit: str = ""
) -> None:
    """Draw images decoded from draws of the prior (n, C, H, W) below those of the data, on the same colour scale."""
    rows = {"data": input, "from the prior": prior}
    _draw(path, "images of the data and images drawn from the prior", rows, input, channel_names, unit)


def _draw(
    path: Path | str,
    title: str,
    rows: Mapping[str, np.ndarray],
    measured: np.ndarray,
    channel_names: Sequence[str],
    unit: str,
    titles: Sequence[str] = (),
    difference: np.ndarray | None = None,
) -> None:
    """One block of rows per channel, with the colours of the measured images."""
    from matplotlib.colors import LogNorm, SymLogNorm

    n, channels = measured.shape[:2]
    per_channel = len(rows) + (difference is not None)
    with figure(path, SIZE * n + 1.8, SIZE * per_channel * channels + 0.3, title) as drawing:
        grid = drawing.subplots(per_channel * channels, n, squeeze=False)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[], facecolor="black")
            axes.minorticks_off()
        for axes, name in zip(grid[0], titles, strict=False):
            axes.set_title(name, fontsize=9)
        for c, channel in enumerate(channel_names):
            block = grid[per_channel * c : per_channel * (c + 1)]
            low, high = colour_range(measured[:, c], *(images[:, c] for images in rows.values()))
            for line, (name, images) in zip(block, rows.items(), strict=False):
                for axes, image in zip(line, images[:, c], strict=True):
                    norm = LogNorm(low, high)
                    shown = axes.imshow(np.where(image < low, np.nan, image), cmap="viridis", norm=norm, **PIXELS)
                line[0].set_ylabel(f"{channel}\n{name}", fontsize=8)
            drawing.colorbar(shown, ax=block[: len(rows)].ravel().tolist(), label=_with_unit(channel, unit), **BAR)
            if difference is not None:
                faint = 10.0 ** np.floor(np.log10(high * FAINT))
                for axes, image in zip(block[-1], difference[:, c], strict=True):
                    signed = SymLogNorm(linthresh=faint, vmin=-high, vmax=high)
                    shown = axes.imshow(image, cmap="RdBu_r", norm=signed, **PIXELS)
                block[-1, 0].set_ylabel(f"{channel}\ndifference", fontsize=8)
                bar = drawing.colorbar(shown, ax=block[-1].tolist(), label="rec. $-$ input", **BAR)
                powers = faint * 10.0 ** np.arange(np.floor(np.log10(high / faint)) + 1)
                ticks = (*-powers[::-1], 0, *powers)
                bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
                bar.ax.tick_params(labelsize=8)
                bar.ax.minorticks_off()


def colour_range(measured: np.ndarray, *drawn: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value of a channel's colour scale: that of the measured images (n, H, W).

    It begins lower where drawn images (n, H, W) would be black otherwise, as those of a network that has hardly been
    trained: the brightest decade of at least half of each set is shown.
    """
    lit = measured[measured > 0]
    high = float(lit.max()) if len(lit) else 1.0
    low = max(float(np.quantile(lit, 0.05)), high * 10**-DECADES) if len(lit) else 0.1
    for images in drawn:
        brightest = float(np.median(images.reshape(len(images), -1).max(axis=1)))
        if brightest > high * 10**-MOST_DECADES:
            low = min(low, brightest / 10)
    return (low if low < high else high / 10), high


def _with_unit(channel: str, unit: str) -> str:
    return f"{channel} [{unit}]" if unit else channel
