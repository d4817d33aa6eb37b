"""Operations on complex numbers by their parts are those of complex numbers."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import HepexpError
from hepexp.export.operations import in_operations_of_onnx
from hepexp.export.real_numbers import InRealNumbers, has_complex_numbers

Z = torch.complex(torch.randn(2, 4, 4, dtype=torch.float64), torch.randn(2, 4, 4, dtype=torch.float64))
FUNCTIONS = {
    "product": lambda z, w: z * w,
    "product with a number": lambda z, w: z * (2 - 1j) * 3.0,
    "product with a real tensor": lambda z, w: z * w.real + w.real * z,
    "sum": lambda z, w: z + w + w.real + (1 + 2j),
    "difference": lambda z, w: torch.sub(z, w, alpha=2) - w.real,
    "quotient": lambda z, w: z / w + w.real / z + z / (1 + 2j) + z / 3,
    "matrix product": lambda z, w: z @ w + z[0] @ w[1],
    "einsum": lambda z, w: torch.einsum("nij,njk->nki", z, w),
    "conjugate": lambda z, w: z.conj() * w + w.mH,
    "size": lambda z, w: z.abs() + w.angle(),
    "of a length and an angle": lambda z, w: torch.polar(w.real.abs(), w.imag),
    "pairs": lambda z, w: torch.view_as_complex(torch.view_as_real(z) * 2),
    "shapes": lambda z, w: z.flatten(1).unflatten(1, (4, 4)).mT[:, 1:].sum(1) + w.mean(2) + z.flip(2)[:, 0],
    "indices": lambda z, w: z[:, [3, 1]] + w.gather(1, torch.zeros_like(w.real[:, :2], dtype=torch.int64)),
    "several": lambda z, w: torch.cat([z, w], 1).sum(1) + torch.stack([z, w.real + 0j]).sum((0, 1, 2)),
    "choice": lambda z, w: torch.where(w.real > 0, z, w) + torch.where(w.real > 0, z, 0),
    "precision": lambda z, w: (z.to(torch.complex64) * w.to(torch.complex64)).to(torch.complex128),
}


class Network(nn.Module):
    """A function of z = (re, im), with weights that are complex."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.register_buffer("w", Z.flip(1) + 0.3)

    def forward(self, re, im):
        found = self.function(torch.complex(re, im), self.w)
        return torch.view_as_real(found) if found.is_complex() else found


def exported(module, inputs):
    return in_operations_of_onnx(torch.export.export(module, inputs))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parts_of_complex_numbers_give_what_complex_numbers_give(name):
    network, inputs = Network(FUNCTIONS[name]), (Z.real.clone(), Z.imag.clone())
    program = exported(network, inputs)
    assert has_complex_numbers(program)
    real = InRealNumbers(program)
    assert not has_complex_numbers(exported(real, inputs))
    assert_close(real(*inputs), network(*inputs), rtol=1e-12, atol=1e-12)


def test_an_operation_that_is_not_known_is_named():
    network, inputs = Network(lambda z, w: torch.linalg.eigvals(z)), (Z.real.clone(), Z.imag.clone())
    with pytest.raises(HepexpError, match=r"complex numbers, and aten\.\w*eig\w* of them is not known"):
        InRealNumbers(exported(network, inputs))(*inputs)
