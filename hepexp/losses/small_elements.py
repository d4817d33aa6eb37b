"""Small random elements of a symmetry group, and by how much they change what a network says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hepexp.batch import Batch
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.representation import Representation
from hepexp.data.transforms.frame import StandardFrame
from hepexp.data.transforms.particle_selection import WithBeams
from hepexp.data.views.image_views import ImageRotation
from hepexp.data.views.jet_symmetries import AxisBoost, AxisRotation, LorentzTransformation, Translation
from hepexp.data.views.random_view import RandomView
from hepexp.errors import ConfigError

# of each representation, the groups by the names of the views that are their elements; the first is all of them
GROUPS: dict[str, dict[str, Callable[[float], RandomView]]] = {
    "particles": {
        "lorentz": LorentzTransformation,
        "rotate": lambda size: AxisRotation(math.degrees(size)),
        "boost": AxisBoost,
        "translate": Translation,
    },
    "image": {"rotate": lambda size: ImageRotation(math.degrees(size))},
}
NAMES = tuple(dict.fromkeys(name for groups in GROUPS.values() for name in groups))


@dataclass(frozen=True)
class SmallElements:
    """Pairs (x, g x) of examples and themselves after a small random element g of a group.

    Parameters
    ----------
    step : transforms each example of a batch by an element of its own.
    """

    step: RandomView

    @classmethod
    def of(cls, group: str | None, size: float, representation: Representation | None) -> SmallElements:
        """Those of a group, for batches of this representation.

        Parameters
        ----------
        group : its name; None for the largest of the representation.
        size : largest angle (radians) or rapidity.

        Raises
        ------
        ConfigError : the group does not act on such data.
        """
        reads = None if representation is None else representation.name
        known = {} if reads is None else GROUPS.get(reads, {})
        if representation is None or not known:
            raise ConfigError(
                "loss.equivariance_penalty and loss.equivariance_group are for models of particles or images, this one "
                f"reads {reads or 'something else'}: leave them out, or choose another model"
            )
        if group is not None and group not in known:
            raise ConfigError(
                f"loss.equivariance_group={group} does not act on {reads}, which this model reads; expected "
                f"{' or '.join(known)}"
            )
        if any(isinstance(step, WithBeams) for step in representation.transforms):
            raise ConfigError(
                "loss.equivariance_penalty does not tell the beams of dataset.beams=true from particles; leave them "
                "out, and have the model add them, model.symmetry_breaking=beam"
            )
        if any(isinstance(step, StandardFrame) for step in representation.transforms):
            raise ConfigError(
                "loss.equivariance_penalty and loss.equivariance_group would transform jets behind dataset.frame, "
                "which has made them invariant: leave them out, or dataset.frame"
            )
        if isinstance(representation, JetImage | PixelImage) and representation.rotate:
            raise ConfigError(
                "loss.equivariance_penalty and loss.equivariance_group would rotate images behind "
                "dataset.image.rotate, which has made them invariant: leave them out, or dataset.image.rotate"
            )
        step = known[group or next(iter(known))](size)
        step.fit_to(representation)
        return cls(step)

    def __call__(self, batch: Batch, seed: int) -> tuple[Batch, Batch]:
        """The pair that a seed determines."""
        return batch, self.step(batch, torch.Generator(batch.label.device).manual_seed(seed))


def squared_change(logits: Tensor, moved: Tensor) -> Tensor:
    """Mean over classes of the squared change (B,) of logits (B, C).

    What the logits of an example have in common changes no probability, and is left out.
    """
    change = moved - logits
    return (change - change.mean(-1, keepdim=True)).square().mean(-1)
