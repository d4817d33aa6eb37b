"""Set2Graph has the published sizes and commutes with permutations of the tracks."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.set2graph import Set2Graph
from tests import jets


@pytest.mark.parametrize(("pairs", "count"), [("lin2", 457_449), ("lin5", 461_289)])
def test_parameters_are_the_published_ones(pairs: str, count: int):
    assert sum(p.numel() for p in Set2Graph(pairs=pairs, n_scalars=10).parameters()) == count


@pytest.mark.parametrize("pairs", ["lin2", "lin5"])
def test_commutes_with_permutations_and_ignores_padding(pairs: str):
    torch.manual_seed(0)
    model = Set2Graph(widths=[12, 12], n_hidden=8, pairs=pairs, n_scalars=8).double()
    batch, order = jets.random_jets(3, n_min=6, n_max=6), torch.tensor([3, 1, 0, 5, 2, 4])
    with torch.no_grad():
        before = model(batch)
        scalars = batch.scalars
        batch.scalars = scalars[:, order]
        torch.testing.assert_close(model(batch), before[:, order][..., order])
        batch.scalars = torch.cat([scalars, torch.full_like(scalars[:, :2], 7.0)], 1)
        batch.mask = torch.cat([batch.mask, torch.zeros(3, 2, dtype=torch.bool)], 1)
        torch.testing.assert_close(model(batch)[:, :6, :6], before)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pairs": "lin3", "n_scalars": 8}, r"model.pairs must be lin2 or lin5, got 'lin3'"),
        ({"n_channels": 0, "n_scalars": 8}, r"model.n_channels must be >= 1, got 0"),
        ({"n_scalars": 0}, r"model=set2graph reads scalars of each particle"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Set2Graph(**keys)
