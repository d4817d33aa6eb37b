"""VGG-12: ten plain convolutions and two linear layers, for images of jets."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.dense import dense
from hepexp.models.weights import load_weights

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))  # widths; each stage ends with a max pool


class VGG12(nn.Module):
    """Four stages of 3 x 3 convolutions with ReLU, each ending with max pooling, then two linear layers.

    Images of 125 x 125 pixels end as 512 x 7 x 7. Pooling is skipped where it would leave no pixels, so that images of
    any size can be read. Without normalisation, ten layers of torch's default weights would let the signal die out; the
    weights here keep its variance (He initialisation), which adds no parameter.

    Parameters
    ----------
    n_hidden : width of the first linear layer.
    dropout : probability of dropping a hidden unit in training.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : n_hidden below 1, or a dropout outside [0, 1).

    References
    ----------
    Simonyan and Zisserman, arXiv:1409.1556; He et al., arXiv:1502.01852, equation 10.
    """

    input = "image"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 64,
        dropout: float = 0.5,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_hidden=n_hidden)
        require_dropout(dropout)
        channels, rows, columns = image_shape
        layers: list[nn.Module] = []
        for widths in STAGES:
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            if min(rows, columns) > 1:
                layers.append(nn.MaxPool2d(2))
                rows, columns = rows // 2, columns // 2
        self.features = nn.Sequential(*layers, nn.Flatten())
        n_features = channels * rows * columns
        self.classifier = dense(n_features, [n_hidden], n_classes, nn.ReLU, dropout)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.get_parameter("bias"))
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(next(self.classifier.parameters()).dtype)
        return self.classifier(self.features(image))
