"""The quantum convolution: a loop over patches, and a circuit that is a product of cosines."""

from math import pi

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.quanvolution import Quanvolution
from hepexp.quantum.classical import Classical
from hepexp.quantum.gate_list import GateList
from hepexp.quantum.layered import Layered
from hepexp.quantum.statevector import StateVector

SHAPE = (2, 7, 8)


def network(shape=SHAPE, backend=None, **keys) -> Quanvolution:
    torch.manual_seed(1)
    return Quanvolution(**keys, image_shape=shape, n_classes=3, backend=backend or StateVector()).double()


def images(n=2, shape=SHAPE) -> ImageBatch:
    image = torch.rand(n, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return ImageBatch(
        label=torch.zeros(n, dtype=torch.int64), index=torch.arange(n), extras=torch.zeros(n, 0), image=image
    )


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (2, 1), (3, 2)])
def test_every_patch_of_every_channel_passes_the_same_circuit(kernel, stride):
    keys = {} if kernel == 2 else {"circuit": GateList([f"RY(x{k}) 0" for k in range(9)], ["Z 0", "X 0"])}
    model, batch = network(kernel=kernel, stride=stride, **keys), images()
    seen = []
    model.features.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(batch)
    n = model.circuit.n_outputs
    for b, c, i, j in [(0, 0, 0, 0), (1, 1, 1, 2), (0, 1, 2, 1)]:
        rows, columns = (slice(k * stride, k * stride + kernel) for k in (i, j))
        patch = batch.image[b, c, rows, columns].flatten()
        assert_close(seen[0][b, c * n : (c + 1) * n, i, j], model.circuit(pi * patch.tanh()))


def test_a_rotation_by_all_pixels_is_the_cosine_of_their_sum():
    circuit = GateList([f"RY(x{k}) 0" for k in range(4)])
    model, batch = network(circuit=circuit), images()
    seen = []
    model.features.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(batch)
    patch = batch.image[1, 0, 2:4, 4:6]
    assert_close(seen[0][1, 0, 1, 2], (pi * patch.tanh()).sum().cos())


def test_circuits_are_trained_or_stay_random():
    for trained in (True, False):
        model = network(trained=trained)
        model(images()).sum().backward()
        assert (model.circuit.weights.grad is not None) == trained


def test_the_classical_twin_has_about_as_many_parameters():
    sizes = [sum(p.numel() for p in network(backend=b, n_layers=3).parameters()) for b in (StateVector(), Classical())]
    assert abs(sizes[0] - sizes[1]) <= 8


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kernel": 0}, "model.kernel must be > 0, got 0"),
        ({"kernel": 6}, "fewer than two patches in a row of an image of 7 x 8 pixels"),
        ({"circuit": Layered(3)}, "model.circuit has 3 inputs, and needs 4 inputs: it reads the pixels of a patch"),
        ({"kernel": 6, "stride": 1}, "a circuit of 36 qubits needs"),
    ],
)
def test_sizes_that_do_not_fit_are_named(keys, message):
    with pytest.raises(ConfigError) as refused:
        network(**keys)
    assert message in str(refused.value)


def test_patches_without_a_direction_have_no_amplitudes():
    model = network(circuit=Layered(2, 1, encoding="amplitude"))
    batch = images()
    model(batch)
    batch.image[1, 0, :2, :2] = 0
    with pytest.raises(ConfigError, match="4 inputs are all 0, and have no state"):
        model(batch)
