"""How a refusal has to look."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hepexp.data.ragged import Ragged
from hepexp.errors import DataError
from tests.data.formats.mutation import Reader

Refused = Callable[[Reader, Path, str], None]


@pytest.fixture
def refused() -> Refused:
    """A function that asserts that a reader refuses a file, in one line that names it and matches a pattern."""

    def check(read: Reader, path: Path, message: str) -> None:
        with pytest.raises(DataError, match=message) as error:
            Ragged.concatenate(read(path))
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)

    return check
