"""A convolutional network with a circuit before its output."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_circuit
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.templates import siamese_circuit


class HybridCNN(nn.Module):
    """Two convolutions, two linear layers, a circuit, a linear layer: the siamese hybrid network of ML4SCI 2024.

    The second linear layer outputs one number for each input of the circuit: an angle, one a wire, of the circuit of
    ML4SCI 2024. The angles are unbounded, as there: RX has period 4 pi and <Z> period 2 pi, so a larger angle does not
    mean a larger signal.

    Parameters
    ----------
    n_qubits : number of wires of the circuit, where `circuit` is null.
    n_layers : layers of the basic entangler, where `circuit` is null: RX with a trained angle on each wire, then a ring
        of CNOTs.
    circuit : another circuit, by the name of one (`hepexp list circuit`) or a list of gates; null for that of ML4SCI
        2024.
    n_outputs : width of the output, for an embedding; null for one logit per class.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    backend : evaluates the circuit.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes), or an embedding (B, n_outputs).

    Raises
    ------
    ConfigError : a number below 1, images too small for the convolutions, or a circuit without inputs.
    """

    input = "image"
    head = "output"
    lorentz_invariant = False

    def __init__(
        self,
        n_qubits: int = 4,
        n_layers: int = 3,
        n_outputs: int | None = None,
        weights: str | None = None,
        circuit: Circuit | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
        backend: Backend,
    ):
        super().__init__()
        for key, value in {"n_qubits": n_qubits, "n_layers": n_layers, "n_outputs": n_outputs}.items():
            if value is not None and value < 1:
                raise ConfigError(f"model.{key} must be >= 1, got {value}")
        channels, *size = image_shape
        rows, columns = ((side - 2) // 2 - 2 for side in size)  # what 3 x 3, pooling, 3 x 3 leave
        if min(rows, columns) < 1:
            raise ConfigError(f"model=hybrid_cnn reads images of 8 x 8 pixels or more, got {size[0]} x {size[1]}")
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Flatten()
        )
        circuit = circuit or siamese_circuit(n_qubits, n_layers)
        require_circuit(circuit, "what the convolutions found")
        self.angles = nn.Sequential(nn.Linear(64 * rows * columns, 64), nn.ReLU(), nn.Linear(64, circuit.n_inputs))
        self.circuit = backend.layer(circuit, name="embedding")
        self.output = nn.Linear(circuit.n_outputs, n_outputs or n_classes)
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(self.output.weight.dtype)
        return self.output(self.circuit(self.angles(self.features(image))))
