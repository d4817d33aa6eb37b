"""What models read is shifted, what is predicted is not; and classes that were left out can be read."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.transforms.shift import Shift
from hepexp.errors import ConfigError
from tests.data.small import use_small_samples


def test_a_split_is_served_shifted_and_then_as_it_was(monkeypatch):
    use_small_samples(monkeypatch)
    data = TopTagging(source="mini", batch_size=16, smear=0.1, targets=["mass"], seed=1)
    data.setup()
    before = data.splits["test"][[0, 1, 2]]
    data.shift(Shift("p4", "scale", 1.05), "test")
    after = data.splits["test"][[0, 1, 2]]
    assert_close(after.p4, 1.05 * before.p4)  # also where the detector smears: its noise is the same
    assert torch.equal(after.target, before.target)
    assert torch.equal(data.splits["val"][[0]].p4, data.splits["val"][[0]].p4)
    data.shift(Shift("E", "scale", 2), "test")
    assert not torch.equal(data.splits["test"][[0, 1, 2]].p4, before.p4)
    data.shift(None, "test")
    assert torch.equal(data.splits["test"][[0, 1, 2]].p4, before.p4)
    with pytest.raises(ConfigError, match=r"has no column 'd0val' \(known: p4, E, px, py, pz"):
        data.shift(Shift("d0val", "scale", 2), "test")


def test_classes_that_were_left_out_are_read_and_others_refused(monkeypatch):
    use_small_samples(monkeypatch)
    data = JetClass(source="mini", batch_size=16, classes=["Zqq", "Tbqq"], seed=1)
    data.setup()
    index = torch.cat([batch.index for batch in data.loader_of_unseen(["Hbb"])])
    names = {data.info.classes[label] for label in data.store.label[index.numpy()]}
    assert names == {"Hbb"}
    with pytest.raises(ConfigError, match="--unseen Tbqq: not a class that was left out"):
        data.check_unseen(["Tbqq"])
