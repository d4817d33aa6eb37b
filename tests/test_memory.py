"""Sizes in words, and what does not fit."""

import os
import platform
import subprocess
import sys

import pytest
import torch

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


def test_what_a_gpu_holds_is_compared_with_its_own_memory(monkeypatch):
    monkeypatch.setattr("hepexp.memory.total_of_gpu", lambda device: 10**9)
    require(10**9, "as much", "use less", torch.device("cuda"))
    with pytest.raises(ConfigError, match=r"^more needs 1 GB of memory and its GPU has 1 GB: use less$"):
        require(10**9 + 1, "more", "use less", torch.device("cuda"))
    require(10**9 + 1, "more", "use less", torch.device("cpu"))


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="of the allocator of glibc")
def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    program = """
import resource
from hepexp.memory import keep_freed

def page_faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        bytearray(2**26)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

by_default = page_faults()
keep_freed()
page_faults()
print(by_default, page_faults())
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    by_default, kept = map(int, run.stdout.split())
    assert kept < 100 < by_default  # 128 pages, if they have 2 MiB
