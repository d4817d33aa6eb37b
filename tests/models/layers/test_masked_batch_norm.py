"""Masked batch normalisation is batch normalisation of the real entries."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return 3 + 2 * torch.randn(6, 7, 5, dtype=torch.float64), torch.rand(6, 7) < 0.6


def pair() -> tuple[MaskedBatchNorm, nn.BatchNorm1d]:
    plain = nn.BatchNorm1d(5).double()
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    ours = MaskedBatchNorm(5).double()
    ours.load_state_dict(plain.state_dict())
    return ours, plain


@pytest.mark.parametrize("training", [True, False])
def test_equals_batch_norm_of_the_selected_rows(rows, training):
    x, mask = rows
    ours, plain = pair()
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    weight = torch.randn(int(mask.sum()), 5, dtype=torch.float64)
    for _ in range(2):  # the second pass sees the running estimates of the first
        left = ours.train(training)(a, mask)[mask]
        right = plain.train(training)(b[mask])
        assert_close(left, right)
    (left * weight).sum().backward()
    (right * weight).sum().backward()
    assert_close(a.grad, b.grad)
    assert_close(ours.weight.grad, plain.weight.grad)
    assert_close(ours.state_dict(), plain.state_dict())


def test_padding_of_any_size_changes_nothing(rows):
    x, mask = rows
    ours, _ = pair()
    loud = torch.where(mask[..., None], x, torch.full_like(x, 1e3))
    assert_close(ours(x, mask)[mask], ours(loud, mask)[mask])


def test_no_real_entry_gives_finite_numbers(rows):
    x, mask = rows
    ours, _ = pair()
    assert ours(x, torch.zeros_like(mask)).isfinite().all()
    assert ours.running_var.isfinite().all()


def test_bfloat16_activations_keep_float32_statistics(rows):
    x, mask = rows
    ours = MaskedBatchNorm(5)
    out = ours(x.bfloat16(), mask)
    assert out.dtype == torch.bfloat16
    assert ours.running_mean.dtype == torch.float32


def _rank(rank: int, file: str, x, mask, out):
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    torch.manual_seed(0)
    ours = MaskedBatchNorm(5).double()
    part = x[rank::2].clone().requires_grad_()
    y = ours(part, mask[rank::2])
    (y * y * y)[mask[rank::2]].sum().backward()
    out[rank] = (part.grad, ours.running_mean, ours.running_var)
    dist.destroy_process_group()


def test_two_ranks_give_the_statistics_and_gradients_of_one(rows, tmp_path):
    x, mask = rows
    with mp.Manager() as manager:
        out = manager.dict()
        mp.spawn(_rank, (str(tmp_path / "store"), x, mask, out), nprocs=2)
        ranks = [out[0], out[1]]
    ours = MaskedBatchNorm(5).double()
    whole = x.clone().requires_grad_()
    y = ours(whole, mask)
    (y * y * y)[mask].sum().backward()
    for rank, (grad, mean, var) in enumerate(ranks):
        assert_close(grad, whole.grad[rank::2])
        assert_close(mean, ours.running_mean)
        assert_close(var, ours.running_var)
