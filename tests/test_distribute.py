"""Pieces of work beside one another."""

import time

import pytest

from acyclome.distribute import run_pieces


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_pieces_and_every_one_is_told(threads):
    told = []
    assert run_pieces(lambda piece: piece**2, range(20), threads, told.append) == [piece**2 for piece in range(20)]
    assert told == list(range(1, 21))


def test_after_a_failure_the_pieces_that_wait_are_not_computed():
    seen = []

    def work(piece):
        seen.append(piece)
        time.sleep(0.01)
        if piece == 0:
            raise KeyError(piece)

    with pytest.raises(KeyError):
        run_pieces(work, range(200), 2, lambda _: None)
    assert len(seen) < 100
