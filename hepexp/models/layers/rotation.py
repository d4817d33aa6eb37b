"""Rotations of images and of points in a plane."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hepexp.precision import full_precision


def rotate_images(image: Tensor, angle: Tensor) -> Tensor:
    """Images rotated counter-clockwise, as seen on screen, about their centre; bilinear, and zero beyond the edges.

    Pixels are square whatever the number of rows and columns, and a rotation of a square image by 90 degrees is exact.

    Parameters
    ----------
    image : (B, C, H, W), rows from top to bottom.
    angle : (B,) in radians.
    """
    rows, columns = image.shape[2:]
    cos, sin = angle.to(image).cos(), angle.to(image).sin()
    zero = torch.zeros_like(cos)
    # the position in the input from which each output pixel comes: (x, y) over half the (columns, rows), y downwards
    theta = torch.stack(
        [
            torch.stack([cos, -sin * (rows / columns), zero], dim=1),
            torch.stack([sin * (columns / rows), cos, zero], dim=1),
        ],
        dim=1,
    )
    with full_precision(image):  # places rounded to bfloat16 would be off by tenths of a pixel
        grid = F.affine_grid(theta, list(image.shape), align_corners=False)
        return F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def rotate_plane(z: Tensor, angle: Tensor) -> Tensor:
    """Points (B, 2) rotated counter-clockwise about the origin by angles (B,) in radians."""
    cos, sin = angle.to(z).cos(), angle.to(z).sin()
    return torch.stack([cos * z[:, 0] - sin * z[:, 1], sin * z[:, 0] + cos * z[:, 1]], dim=1)


def angle_between(a: Tensor, b: Tensor) -> Tensor:
    """The angle (B,) in (-pi, pi] that rotates the direction of a (B, 2) counter-clockwise into that of b (B, 2)."""
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return torch.atan2(cross, (a * b).sum(1))
