"""Targets of each particle follow it through selection, padding, beams, graphs and the cache."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.loading.element_targets import ElementTargets
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.carry import edge_target, group_target, target
from hepexp.errors import ConfigError, DataError
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


def made(group, label, edges=None):
    """Two prepared examples of two elements each, with the number of a group and a label."""
    columns = {group_target("g"): np.array(group), target("c"): np.array(label)}
    return Ragged(np.zeros(2, np.int8), np.array([0, 2, 4]), columns, edges=edges)


def edges(source, to, label):
    columns = {"source": np.array(source), "target": np.array(to), edge_target("e"): np.array(label)}
    return Ragged(np.zeros(2, np.int8), np.array([0, 1, 2]), columns)


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (made([1, 1, -1, -1], [-1, -1, -1, 0]), None),
        (made([1, -1, 2, -1], [-1, -1, -1, 0]), "target g: .*two elements whose group is known"),
        (made([1, 1, 2, 2], [-1] * 4), "target c: .*an element with a class"),
        (made([1, -1, -1, 2], [0] * 4, edges([0, 0], [1, 1], [0, -1])), "target g"),
        (made([1, 1, 2, 2], [0] * 4, edges([0, 0], [1, 1], [-1, -1])), "target e: .*0 or 1"),
        (made([1, 1, 2, 2], [0] * 4, edges([0, 0], [1, 1], [-1, 0])), None),
    ],
)
def test_what_no_training_example_has_cannot_be_learnt(examples, said):
    targets = ElementTargets(["c"], {"c": ("a", "b")}, ["g"], ["e"])
    unknown = made([-1] * 4, [-1] * 4, edges([0, 0], [1, 1], [-1, -1]))
    with nullcontext() if said is None else pytest.raises(DataError, match=said):
        targets.refuse_unknown(iter([unknown, examples]))
