"""Steerable layers against escnn's own, and against the symmetries that define them."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.escnn_import import import_escnn
from hepexp.models.layers.steerable import FieldBatchNorm, GroupPool, SteerableBlock, SteerableConv
from hepexp.models.layers.steerable_basis import GROUPS, order, steerable_basis


def space(group: str):
    gspaces = import_escnn().gspaces
    rotations, reflects = GROUPS[group]
    return (gspaces.flipRot2dOnR2 if reflects else gspaces.rot2dOnR2)(rotations)


def field_types(group: str, lifts: bool, n_in: int, n_out: int):
    plane, field_type = space(group), import_escnn().nn.FieldType
    into = plane.trivial_repr if lifts else plane.regular_repr
    return field_type(plane, n_in * [into]), field_type(plane, n_out * [plane.regular_repr])


def transform(x: torch.Tensor, group: str, g, is_regular: bool) -> torch.Tensor:
    """A field after a symmetry of the lattice: its pixels moved, and the channels of each of its blocks permuted."""
    matrix = np.rint(space(group).basespace_action(g)).astype(int)
    rotation = matrix if np.linalg.det(matrix) > 0 else matrix @ np.diag([1, -1])
    if np.linalg.det(matrix) < 0:
        x = x.flip(2)  # y -> -y, the reflection that escnn begins with
    x = torch.rot90(x, {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}[tuple(rotation[:, 0].tolist())], (2, 3))
    if is_regular:
        permutation = torch.from_numpy(np.rint(space(group).regular_repr(g))).to(x)
        x = torch.einsum("ab,nfbhw->nfahw", permutation, x.unflatten(1, (-1, len(permutation)))).flatten(1, 2)
    return x


def lattice_elements(group: str) -> list:
    action = space(group).basespace_action
    return [g for g in space(group).fibergroup.elements if np.allclose(action(g), np.rint(action(g)))]


@pytest.mark.parametrize("lifts", [True, False])
@pytest.mark.parametrize("group", GROUPS)
def test_a_convolution_commutes_with_the_symmetries_of_the_lattice(group: str, lifts: bool):
    torch.manual_seed(0)
    conv = SteerableConv(steerable_basis(group, lifts), n_in=2, n_out=3).double()
    x = torch.randn(2, 2 * (1 if lifts else order(group)), 7, 7, dtype=torch.float64)
    elements = lattice_elements(group)
    assert len(elements) == (8 if group.startswith("D") else 4)
    for g in elements:
        expected = transform(conv(x), group, g, is_regular=True)
        assert_close(conv(transform(x, group, g, is_regular=not lifts)), expected, rtol=1e-10, atol=1e-12)


def blobs(angle: float, size: int = 41) -> torch.Tensor:
    """Gaussians 3 pixels wide, turned about the image's centre by any angle, without interpolation."""
    g = torch.Generator().manual_seed(1)
    place = (torch.rand(4, 3, 6, 2, generator=g).double() - 0.5) * size * 0.5
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    x, y = (place @ turn.T)[..., None, None].unbind(3)
    axis = (torch.arange(size) - (size - 1) / 2).double()
    return torch.exp(-((axis[:, None] - y) ** 2 + (axis - x) ** 2) / 18).sum(2)


def test_on_a_smooth_image_a_turn_by_45_degrees_is_nearly_a_symmetry_of_c8_and_d8():
    """Pixels have no such symmetry, so it is near, not exact: two convolutions, mean of the fields' maxima."""
    changes = {}
    for group in GROUPS:
        torch.manual_seed(0)
        first = SteerableConv(steerable_basis(group, lifts=True), 3, 4).double()
        second = SteerableConv(steerable_basis(group, lifts=False), 4, 4).double()
        means = [GroupPool(order(group))(second(first(blobs(turn)).relu())).mean((2, 3)) for turn in (0, math.pi / 4)]
        changes[group] = float(((means[1] - means[0]).norm() / means[0].norm()).detach())
    assert 1e-6 < changes["C8"] < 0.01 < changes["C4"]
    assert 1e-6 < changes["D8"] < 0.01 < changes["D4"]


@pytest.mark.parametrize("lifts", [True, False])
@pytest.mark.parametrize("group", ["C4", "D4"])
def test_kernels_are_those_of_escnn(group: str, lifts: bool):
    ours = SteerableConv(steerable_basis(group, lifts), n_in=2, n_out=3)
    theirs = import_escnn().nn.R2Conv(*field_types(group, lifts, 2, 3), 3, padding=1, bias=False)
    with torch.no_grad():
        theirs.weights.copy_(ours.weight.flatten())
    expected, _ = theirs.expand_parameters()
    assert_close(ours.kernel(), expected, rtol=0, atol=1e-6)


def test_initial_weights_spread_as_those_of_escnn():
    import_escnn()
    from escnn.nn.init import _generalized_he_init_variances

    basis = steerable_basis("D4", lifts=False)
    theirs = import_escnn().nn.R2Conv(*field_types("D4", False, 2, 3), 3, padding=1, bias=False, initialize=False)
    expected = _generalized_he_init_variances(theirs.basisexpansion)
    assert_close((basis.spread / 2**0.5).float().repeat(6), expected)


def test_one_normalisation_is_shared_by_the_channels_of_a_field():
    norm = FieldBatchNorm(n_fields=3, order=4)
    x = 5 + 2 * torch.randn(6, 12, 5, 5)
    y = norm(x).unflatten(1, (3, 4))
    assert_close(y.mean((0, 2, 3, 4)), torch.zeros(3), rtol=0, atol=1e-5)
    assert y.mean((0, 3, 4)).abs().max() > 1e-3  # a channel alone keeps its own mean
    assert sum(p.numel() for p in norm.parameters()) == 6


def test_a_model_in_float64_has_its_kernels_in_float64_and_nothing_of_them_in_its_state():
    block = SteerableBlock(steerable_basis("C4", lifts=True), 3, 2)
    assert torch.equal(block.float().double().conv.basis, steerable_basis("C4", lifts=True).kernels)
    assert set(block.conv.state_dict()) == {"weight"}
