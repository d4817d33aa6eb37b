"""Sizes in words, and what does not fit."""

import pytest

from hepexp.errors import ConfigError
from hepexp.memory import require, size, total


def test_sizes_have_words_however_large_they_are():
    assert [size(n) for n in (0, 4 * 10**9, 10**15)] == ["0 GB", "4 GB", "1,000,000 GB"]
    assert size(2**100) == "10^21 GB"  # 1.27e30 bytes
    assert size(2**100_000) == "10^30094 GB"


def test_only_what_does_not_fit_is_refused():
    require(total(), "all of it", "do it")
    with pytest.raises(ConfigError, match=r"^a lot needs 10\^\d+ GB of memory and this machine has .* GB: use less$"):
        require(2**1000, "a lot", "use less")
