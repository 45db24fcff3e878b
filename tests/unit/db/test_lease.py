"""Knowing that the holder of a lease is dead."""

import os

import pytest

from db.processes import is_gone, this_process


@pytest.mark.req("P3")
def test_this_process_lives() -> None:
    assert not is_gone(this_process())
    assert this_process() != this_process()


@pytest.mark.req("P3")
def test_a_process_of_this_machine_that_ended_is_gone_even_if_its_number_was_given_away() -> None:
    machine, _, started, word = this_process().split("/")
    assert is_gone(f"{machine}/{2**30}/{started}/{word}")
    assert is_gone(f"{machine}/{os.getpid()}/1/{word}")


@pytest.mark.req("P3")
@pytest.mark.parametrize("holder", ["other-machine/1/1/a", "somebody", ""])
def test_nothing_is_known_of_other_machines(holder: str) -> None:
    assert not is_gone(holder)
