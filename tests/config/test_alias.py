import pytest

from hepexp.config.alias import translate


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("data=qg", "dataset=qg"),
        ("data=qg,top", "dataset=qg,top"),
        ("data.batch_size=64", "dataset.batch_size=64"),
        ("+data.x=1", "+dataset.x=1"),
        ("++data.x=1", "++dataset.x=1"),
        ("~data.x", "~dataset.x"),
        ("data@second=qg", "dataset@second=qg"),
        ("database=1", "database=1"),
        ("name=data=qg", "name=data=qg"),
        ("dataset=qg", "dataset=qg"),
        ("-m", "-m"),
    ],
)
def test_data_stands_for_dataset_and_nothing_else(typed, meant):
    assert translate([typed]) == [meant]
