import pytest

from hepexp.errors import ConfigError
from hepexp.learning.trainer import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90m", 5400), ("1h30m", 5400), ("01:30:00", 5400), (90, 5400), ("45s", 45), ("2d", 172800), ("0.5h", 1800)],
)
def test_a_duration_in_any_usual_form(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "1x", "-5m", "0", "1:2"])
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(ConfigError, match=r"trainer.time_limit must be a duration such as 90m"):
        seconds(text)
