"""Which carrier a message goes to, and when another may have it."""

from __future__ import annotations

import pytest

from db.rules.texts.parts import Allowance, Joining
from sms_smpp.pdu import Address, Submission
from sms_smpp.routes import Message, Route, Routes
from sms_smpp.values import Accepted, NotSent, Outcome, Refused, Unknown

SENDER = Address("0005123456", 0, 1)
LONG = "あ" * 100
GONE = NotSent("the link is down")


class Carrier:
    """Answers with what it was told, one after the other; the last stays."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.got: list[Submission] = []

    async def submit(self, submission: Submission) -> Outcome:
        self.got.append(submission)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def two(first: Carrier, second: Carrier) -> Routes:
    return Routes([(Route("a", SENDER), first), (Route("b", SENDER), second)])


@pytest.mark.req("S1")
def test_the_longest_prefix_goes_first() -> None:
    carrier = Carrier(Accepted("1"))
    routes = Routes(
        [
            (Route("all", SENDER), carrier),
            (Route("080", SENDER, ("+8180",)), carrier),
            (Route("070 and 080", SENDER, ("+8170", "+818")), carrier),
        ]
    )
    assert [route.name for route, _ in routes.for_number("+818011112222")] == ["080", "070 and 080", "all"]
    assert [route.name for route, _ in routes.for_number("+819011112222")] == ["all"]
    assert routes.for_number("+15551234567") == []


@pytest.mark.req("S6")
@pytest.mark.parametrize("outcome", [Accepted("7"), Refused(0x0B), Unknown("the carrier closed the connection")])
async def test_what_may_have_been_sent_goes_to_nobody_else(outcome: Outcome) -> None:
    first, second = Carrier(outcome), Carrier(Accepted("8"))
    sent = await two(first, second).send(Message("+819011112222", "text"))
    assert (sent.route, sent.outcomes) == ("a", (outcome,))
    assert second.got == []


@pytest.mark.req("S6")
async def test_what_was_surely_not_sent_goes_to_the_next() -> None:
    first, second = Carrier(GONE), Carrier(Accepted("8"))
    sent = await two(first, second).send(Message("+819011112222", LONG))
    assert (sent.route, sent.outcomes) == ("b", (Accepted("8"), Accepted("8")))
    assert len(first.got) == 1


@pytest.mark.req("S6")
async def test_a_message_that_was_begun_stays_with_its_carrier() -> None:
    first, second = Carrier(Accepted("7"), GONE), Carrier(Accepted("8"))
    sent = await two(first, second).send(Message("+819011112222", LONG))
    assert (sent.route, sent.outcomes) == ("a", (Accepted("7"), GONE))
    assert second.got == []


@pytest.mark.req("S6")
async def test_after_a_part_that_was_not_accepted_no_other_follows() -> None:
    first = Carrier(Refused(0x0B))
    assert (await two(first, Carrier(GONE)).send(Message("+819011112222", LONG))).outcomes == (Refused(0x0B),)
    assert len(first.got) == 1


@pytest.mark.req("S6")
async def test_a_number_without_a_route_is_surely_not_sent() -> None:
    sent = await two(Carrier(GONE), Carrier(GONE)).send(Message("+15551234567", "text"))
    assert sent.route == ""
    assert isinstance(sent.outcomes[0], NotSent)


@pytest.mark.req("S1")
def test_each_route_has_its_own_sender_form_and_validity() -> None:
    message = Message("+819011112222", LONG, reference=5, tag="row")
    first, second = Route("a", SENDER, validity="000001000000000R").submissions(message)
    assert (first.source, first.destination) == (SENDER, Address("819011112222", 1, 1))
    assert (first.validity, first.tag, first.has_header, first.data_coding) == ("000001000000000R", "row/1", True, 8)
    assert (first.octets[:6], second.octets[:6]) == (b"\5\0\3\5\2\1", b"\5\0\3\5\2\2")
    (whole,) = Route("b", SENDER, national=True, allowance=Allowance(Joining.PAYLOAD)).submissions(message)
    assert (whole.destination, whole.payload, whole.has_header) == (Address("09011112222", 2, 1), True, False)
    (short,) = Route("b", SENDER, allowance=Allowance(Joining.PAYLOAD)).submissions(Message("+819011112222", "text"))
    assert (short.octets, short.payload, short.data_coding) == (b"text", False, 0)
