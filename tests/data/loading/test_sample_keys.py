"""The shipped sample takes the place of the data of a training, whatever two classes that has used."""

import pytest

from hepexp.cli.data_options import composed
from hepexp.config import schema
from hepexp.config.annotations import TARGET
from hepexp.config.build import construct
from hepexp.data.find import data_sets, find_info

SAMPLES = [name for name in data_sets() if find_info(name).mini is not None]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_has_some_of_any_two_classes_in_each_split(name):
    node = composed(name, [], [])
    node |= schema.accepted(node[TARGET], {"classes": list(find_info(name).classes[:2]) or None})
    keys = construct(node, "dataset", seed=0).sample_keys()
    data = construct(node | schema.accepted(node[TARGET], keys), "dataset", seed=0)
    data.setup()
    assert all(len(split) for split in data.splits.values())
