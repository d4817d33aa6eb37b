"""The operations that take the place of others are equal to them, in double precision."""

import numpy as np
import torch
from torch.testing import assert_close

from hepexp.export import operations


def plane(n=400):
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, n, generator=g, dtype=torch.float64)
    small = torch.tensor([0.0, 0.0, 1.0, -1.0, 1e-9, -1e-9, 300.0], dtype=torch.float64)
    other = torch.tensor([1.0, -1.0, 0.0, 0.0, 500.0, -500.0, 1e-7], dtype=torch.float64)
    return torch.cat([x, small]), torch.cat([y, other])


def test_the_angle_has_all_digits_of_double_precision():
    y, x = plane()
    assert_close(operations.atan2(y, x), torch.atan2(y, x), rtol=1e-14, atol=1e-15)


def test_asinh_has_all_digits_near_zero_too():
    x, _ = plane()
    assert_close(operations.asinh(x), torch.asinh(x), rtol=1e-7, atol=1e-15)  # log1p rounds to 1e-16


def test_hypot_copysign_and_distances_are_those_of_torch():
    x, y = plane()
    assert_close(operations.hypot(x, y), torch.hypot(x, y), rtol=1e-14, atol=0)
    assert_close(operations.copysign(x, y), torch.copysign(x, y))
    a = torch.stack([x, y], dim=1)
    assert_close(operations.cdist(a, a, 2.0, 2), torch.cdist(a, a, compute_mode="donot_use_mm_for_euclid_dist"))


def test_tiny_numbers_are_added_exactly():
    """The runtime takes them for 0, and leaves x + 1e-9 out: a quotient of zeros would not be a number."""
    x, _ = plane()
    for small in (1e-9, -3e-12, 1e-20):
        assert torch.equal(operations.add(x, small), x + small)
        assert torch.equal(operations.add(x.float(), small), x.float() + small)
    assert operations.add(x, 1e-3) is operations.add(x, x) is NotImplemented


def test_tiny_numbers_are_kept_in_a_file():
    import io

    import onnxruntime

    class Share(torch.nn.Module):
        def forward(self, x):
            return x / (x.sum(1, keepdim=True) + 1e-9)

    program = operations.in_operations_of_onnx(torch.export.export(Share(), (torch.ones(2, 3),)))
    file = io.BytesIO()
    torch.onnx.export(program, dynamo=True, verbose=False, optimize=False, input_names=["x"]).save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.zeros((2, 3), np.float32)})
    np.testing.assert_array_equal(found, 0)


def test_equal_values_keep_their_order_in_onnxruntime(tmp_path):
    """A sort that is stable breaks ties by position: what nearest neighbours on a grid of pixels depend on."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    x = np.random.default_rng(0).integers(0, 3, (5, 40)).astype(np.float32)
    node = helper.make_node("TopK", ["x", "k"], ["values", "indices"], axis=1, largest=0, sorted=1)
    graph = helper.make_graph(
        [node],
        "sort",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "n"]), helper.make_tensor_value_info("k", 7, [1])],
        [helper.make_tensor_value_info("indices", TensorProto.INT64, ["b", "n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["indices"], {"x": x, "k": np.array([40])})
    np.testing.assert_array_equal(found, x.argsort(axis=1, kind="stable"))
