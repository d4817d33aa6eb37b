import ast

import pytest

from hepexp.config.annotations import literals, matches

NODE = {"_target_": "hepexp.models.pfn.PFN"}


def type_of(text):
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("int", [3, -1], [True, 3.0, "3", None]),
        ("float", [3, 3.5, float("inf")], [True, "3", None]),
        ("bool", [True], [1, "true", None]),
        ("str", [""], [1, None, ["a"]]),
        ("int | None", [None, 1], ["a", 1.5]),
        ("Optional[int]", [None, 1], ["a"]),
        ("Union[int, str]", [1, "a"], [None, 1.5]),
        ("'int | None'", [None, 1], ["a"]),
        ("Literal['a', 1]", ["a", 1], ["b", True, 1.0]),
        ("list[int]", [[], [1, 2]], [[1, "a"], 1, "ab"]),
        ("tuple[int, ...]", [[1, 2, 3]], [["a"]]),
        ("tuple[int, str]", [[1, "a"]], [[1], [1, 2], [1, "a", 3]]),
        ("dict[str, float]", [{}, {"a": 1}], [{"a": "b"}, [1]]),
        ("list[list[float]] | Literal['minkowski']", ["minkowski", [[1, 0], [0, 1.5]]], ["euclid", [1, 2]]),
        ("Any", [1, None, "a"], [NODE]),
        ("dict", [{"a": 1}], [NODE]),
        ("torch.Tensor", [NODE], [1, "a", None]),
        ("JetImage | None", [NODE, None], [1, {"n_pixels": 3}]),
        ("dict[str, Circuit]", [{"a": NODE}, {}], [{"a": 1}, NODE]),
    ],
)
def test_values_fit_a_type_as_the_annotation_says(text, right, wrong):
    assert all(matches(value, type_of(text)) for value in right)
    assert not any(matches(value, type_of(text)) for value in wrong)


def test_a_missing_annotation_takes_every_plain_value():
    assert matches("x", None)
    assert not matches(NODE, None)


def test_values_that_a_type_lists():
    assert literals(type_of("Literal['a', 'b'] | bool | None")) == ["a", "b", True, False, None]
