"""Chunks cover the batch once, and threads neither reorder their results nor leave a trace."""

import threading

import pytest
import torch

from hepexp.models.layers.cache_blocking import Chunk, run, split


def test_chunks_cover_every_set_once_and_keep_to_their_size():
    lengths = sorted(torch.randint(1, 60, (50,)).tolist(), reverse=True)
    chunks = split(lengths, pairs=1000)
    assert [jet for c in chunks for jet in range(c.start, c.stop)] == list(range(50))
    assert all(c.n == lengths[c.start] for c in chunks)
    assert all((c.stop - c.start) * c.n**2 <= 1000 or c.stop - c.start == 1 for c in chunks)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_without_autograd(two_threads):
    chunks = [Chunk(k, k + 1, 1) for k in range(20)]
    results = list(run(lambda chunk: (chunk.start, torch.is_grad_enabled(), torch.get_num_threads()), chunks))
    assert results == [(chunk, (chunk.start, False, 1)) for chunk in chunks]


def test_other_threads_keep_their_number_of_torch_threads(two_threads):
    list(run(lambda chunk: None, [Chunk(0, 1, 1), Chunk(1, 2, 1)]))
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *seen] == [2, 2]


def test_an_error_in_a_chunk_is_raised(two_threads):
    def fail(chunk: Chunk):
        raise ValueError(chunk.n)

    with pytest.raises(ValueError, match="7"):
        list(run(fail, [Chunk(0, 1, 7), Chunk(1, 2, 7)]))
