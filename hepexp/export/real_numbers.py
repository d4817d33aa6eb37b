"""A program with complex numbers, as circuits have, by one of their real and imaginary parts: ONNX has real ones."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule, Interpreter, Node
from torch.fx.node import Target

from hepexp.errors import HepexpError

aten = torch.ops.aten
REAL = {torch.complex64: torch.float32, torch.complex128: torch.float64}


class Complex(NamedTuple):
    """A complex tensor, both of whose parts have its shape, or a number."""

    re: Tensor | float
    im: Tensor | float


def has_complex_numbers(program: ExportedProgram) -> bool:
    """Whether any tensor of a program is complex."""
    return any(_is_complex(node) for node in program.graph.nodes)


class InRealNumbers(nn.Module):
    """The same network without complex tensors, to be exported again.

    Parameters
    ----------
    program : in operations of ATen's core, as torch's decompositions leave it; its inputs and its output are real.
    """

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self.program = program.module(check_guards=False)
        self.parts = nn.Module()  # of complex weights and constants
        self.names: dict[str, str] = {}
        tensors = {**dict(self.program.named_parameters()), **dict(self.program.named_buffers())}
        for node in self.program.graph.nodes:
            if node.op == "get_attr" and node.target not in tensors:
                tensors[node.target] = operator.attrgetter(node.target)(self.program)
        for name, tensor in tensors.items():
            if isinstance(tensor, Tensor) and tensor.is_complex():
                self.names[name] = name.replace(".", "__")
                self.parts.register_buffer(f"{self.names[name]}_re", tensor.detach().real.clone())
                self.parts.register_buffer(f"{self.names[name]}_im", tensor.detach().imag.clone())
                parent, _, last = name.rpartition(".")
                delattr(self.program.get_submodule(parent), last)

    def forward(self, *inputs: Tensor) -> Tensor:
        return _Run(self.program, self).run(*inputs)


class _Run(Interpreter):
    """Runs a program with Complex in place of complex tensors."""

    def __init__(self, program: GraphModule, network: InRealNumbers) -> None:
        super().__init__(program, garbage_collect_values=False)
        self.extra_traceback = False  # pages, in the message of an error
        self.network = network

    def get_attr(self, target: Target, args: tuple, kwargs: dict[str, Any]) -> Any:
        if name := self.network.names.get(str(target)):
            return Complex(*(getattr(self.network.parts, f"{name}_{part}") for part in ("re", "im")))
        return super().get_attr(target, args, kwargs)

    def run_node(self, n: Node) -> Any:
        if n.op != "call_function" or not (_is_complex(n) or any(map(_is_complex, n.all_input_nodes))):
            return super().run_node(n)
        assert callable(n.target), "of a call"
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return in_parts(n.target, args, kwargs)


def in_parts(target: Callable, args: tuple, kwargs: Mapping[str, Any]) -> Complex | Tensor:
    """An operation on complex numbers by operations on their parts.

    Raises
    ------
    HepexpError : nothing is known about it.
    """
    if rule := RULES.get(target):
        return rule(*args, **kwargs)
    if target in OF_EACH_PART:
        kwargs = {key: REAL.get(value, value) if key == "dtype" else value for key, value in kwargs.items()}
        return Complex(*(target(*_part(args, k), **kwargs) for k in (0, 1)))
    raise HepexpError(f"ONNX has no complex numbers, and {str(target).removesuffix('.default')} of them is not known")


def _is_complex(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) and value.is_complex()


def _part(args: Any, k: int) -> Any:
    """Arguments with the real (0) or imaginary (1) parts of complex ones; other tensors, as indices, as they are."""
    if isinstance(args, Complex):
        return args[k]
    return type(args)(_part(one, k) for one in args) if isinstance(args, list | tuple) else args


def _of(x: Complex | Tensor | complex) -> Complex:
    """A number of any kind as a complex one."""
    if isinstance(x, Complex):
        return x
    return Complex(x, torch.zeros_like(x)) if isinstance(x, Tensor) else Complex(x.real, x.imag)


def _sum(x: Complex | Tensor, y: Complex | Tensor | complex, *, alpha: float = 1) -> Complex:
    x, y = _of(x), _of(y)
    return Complex(x.re + alpha * y.re, x.im + alpha * y.im)


def _difference(x: Complex | Tensor, y: Complex | Tensor | complex, *, alpha: float = 1) -> Complex:
    return _sum(x, y, alpha=-alpha)


def _bilinear(product: Callable) -> Callable[[Complex | Tensor, Complex | Tensor | complex], Complex]:
    """A product of complex numbers, of those of their parts; half as many if one of them is real."""

    def of(x: Complex | Tensor, y: Complex | Tensor | complex) -> Complex:
        if not isinstance(x, Complex):
            y = _of(y)
            return Complex(product(x, y.re), product(x, y.im))
        if not isinstance(y, Complex | complex):
            return Complex(product(x.re, y), product(x.im, y))
        y = _of(y)
        return Complex(product(x.re, y.re) - product(x.im, y.im), product(x.re, y.im) + product(x.im, y.re))

    return of


def _quotient(x: Complex | Tensor, y: Complex | Tensor | complex) -> Complex:
    x = _of(x)
    if not isinstance(y, Complex | complex):
        return Complex(x.re / y, x.im / y)
    y = _of(y)
    size = y.re * y.re + y.im * y.im
    return _bilinear(operator.mul)(x, Complex(y.re / size, -y.im / size))


def _from_pairs(x: Tensor) -> Complex:
    return Complex(*x.unbind(-1))


def _conjugate(x: Complex) -> Complex:
    return Complex(x.re, -x.im)


def _constant(make: Callable) -> Callable[..., Complex]:
    """A number as a tensor, of what makes real ones."""

    def of(value: complex, *, dtype: torch.dtype, **kwargs: Any) -> Complex:
        return Complex(*(make(part, dtype=REAL[dtype], **kwargs) for part in (value.real, value.imag)))

    return of


def _joined(join: Callable) -> Callable[..., Complex]:
    """Complex numbers in a row, some of which may be real."""
    return lambda xs, dim=0: Complex(*(join(parts, dim) for parts in zip(*map(_of, xs), strict=True)))


def _where(condition: Tensor, x: Complex | Tensor, y: Complex | Tensor) -> Complex:
    x, y = _of(x), _of(y)
    return Complex(torch.where(condition, x.re, y.re), torch.where(condition, x.im, y.im))


RULES: dict[Callable, Callable] = {
    aten._assert_tensor_metadata.default: lambda *args, **kwargs: None,
    aten.complex.default: Complex,
    aten.scalar_tensor.default: _constant(aten.scalar_tensor.default),
    aten.full.default: lambda size, value, **kwargs: _constant(partial(aten.full.default, size))(value, **kwargs),
    aten.polar.default: lambda size, angle: Complex(size * angle.cos(), size * angle.sin()),
    aten.view_as_complex.default: _from_pairs,
    aten.view_as_real.default: lambda x: torch.stack(x, dim=-1),
    aten.view_as_real_copy.default: lambda x: torch.stack(x, dim=-1),
    aten.real.default: operator.itemgetter(0),
    aten.imag.default: operator.itemgetter(1),
    aten.abs.default: lambda x: (x.re * x.re + x.im * x.im).sqrt(),
    aten.angle.default: lambda x: torch.atan2(x.im, x.re),
    aten._conj.default: _conjugate,
    aten._conj_physical.default: _conjugate,
    aten.conj_physical.default: _conjugate,
    aten.cat.default: _joined(torch.cat),
    aten.stack.default: _joined(torch.stack),
    aten.where.self: _where,
    aten.add.Tensor: _sum,
    aten.add.Scalar: _sum,
    aten.sub.Tensor: _difference,
    aten.sub.Scalar: _difference,
    aten.mul.Tensor: _bilinear(operator.mul),
    aten.mul.Scalar: _bilinear(operator.mul),
    aten.mm.default: _bilinear(torch.mm),
    aten.bmm.default: _bilinear(torch.bmm),
    aten.div.Tensor: _quotient,
    aten.div.Scalar: _quotient,
}
# linear in complex arguments, which the others, as indices, are not
OF_EACH_PART = frozenset(
    {
        aten.alias.default,
        aten.clone.default,
        aten.constant_pad_nd.default,
        aten.expand.default,
        aten.flip.default,
        aten.gather.default,
        aten.index.Tensor,
        aten.index_select.default,
        aten.mean.dim,
        aten.neg.default,
        aten.permute.default,
        aten.select.int,
        aten.slice.Tensor,
        aten.squeeze.dim,
        aten.squeeze.dims,
        aten.sum.default,
        aten.sum.dim_IntList,
        aten._to_copy.default,
        aten.transpose.int,
        aten.unsqueeze.default,
        aten.view.default,
    }
)
