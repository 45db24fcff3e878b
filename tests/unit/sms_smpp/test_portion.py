"""How much is written at a time, and how much is claimed beforehand."""

import pytest

from sms_smpp.portion import HELD, LEAST, MOST, Flow, Portion


@pytest.mark.req("S6")
def test_a_portion_is_what_is_written_before_the_register_is_wanted_by_others() -> None:
    portion = Portion()
    for _ in range(20):
        portion.took(portion.size, portion.size * 0.0001)
    assert portion.size == MOST
    portion.took(MOST, 2 * HELD)
    assert portion.size == MOST // 2
    portion.took(1, HELD / 2)  # says nothing of a full one
    assert portion.size == MOST // 2
    for _ in range(20):
        portion.took(portion.size, 1.0)
    assert portion.size == LEAST


@pytest.mark.req("S6")
def test_a_slow_carriers_messages_are_not_claimed_beforehand() -> None:
    """What is claimed is in doubt when the process is killed."""
    flow = Flow(0.0)
    flow.ended = 10
    flow.look(1.0)
    assert flow.ahead == 0
    flow.ended = 2_000
    flow.look(2.0)
    assert flow.ahead == 100
    flow.ended = 100_000
    flow.look(3.0)
    assert flow.ahead == MOST
    flow.look(4.0)
    assert flow.ahead == 0
