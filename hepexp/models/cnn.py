"""A small convolutional network, for images of any size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_widths
from hepexp.models.weights import load_weights


class CNN(nn.Module):
    """Stages of 3 x 3 convolutions with batch normalisation and ReLU, each followed by max pooling; then a mean.

    The mean over the remaining pixels lets the same network read images of any size, and makes it insensitive to where
    a pattern is.

    Parameters
    ----------
    widths : channels of each stage.
    convs_per_stage : convolutions in a stage.
    dropout : probability of dropping a pooled feature in training.
    n_outputs : width of the output, for an embedding; null for one logit per class.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes), or an embedding (B, n_outputs).

    Raises
    ------
    ConfigError : no stage, a width or n_outputs below 1, a dropout outside [0, 1), or images too small for
        so many stages.
    """

    input = "image"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        convs_per_stage: int = 1,
        dropout: float = 0.0,
        n_outputs: int | None = None,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        if convs_per_stage < 1:
            raise ConfigError(f"model.convs_per_stage must be >= 1, got {convs_per_stage}")
        require_dropout(dropout)
        if n_outputs is not None and n_outputs < 1:
            raise ConfigError(f"model.n_outputs must be >= 1, got {n_outputs}")
        if min(image_shape[1:]) >> len(widths) < 1:
            raise ConfigError(
                f"model.widths has {len(widths)} stages, too many for images of {image_shape[1]} x {image_shape[2]}"
            )
        stages, channels = [], image_shape[0]
        for width in widths:
            for _ in range(convs_per_stage):
                stages += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            stages.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, n_outputs or n_classes))
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(next(self.classifier.parameters()).dtype)
        return self.classifier(self.features(image))
