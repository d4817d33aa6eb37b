"""Vector fields on the latent variables of images whose flows leave a classifier of them unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.latent_classifier import LatentClassifier
from hepexp.models.latent_flow import Flow


class ImageLatentFlow(Flow[ImageBatch]):
    """A flow on the latent variables of rotated images.

    Parameters
    ----------
    oracle : a trained classifier of latent variables, hepexp.models.latent_classifier.LatentClassifier, which holds the
        encoder; it stays frozen.
    n_channels : number of fields.
    widths : widths of the hidden layers of a network that gives the fields; null for linear ones, xi_a(z) = W_a z.
    initial : standard deviation of the entries of W_a at the start.

    Shapes
    ------
    image (B, C, H, W) -> fields (B, n_channels, n_latent).

    Raises
    ------
    ConfigError : values out of range, or an oracle that classifies no latent variables.

    References
    ----------
    A. Roman et al., arXiv:2302.00806, section 5, for flows in latent spaces of images.
    """

    input = "image"
    oracle: LatentClassifier  # or another that has its methods

    def __init__(
        self, oracle: nn.Module, n_channels: int = 1, widths: Sequence[int] | None = None, initial: float = 0.3
    ):
        n_latent = getattr(oracle, "n_latent", None)
        if n_latent is None or not hasattr(oracle, "of_latents"):
            raise ConfigError(
                f"model.oracle must classify latent variables, as hepexp.models.latent_classifier.LatentClassifier "
                f"does, not {type(oracle).__name__}"
            )
        super().__init__(n_latent, oracle, n_channels, widths, initial)

    def train(self, mode: bool = True) -> ImageLatentFlow:
        super().train(mode)
        self.oracle.turns.train(mode)  # other angles in each epoch
        return self

    def points(self, batch: ImageBatch) -> Tensor:
        """Latent variables z (B, n_latent) of the rotated images, in units."""
        return self.oracle.latents(batch).to(next(self.fields.parameters()).dtype)

    def logits(self, x: Tensor, batch: ImageBatch) -> Tensor:
        return self.oracle.of_latents(x)
