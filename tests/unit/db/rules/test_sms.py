"""What the parts of a message make of the whole, and what a reply that refuses looks like."""

import pytest

from db.rules.sms import BEFORE, FINAL, SmsState, is_opt_out, message_state

Q, A, D, F, E, U = (
    SmsState.QUEUED, SmsState.ACCEPTED, SmsState.DELIVERED, SmsState.FAILED, SmsState.EXPIRED, SmsState.UNKNOWN,
)  # fmt: skip


@pytest.mark.req("S4")
@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([Q, Q], Q), ([A], A), ([A, A], A), ([D, A], A), ([D, D], D), ([A, Q], U), ([D, Q], U), ([E, Q], E),
        ([U, Q], U), ([A, U], U), ([D, U], U), ([U, F], F), ([D, E], E), ([E, F], F), ([F, Q], F),
    ],
)  # fmt: skip
def test_the_whole_is_as_good_as_its_worst_part(parts: list[SmsState], whole: SmsState) -> None:
    assert message_state(parts) is whole
    assert message_state(parts[::-1]) is whole


@pytest.mark.req("S4", "S6")
def test_nothing_comes_back_from_a_final_state_or_is_sent_again() -> None:
    assert not any(before & FINAL for before in BEFORE.values())
    assert Q not in BEFORE
    assert SmsState.SUBMITTING not in BEFORE


@pytest.mark.req("S3", "S5")
@pytest.mark.parametrize(
    ("reply", "refuses"),
    [("停止", True), (" ｓｔｏｐ。", True), ("配信停止!", True), ("停止しないで", False), ("了解", False), ("", False)],
)
def test_only_a_word_alone_refuses(reply: str, refuses: bool) -> None:
    assert is_opt_out(reply) is refuses
