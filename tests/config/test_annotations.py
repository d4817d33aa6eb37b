import ast

import pytest

from hepexp.config.annotations import literals, matches, narrowed, spoken, yaml_text

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


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("int", "a whole number"),
        ("float | None", "a number or null"),
        ("bool", "true or false"),
        ("Literal['s', 'm'] | None", "s, m or null"),
        ("Literal[True, False]", "true or false"),
        ("Sequence[int]", "a list of whole numbers"),
        ("tuple[float, float]", "a list of 2 numbers"),
        ("tuple[str, ...] | str", "a list of texts or text"),
        ("str | list[list[float]]", "text or a list of lists of numbers"),
        ("Optional[Sequence[str]]", "a list of texts or null"),
        ("Mapping[Literal['a', 'b'], Sequence[float]]", "a mapping of a or b to lists of numbers"),
        ("dict[str, 'int']", "a mapping of names to whole numbers"),
        ("Path | None", "a path or null"),
    ],
)
def test_types_are_said_in_words(annotation, said):
    assert spoken(type_of(annotation)) == said


def test_what_does_not_fit_in_a_mapping_is_named_by_its_key():
    of = type_of("Mapping[str, Mapping[str, int]] | None")
    value, inner, key = narrowed({"a": {"x": 1}, "b": {"y": 2, "z": "3"}}, of, "model.k")
    assert (value, spoken(inner), key) == ("3", "a whole number", "model.k.b.z")
    assert narrowed([1], of, "model.k") == ([1], of, "model.k")
    assert (yaml_text(None), yaml_text(True), yaml_text("3")) == ("null", "true", "'3'")
