"""Fields of SO(2) and O(2) against escnn's own layers, and against the symmetries that define them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers.escnn_import import import_escnn
from hepexp.models.layers.irrep_blocks import whole_field
from hepexp.models.layers.irrep_layers import FourierELU, IrrepBatchNorm, NormReLU
from hepexp.models.layers.irreps import SCALAR, Irrep, fed, fourier_matrix, irrep_basis, size_of
from hepexp.models.layers.steerable import SteerableConv

FIELDS = [(reflects, whole_field(2, reflects)) for reflects in (False, True)]
GROUPS = pytest.mark.parametrize(("reflects", "field"), FIELDS, ids=["SO2", "O2"])


def space(reflects: bool):
    gspaces = import_escnn().gspaces
    return (gspaces.flipRot2dOnR2 if reflects else gspaces.rot2dOnR2)(-1, maximum_frequency=4)


def identities(field, reflects: bool) -> list[tuple[int, ...]]:
    """escnn's names of the components."""
    return [(int(i.odd or i.frequency > 0), i.frequency) if reflects else (i.frequency,) for i in field]


def field_type(field, reflects: bool, n: int):
    plane, names = space(reflects), identities(field, reflects)
    irreps = [plane.fibergroup.irrep(*name) for name in names]
    one = import_escnn().group.directsum(irreps, name=str(names)) if len(irreps) > 1 else irreps[0]
    return import_escnn().nn.FieldType(plane, n * [one])


@pytest.mark.parametrize("lifts", [True, False])
@GROUPS
def test_convolutions_are_those_of_escnn(reflects: bool, field, lifts: bool):
    """Our kernels lie in the span of escnn's, of the same dimension; with the same kernel both give the same output."""
    into = SCALAR if lifts else field
    out = fed(into, field, reflects)
    ours = SteerableConv(irrep_basis(into, out, reflects), n_in=2, n_out=3)
    types = [field_type(f, reflects, n) for f, n in ((into, 2), (out, 3))]
    theirs = import_escnn().nn.R2Conv(*types, 3, padding=1, bias=False, initialize=False)
    assert theirs.weights.numel() == ours.weight.numel()
    with torch.no_grad():
        columns = []
        for one in torch.eye(theirs.weights.numel()):
            theirs.weights.copy_(one)
            columns.append(theirs.expand_parameters()[0].flatten().double())
        target = ours.kernel().flatten().double()
        theirs.weights.copy_(torch.linalg.lstsq(torch.stack(columns, 1), target[:, None]).solution[:, 0])
        x = torch.randn(2, 2 * size_of(into), 9, 9)
        assert_close(ours(x), theirs(types[0](x)).tensor, rtol=1e-5, atol=1e-5)


@GROUPS
def test_normalisation_by_running_estimates_is_that_of_escnn(reflects: bool, field):
    kind = field_type(field, reflects, 3)
    ours, theirs = IrrepBatchNorm(3, field).eval(), import_escnn().nn.GNormBatchNorm(kind).eval()
    x = torch.randn(6, 3 * size_of(field), 5, 5)
    with torch.no_grad():
        for tensor in (ours.weight, ours.running_var):
            tensor.uniform_(0.5, 2)
        ours.bias.normal_()
        ours.running_mean[:, 0].normal_()
        given = {"weight": ours.weight, "bias": ours.bias, "mean": ours.running_mean[:, :1], "var": ours.running_var}
        for name, tensor in (*theirs.named_parameters(), *theirs.named_buffers()):
            if (last := name.rpartition("_")[2]) in given:
                tensor.copy_(given[last])
    assert_close(ours(x), theirs(kind(x)).tensor, rtol=1e-5, atol=1e-5)


@GROUPS
def test_normalised_scalars_have_mean_zero_and_all_components_variance_one(reflects: bool, field):
    norm = IrrepBatchNorm(3, field, momentum=1.0)
    x = 2 * torch.randn(6, 3 * size_of(field), 5, 5) + 1
    parts = norm(x).unflatten(1, (3, -1)).split([irrep.size for irrep in field], dim=2)
    for irrep, z in zip(field, parts, strict=True):
        assert_close(z.square().mean((0, 2, 3, 4)), torch.ones(3), rtol=1e-4, atol=0)
        if irrep == Irrep(0):
            assert_close(z.mean((0, 2, 3, 4)), torch.zeros(3), rtol=0, atol=1e-5)
    assert_close(norm.eval()(x), torch.cat(parts, 2).flatten(1, 2))


@GROUPS
def test_the_elu_of_functions_is_that_of_escnn(reflects: bool, field):
    plane = space(reflects)
    names = list(dict.fromkeys(identities(field, reflects)))
    theirs = import_escnn().nn.FourierELU(plane, 3, names, type="regular", N=12, inplace=False)
    x = torch.randn(2, 3 * size_of(field), 4, 4)
    expected = theirs(theirs.in_type(x)).tensor
    assert_close(FourierELU(field, field, 12, reflects)(x), expected, rtol=1e-5, atol=1e-5)


@GROUPS
def test_shortened_components_are_those_of_escnn(reflects: bool, field):
    """escnn shortens scalars too; here they have a ReLU."""
    vectors = tuple(irrep for irrep in field if irrep != Irrep(0))
    plane = space(reflects)
    kind = import_escnn().nn.FieldType(plane, [plane.irrep(*name) for name in identities(vectors, reflects)])
    theirs, ours = import_escnn().nn.NormNonLinearity(kind), NormReLU(1, field)
    with torch.no_grad():
        ours.log_b.uniform_(-1, 0.5)
        # escnn has biases in the order of the sizes of its components
        order = sorted(range(len(vectors)), key=lambda i: vectors[i].size)
        theirs.log_bias.copy_(ours.log_b[:, order].view_as(theirs.log_bias))
    x = torch.randn(4, size_of(field), 5, 5)
    y = ours(x)
    assert_close(y[:, 1:], theirs(kind(x[:, 1:])).tensor, rtol=1e-5, atol=1e-6)
    assert torch.equal(y[:, :1], x[:, :1].relu())


def rotated(x: torch.Tensor, field, quarters: int, mirrored: bool) -> torch.Tensor:
    """A field after a reflection at the vertical and rotations by 90 degrees: its pixels moved, its numbers turned."""
    parts = []
    for irrep, z in zip(field, x.split([irrep.size for irrep in field], dim=1), strict=True):
        z = z.flip(3) if mirrored else z
        z = torch.rot90(z, quarters, (2, 3))
        if irrep.size == 1:
            parts.append(-z if mirrored and irrep.odd else z)
            continue
        z = torch.complex(*z.unbind(1))
        z = (z.conj() if mirrored else z) * 1j ** (irrep.frequency * quarters)
        parts.append(torch.stack([z.real, z.imag], 1))
    return torch.cat(parts, 1)


@pytest.mark.parametrize("max_frequency", [1, 2, 5])
@pytest.mark.parametrize("reflects", [False, True], ids=["SO2", "O2"])
def test_every_layer_commutes_with_the_symmetries_of_the_lattice(reflects: bool, max_frequency: int):
    field, g = whole_field(max_frequency, reflects), torch.Generator().manual_seed(0)
    layers = {
        "convolution": SteerableConv(irrep_basis(field, field, reflects), 1, 1).double(),
        "normalisation": IrrepBatchNorm(1, field).double(),
        "fourier": FourierELU(field, field, 4 * (max_frequency + 1), reflects).double(),
        "norm": NormReLU(1, field).double(),
    }
    x = torch.randn(3, size_of(field), 7, 7, generator=g, dtype=torch.float64)
    for name, layer in layers.items():
        for mirrored in (False, True)[: 1 + reflects]:
            for quarters in range(4):
                moved = layer(rotated(x, field, quarters, mirrored))
                assert_close(moved, rotated(layer(x), field, quarters, mirrored), rtol=1e-10, atol=1e-11, msg=name)


@GROUPS
def test_a_function_on_the_group_is_recovered_from_its_values(reflects: bool, field):
    values = fourier_matrix(field, 12, reflects)
    assert values.shape == (24 if reflects else 12, size_of(field))
    gram = values.T @ values  # rows at equal distances make the columns orthogonal
    assert_close(gram, torch.eye(len(gram), dtype=torch.float64) * gram[0, 0])


def test_a_scalar_feeds_no_pseudoscalar_and_no_frequency_above_two():
    field = (Irrep(0), Irrep(0, odd=True), Irrep(1), Irrep(2), Irrep(3))
    assert fed(SCALAR, field, reflects=True) == (Irrep(0), Irrep(1), Irrep(2))
    assert fed((Irrep(1),), field, reflects=True) == field  # the curl of a vector is a pseudoscalar


@pytest.mark.parametrize(("m", "n", "count"), [(0, 0, 2), (0, 1, 2), (1, 1, 6), (1, 2, 2), (2, 2, 4), (1, 3, 2)])
def test_the_number_of_kernels_is_that_of_the_frequencies_that_pixels_can_sample(m: int, n: int, count: int):
    """Frequency 0 on both rings, +-1 and +-2 on the outer one, each with a complex factor; a real one for O(2)."""
    basis = {reflects: irrep_basis((Irrep(m),), (Irrep(n),), reflects).kernels for reflects in (False, True)}
    assert len(basis[False]) == count
    assert len(basis[True]) == (count if m == n == 0 else count // 2)
    assert np.linalg.matrix_rank(basis[False].flatten(1).numpy()) == count
    assert_close(basis[False].square().sum((1, 2, 3, 4)), torch.full((count,), 2.0 if n else 1.0).double())


def test_a_network_in_float64_has_its_matrices_in_float64_and_nothing_of_them_in_its_state():
    layer = FourierELU(*2 * (whole_field(2, False),), 12, reflects=False)
    assert torch.equal(
        nn.Sequential(layer).float().double()[0].values, fourier_matrix(whole_field(2, False), 12, False)
    )
    assert not layer.state_dict()
