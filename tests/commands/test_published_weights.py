"""The published LorentzNet: its weights give its scores, whatever the batch."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.bench.edge_list import EdgeListLorentzNet
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.models.lorentz_net import LorentzNet
from tests.commands.shell import hepexp
from tests.jets import select
from tests.published_lorentz_net import published_forward

SIZES = {"n_hidden": 8, "n_blocks": 3}
COUNTS = {"n_train": 64, "n_val": 10, "n_test": 60}
LENGTH = 139  # to which the authors pad quark/gluon jets


@pytest.fixture(scope="module")
def jets() -> JetBatch:
    """The test jets."""
    data = QuarkGluon(source="mini", **COUNTS, seed=1)
    data.setup()
    return data.splits["test"][list(range(len(data.splits["test"])))]


@pytest.fixture(scope="module")
def published(jets) -> EdgeListLorentzNet:
    """A network of the published layout, with running statistics of these jets."""
    torch.manual_seed(3)
    net = EdgeListLorentzNet(**SIZES, n_scalars=8, n_classes=2)
    for block in net.LGEBs[:-1]:
        nn.init.normal_(block.phi_x[2].weight, std=3)  # large steps, which the clamp cuts
    nn.init.normal_(net.graph_dec[3].weight, std=10)
    with torch.no_grad():
        for _ in range(10):
            net(jets)
    return net.eval()


@pytest.fixture(scope="module")
def scores(published, jets) -> torch.Tensor:
    """Of every test jet, (60, 2), by the equations of the paper."""
    with torch.no_grad():
        logits, clamped = published_forward(published, jets, LENGTH)
    assert clamped
    scores = logits.softmax(1)
    assert scores.std(0).min() > 0.05
    return scores


def test_the_command_gives_the_published_scores(published, jets, scores, tmp_path):
    file = tmp_path / "published.pt"
    torch.save({f"module.{key}": value for key, value in published.state_dict().items()}, file)
    keys = [f"model.{key}={value}" for key, value in SIZES.items()]
    keys += [f"dataset.{key}={value}" for key, value in COUNTS.items()]
    result = hepexp(
        tmp_path, "train", "model=lorentznet", "data=qg", "model.variant=published", f"model.weights={file}",
        "trainer.max_epochs=0", "dataset.source=mini", "dataset.batch_size=7", *keys,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    table = pq.read_table(tmp_path / "runs" / "latest" / "predictions.parquet")
    order = jets.index.argsort()
    assert table["index"].to_pylist() == jets.index[order].tolist()
    found = np.stack([table["score_gluon"], table["score_quark"]], axis=1)
    assert_close(torch.from_numpy(found).float(), scores[order], rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 60])
def test_batch_size_and_order_do_not_matter(published, jets, scores, batch_size):
    model = LorentzNet(**SIZES, variant="published", n_scalars=8, n_classes=2).eval()
    model.load_state_dict(published.state_dict())
    order = torch.randperm(len(jets), generator=torch.Generator().manual_seed(batch_size))
    for rows in order.split(batch_size):
        with torch.no_grad():
            found = model(select(jets, rows.tolist())).softmax(1)
        assert_close(found, scores[rows], rtol=0, atol=1e-5)
