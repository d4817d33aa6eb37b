"""Targets of each particle follow it through selection, padding, beams, graphs and the cache."""

import numpy as np
import pytest
import torch

from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.top.module import TopTagging
from hepexp.errors import ConfigError
from tests.data.small import use_small_samples


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    use_small_samples(monkeypatch)


def ready(kind=JetClass, representation="particles", **keys):
    data = kind(source="mini", batch_size=16, seed=1, **keys)
    data.represent_as(representation)
    data.setup()
    return data


@pytest.mark.parametrize("cache", [True, False])
def test_each_particle_keeps_its_own_target(cache, monkeypatch):
    if not cache:
        monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", -1)
    data = ready(element_targets=["type", "px"], n_particles=5)
    batch = data.splits["train"][[3, 0, 4]]
    assert batch.element_label.shape == batch.element_target.shape == (*batch.mask.shape, 1)
    assert batch.mask.shape[1] == 5
    # px is a target and part of the momentum: both must be of the same particle
    torch.testing.assert_close(batch.element_target[..., 0], batch.p4[..., 1].float())
    assert ((batch.element_label[..., 0] >= 0) == batch.mask).all()
    # the type is also among the scalars, one-hot behind the charge
    one_hot = batch.scalars[..., 1:6]
    assert torch.equal(one_hot.argmax(-1)[batch.mask], batch.element_label[..., 0][batch.mask])


def test_graphs_have_one_row_for_each_node():
    data = ready(representation="graph", element_targets=["type", "charge"])
    batch = data.splits["train"][[1, 2]]
    rows = data.store.take(batch.index.numpy())
    assert batch.element_label[:, 0].tolist() == rows["type"].tolist()
    assert batch.element_target[:, 0].tolist() == rows["charge"].tolist()
    real, label = data.spec.targets
    assert (real.name, real.kind, real.of) == ("charge", "real", "element")
    assert (label.name, label.kind, label.class_names[2]) == ("type", "class", "photon")
    charge = data.store.take(data.splits["train"].rows)["charge"]
    assert (real.mean, real.std) == pytest.approx((charge.mean(), charge.std()))
    assert {"element_targets.mean", "element_targets.std"} <= data.state_dict().keys()


def test_beams_have_no_target():
    data = ready(TopTagging, element_targets=["E"], beams=True)
    batch = data.splits["train"][[0, 1]]
    assert batch.element_target[:, :2].isnan().all()
    torch.testing.assert_close(batch.element_target[:, 2:, 0], batch.p4[:, 2:, 0].float())


def test_images_and_plain_data_sets_have_none_and_unknown_names_are_refused():
    assert ready().splits["train"][[0]].element_label is None
    assert ready(representation="image", element_targets=["type"]).splits["train"][[0]].element_label is None
    with pytest.raises(ConfigError, match=r"dataset\.element_targets: unknown 'typ'; did you mean type\?"):
        JetClass(source="mini", seed=1, element_targets=["typ"])
    assert np.array_equal(ready().splits["train"].counts, ready(element_targets=["type"]).splits["train"].counts)
