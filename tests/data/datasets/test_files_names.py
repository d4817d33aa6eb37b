"""Names of classes and targets: what the field writes is taken, what no table, plot or file can show is refused."""

import pytest

from hepexp.data.datasets.files.info import info_of
from hepexp.data.datasets.files.names import check_names
from hepexp.errors import ConfigError
from hepexp.metric import in_key

P4 = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": 0}
USUAL = ["QCD", "H->bb", "t→bqq'", "τ", "W+", "K/π", "$t\\bar{t}$", "t#bar{t}+jets", "H(bb)", "log(y)/x"]
NOT = ["../../x", ".x", "", " ", "a\nb", "\x1b[31m", "x" * 101, "${oc.env:HOME}"]


def test_names_of_the_field_are_taken_and_become_parts_of_keys_and_files():
    check_names("dataset.classes", USUAL)
    assert [in_key(name) for name in ("QCD", "H->bb", "K/π", "log(y)/x")] == ["QCD", "H-_bb", "K_π", "log_y__x"]


@pytest.mark.parametrize("name", NOT)
@pytest.mark.parametrize("key", ["classes", "targets", "element_targets", "pair_targets", "element_classes", "files"])
def test_a_name_that_cannot_be_shown_is_refused_before_anything_is_read(key, name):
    given = {"files": ["none.parquet"], "p4": P4, "label": "y", "classes": {"a": 0, "b": 1}, "element_label": "z"}
    given["element_classes"] = {"c": 0, "d": 1}
    if key == "files":
        del given["label"], given["classes"]
    values = {"classes": {name: 0, "b": 1}, "element_classes": {name: 0, "b": 1}, "files": {name: ["a.root"]}}
    with pytest.raises(ConfigError, match=f"dataset.{key}: a name is at most 100 printable characters") as refused:
        info_of("mine", given | {key: values.get(key, {name: "pt"})})
    assert len(str(refused.value)) < 250


def test_names_that_would_be_one_in_the_figures_are_refused():
    with pytest.raises(ConfigError, match=r"'a>' and 'a<' are both 'a_' in the names of figures"):
        check_names("dataset.classes", ["a>", "a<"])
