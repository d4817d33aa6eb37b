"""A convolutional network whose first filter is a circuit."""

from __future__ import annotations

from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_circuit, require_positive
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layered import Layered


class Quanvolution(nn.Module):
    """A circuit on every patch of the image, a convolution of what it measures, two linear layers.

    The circuit stands in the place of a convolution: it reads the kernel^2 pixels x of a patch of one channel, as
    angles pi tanh(x) or, where it encodes amplitudes, as they are, and each of its outputs is a channel. All patches of
    a batch are one batch of circuits, which share their trained angles. With backend=classical a network of as many
    parameters reads the patches.

    Parameters
    ----------
    kernel : rows and columns of a patch.
    stride : pixels from one patch to the next.
    n_layers : layers of trained gates of the circuit, where `circuit` is null.
    circuit : another circuit with kernel^2 inputs, by the name of one (`hepexp list circuit`) or a list of gates; null
        for one wire a pixel, with RY angles, strongly entangling layers and <Z> on each wire.
    trained : whether the circuit is trained; if not, its angles stay random, as in the paper.
    n_channels : channels of the convolution.
    n_hidden : width between the linear layers.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    backend : evaluates the circuits.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1, images too small for two patches in a row, or a circuit with another number of inputs.

    References
    ----------
    Henderson et al., arXiv:1904.04767.
    """

    input = "image"
    head = "output"
    lorentz_invariant = False

    def __init__(
        self,
        kernel: int = 2,
        stride: int = 2,
        n_layers: int = 1,
        circuit: Circuit | None = None,
        trained: bool = True,
        n_channels: int = 16,
        n_hidden: int = 64,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
        backend: Backend,
    ):
        super().__init__()
        require_positive(kernel=kernel, stride=stride, n_layers=n_layers, n_channels=n_channels, n_hidden=n_hidden)
        channels, *size = image_shape
        self.size = [(side - kernel) // stride + 1 for side in size]
        if min(self.size) < 2:
            raise ConfigError(
                f"model.kernel={kernel} and model.stride={stride} find fewer than two patches in a row of an image of "
                f"{size[0]} x {size[1]} pixels: choose smaller ones"
            )
        circuit = circuit or Layered(kernel**2, n_layers, encoding="RY")
        require_circuit(circuit, "the pixels of a patch, model.kernel^2", kernel**2)
        self.kernel, self.stride, self.is_angle = kernel, stride, not circuit.amplitudes
        self.circuit = backend.layer(circuit, name="filter").requires_grad_(trained)
        n_filters = channels * circuit.n_outputs
        self.features = nn.Sequential(
            nn.Conv2d(n_filters, n_channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        )
        n_features = n_channels * (self.size[0] // 2) * (self.size[1] // 2)
        self.hidden = nn.Sequential(nn.Linear(n_features, n_hidden), nn.ReLU())
        self.output = nn.Linear(n_hidden, n_classes)
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(self.output.weight.dtype)
        patches = F.unfold(image.flatten(0, 1)[:, None], self.kernel, stride=self.stride).mT  # (B C, patches, k^2)
        found = self.circuit(pi * torch.tanh(patches) if self.is_angle else patches)
        filtered = found.mT.unflatten(0, image.shape[:2]).flatten(1, 2).unflatten(-1, self.size)
        return self.output(self.hidden(self.features(filtered)))
