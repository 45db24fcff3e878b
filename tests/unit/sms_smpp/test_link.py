"""The life of the link to a carrier, and the end of every submission and delivery on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from sms_smpp.errors import BadField, BindRefused, NotStored
from sms_smpp.link import SmppLink
from sms_smpp.pdu import Address, Submission, header
from sms_smpp.session import Session
from sms_smpp.values import Accepted, LateAnswer, LinkSettings, NotSent, Outcome, Phase, Refused, Unknown
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon
from tests.unit.sms_smpp.scripted_smsc import (
    PASSWORD,
    Kept,
    Peer,
    ScriptedSmsc,
    message,
    number_of,
    pdu,
    running,
    up,
)
from tests.unit.sms_smpp.test_pdu import deliver_sm

THROTTLED, QUEUE_FULL, TEMPORARY, PERMANENT = 0x58, 0x14, 0x64, 0x65


def submitting(link: SmppLink, number: int = 0) -> asyncio.Task[Outcome]:
    return asyncio.create_task(link.submit(message(number)))


async def heard(peer: Peer) -> None:
    """Wait until the link has taken everything that was sent to it."""
    peer.bare("enquire_link", 4711)
    await peer.expect("enquire_link_resp")


# -- the life -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1")
async def test_nothing_is_sent_before_the_bind_is_answered(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        assert isinstance(await link.submit(message()), NotSent)
        peer = await smsc.accept()
        await peer.expect("bind_transceiver")
        assert isinstance(await soon(link.submit(message())), NotSent)
        peer.reset()
        await clock.passes(1.0)
        await up(smsc, link, 2)


@pytest.mark.req("S1")
async def test_a_wrong_password_is_never_tried_again(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(smsc, clock, kept, reports=BindRefused) as link:
        peer = await smsc.accept()
        request = await peer.expect("bind_transceiver")
        peer.raw(pdu(0x80000009, request.sequence, status=0x0E))
        await soon(link.until(lambda state: state.phase is Phase.REFUSED))
        assert "ESME_RINVPASWD" in link.state.reason
    assert PASSWORD not in caplog.text


@pytest.mark.req("S1")
async def test_a_carrier_that_still_holds_the_old_link_is_tried_again(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept) as link:
        for wait in (1.0, 2.0, 4.0, 8.0, 8.0):
            peer = await smsc.accept()
            request = await peer.expect("bind_transceiver")
            peer.raw(pdu(0x80000009, request.sequence, status=0x05))
            await clock.passes(wait)
        await up(smsc, link, 6)


def test_a_password_smpp_cannot_carry_stops_the_start(kept: Kept) -> None:
    with pytest.raises(BadField):
        SmppLink(LinkSettings("127.0.0.1", 2775, "saikoku", "123456789"), kept)


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    ("waits", "reason"), [((12.0,), "no answer to bind"), ((14.0, 15.0), "no answer to enquire_link within 15")]
)
async def test_a_silent_carrier_is_a_lost_link(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, waits: tuple[float, ...], reason: str
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await smsc.accept()
        if len(waits) > 1:
            await peer.bound()
        for wait in waits:
            await clock.passes(wait)
        await peer.closed_by_client()
        await clock.passes(1.0)
        assert reason in link.state.reason


@pytest.mark.req("S1")
async def test_a_port_where_nobody_listens_is_tried_again(clock: HeldTime, kept: Kept) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    closed = ScriptedSmsc(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    async with running(closed, clock, kept) as link:
        await clock.passes(1.0)
        await clock.passes(2.0)
        assert "no connection" in link.state.reason


@pytest.mark.req("S1")
async def test_enquiries_go_both_ways(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        for _ in range(3):
            await clock.passes(14.0)
            peer.bare("enquire_link_resp", (await peer.expect("enquire_link")).sequence)
        peer.bare("enquire_link", 99)
        assert (await peer.expect("enquire_link_resp")).sequence == 99
        assert link.state.up


@pytest.mark.req("S1")
async def test_the_carrier_may_unbind(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        peer.bare("unbind", 5)
        assert (await peer.expect("unbind_resp")).sequence == 5
        await clock.passes(1.0)
        await up(smsc, link, 2)


@pytest.mark.req("S1")
async def test_two_links_live_and_die_together(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, bind="tx_rx") as link:
        for generation in (1, 2):
            receiver = await smsc.accept()
            await receiver.bound("receiver")
            transmitter = await smsc.accept()
            await transmitter.bound("transmitter")
            await soon(link.until(lambda state: state.up))
            receiver.raw(deliver_sm(b"reply", sequence=generation))
            assert (await receiver.expect("deliver_sm_resp")).sequence == generation
            sending = submitting(link)
            transmitter.accept(await transmitter.expect("submit_sm"), "7")
            assert await soon(sending) == Accepted("7")
            (receiver if generation == 1 else transmitter).reset()
            await (transmitter if generation == 1 else receiver).closed_by_client()
            await clock.passes(float(generation))


@pytest.mark.req("S6")
async def test_stopping_waits_for_answers_and_says_goodbye(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, window=1) as link:
        peer = await up(smsc, link)
        first, second = submitting(link, 1), submitting(link, 2)
        submitted = await peer.expect("submit_sm")
        link.stop()
        assert isinstance(await soon(second), NotSent)
        peer.accept(submitted, "7")
        assert await soon(first) == Accepted("7")
        peer.bare("unbind_resp", (await peer.expect("unbind")).sequence)
        await soon(link.until(lambda state: state.phase is Phase.CLOSED))
        await peer.closed_by_client()


@pytest.mark.req("S4", "S6")
async def test_stopping_stores_what_came(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        kept.gate.clear()
        peer.raw(deliver_sm(b"reply"))
        await kept.called(1)
        link.stop()
        await clock.waited_for(16.0)
        kept.gate.set()
        await peer.expect("deliver_sm_resp")
        await peer.expect("unbind")


async def test_a_carrier_that_says_no_goodbye_holds_nobody_up(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        link.stop()
        await peer.expect("unbind")
        await clock.passes(16.0)
        await soon(link.until(lambda state: state.phase is Phase.CLOSED))


# -- submissions ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1", "S4")
async def test_answers_find_their_submissions_in_any_order(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link, number) for number in range(3)]
        submitted = {number_of(found): found for found in [await peer.expect("submit_sm") for _ in sendings]}
        peer.refuse(submitted[2], 0x0B)
        peer.bare("generic_nack", submitted[1].sequence, 3)
        peer.accept(submitted[0], "4fe21a")
        peer.accept(submitted[0], "again")  # an answer to nothing
        outcomes = await soon(asyncio.gather(*sendings))
        assert outcomes == [Accepted("4fe21a"), Refused(3), Refused(0x0B)]
        assert Refused(0x0B).reason == "ESME_RINVDSTADR"
        await heard(peer)


@pytest.mark.req("S6")
async def test_no_more_without_an_answer_than_agreed(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, window=2) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link, number) for number in range(5)]
        seen = [await peer.expect("submit_sm") for _ in range(2)]
        await heard(peer)  # nothing else came before its answer
        while seen:
            peer.accept(seen.pop(0), "1")
            if sum(not sending.done() for sending in sendings) > len(seen) + 1:
                seen.append(await peer.expect("submit_sm"))
            await heard(peer)
        assert await soon(asyncio.gather(*sendings)) == [Accepted("1")] * 5


@pytest.mark.req("S6")
async def test_submissions_are_spread(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, per_second=4.0) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link, number) for number in range(3)]
        assert number_of(await peer.expect("submit_sm")) == 0
        for number in (1, 2):
            await clock.passes(0.25)
            assert number_of(await peer.expect("submit_sm")) == number
        for sending in sendings:
            sending.cancel()


@pytest.mark.req("S6")
@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL])
async def test_a_carrier_without_room_gets_the_same_again_later(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, status: int
) -> None:
    async with running(smsc, clock, kept, window=2) as link:
        peer = await up(smsc, link)
        first, second, third = [submitting(link, number) for number in range(3)]
        both = [await peer.expect("submit_sm") for _ in range(2)]
        for submitted in both:
            peer.refuse(submitted, status)
        await heard(peer)  # the third does not go out meanwhile
        await clock.passes(0.5)
        again = [await peer.expect("submit_sm") for _ in range(2)]
        peer.refuse(again[0], status)
        peer.accept(again[1], "1")  # on its way before: it does not say that there is room
        await heard(peer)
        await clock.passes(1.0)  # asked again at once: twice as long
        both = [await peer.expect("submit_sm") for _ in range(2)]
        peer.refuse(both[0], status)
        await heard(peer)
        peer.accept(both[1], "1")
        await clock.passes(2.0)
        peer.accept(await peer.expect("submit_sm"), "1")
        assert await soon(asyncio.gather(first, second, third)) == [Accepted("1")] * 3


@pytest.mark.req("S6")
async def test_what_a_carrier_has_no_room_for_at_length_is_surely_not_sent(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link)
        submitted = await peer.expect("submit_sm")
        clock.advance(100.0)
        peer.refuse(submitted, THROTTLED)
        assert await soon(sending) == NotSent("the carrier has no room: ESME_RTHROTTLED")


@pytest.mark.req("S4", "S6")
async def test_an_answer_that_does_not_come_is_unknown_and_may_come_late(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept, window=2) as link:
        peer = await up(smsc, link)
        slow = submitting(link, 1)
        submitted = await peer.expect("submit_sm")
        await clock.passes(13.0)
        await clock.passes(13.0)
        assert await soon(slow) == Unknown("no answer within 13 s")
        peer.accept(submitted, "7")
        await kept.called(1)
        assert kept.batches == [[LateAnswer(message(1), Accepted("7"))]]
        assert link.state.up


@pytest.mark.req("S6")
async def test_a_link_whose_window_is_full_of_the_unanswered_is_remade(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept, window=2) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link, number) for number in range(3)]
        for _ in range(2):
            await peer.expect("submit_sm")
        await clock.passes(13.0)
        await clock.passes(13.0)
        outcomes = await soon(asyncio.gather(*sendings))
        assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown, NotSent]
        await peer.closed_by_client()


@pytest.mark.req("S6")
async def test_a_caller_that_is_cancelled_frees_its_place(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, window=1) as link:
        peer = await up(smsc, link)
        first, waiting = submitting(link, 1), submitting(link, 2)
        submitted = await peer.expect("submit_sm")
        first.cancel()
        waiting.cancel()
        await asyncio.wait([first, waiting])
        last = submitting(link, 3)
        peer.accept(submitted, "7")  # told as an answer that came late
        found = await peer.expect("submit_sm")
        assert number_of(found) == 3
        peer.accept(found, "8")
        assert await soon(last) == Accepted("8")


@pytest.mark.req("S6")
@pytest.mark.parametrize(
    ("status", "told"),
    [(THROTTLED, NotSent("the carrier has no room: ESME_RTHROTTLED")), (0x0B, Refused(0x0B)), (0, Accepted(""))],
)
async def test_a_caller_cancelled_as_the_answer_comes_frees_its_place(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, status: int, told: Outcome
) -> None:
    async with running(smsc, clock, kept, window=1) as link:
        peer = await up(smsc, link)
        assert isinstance(link._sender, Session)
        first = submitting(link, 1)
        submitted = await peer.expect("submit_sm")
        link._sender._take(header(pdu(0x80000004, submitted.sequence, status=status)))
        first.cancel()
        await asyncio.wait([first])
        await kept.called(1)
        assert kept.batches == [[LateAnswer(message(1), told)]]
        last = submitting(link, 2)
        if status == THROTTLED:
            await clock.passes(0.5)
        peer.accept(await peer.expect("submit_sm"), "8")
        assert await soon(last) == Accepted("8")


async def test_a_submission_smpp_cannot_carry_harms_nobody(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, window=1) as link:
        peer = await up(smsc, link)
        with pytest.raises(BadField):
            await link.submit(Submission(Address("桜市"), Address("8190"), b""))
        sending = submitting(link)
        peer.accept(await peer.expect("submit_sm"), "7")
        assert await soon(sending) == Accepted("7")


@pytest.mark.req("S6")
async def test_sequence_numbers_begin_again_and_pass_over_those_in_use(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link)]
        assert (await peer.expect("submit_sm")).sequence == 2
        assert isinstance(link._sender, Session)
        link._sender._sequence = 0x7FFFFFFE
        sendings += [submitting(link) for _ in range(3)]
        assert [(await peer.expect("submit_sm")).sequence for _ in range(3)] == [0x7FFFFFFF, 1, 3]
        for sending in sendings:
            sending.cancel()


# -- the link is lost at every point of the exchange -------------------------------------------------------------------------


@pytest.mark.req("S6")
@pytest.mark.parametrize("answered", range(31))
async def test_whatever_part_of_the_answer_came(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, answered: int) -> None:
    """A reset after each byte of a response: unknown until all of it is there, and never submitted again."""
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link)
        submitted = await peer.expect("submit_sm")
        response = pdu(0x80000004, submitted.sequence, b"0123456789abc\0")
        assert len(response) == 30
        peer.raw(response[:answered])
        await peer.close()
        outcome = await soon(sending)
        assert outcome == (
            Accepted("0123456789abc") if answered >= 30 else Unknown("the carrier closed the connection")
        )
        await clock.passes(1.0)
        again = await up(smsc, link, 2)
        await heard(again)


@pytest.mark.req("S6")
async def test_what_waits_for_its_turn_is_surely_not_sent(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, window=1) as link:
        peer = await up(smsc, link)
        sendings = [submitting(link, number) for number in range(4)]
        await peer.expect("submit_sm")
        peer.reset()
        outcomes = await soon(asyncio.gather(*sendings))
        assert [type(outcome) for outcome in outcomes] == [Unknown, NotSent, NotSent, NotSent]


@pytest.mark.req("S6")
async def test_what_waits_for_room_or_a_turn_is_surely_not_sent(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept, per_second=4.0) as link:
        peer = await up(smsc, link)
        first, paced = submitting(link, 1), submitting(link, 2)
        peer.refuse(await peer.expect("submit_sm"), THROTTLED)
        await heard(peer)
        peer.reset()
        await soon(link.until(lambda state: not state.up))
        await clock.passes(0.25)
        outcomes = await soon(asyncio.gather(first, paced))
        assert [type(outcome) for outcome in outcomes] == [NotSent, NotSent]


# -- what a peer may do to us ---------------------------------------------------------------------------------------------------


@pytest.mark.req("S1")
@pytest.mark.parametrize("length", [0, 15, 100_000, 0xFFFFFFFF])
async def test_a_length_that_cannot_be_ends_the_link(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, length: int
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link)
        await peer.expect("submit_sm")
        peer.raw(length.to_bytes(4, "big") + b"\0" * 40)
        assert (await peer.expect("generic_nack")).status == 0x02
        await peer.closed_by_client()
        assert await soon(sending) == Unknown(f"the carrier sent a PDU of {length} bytes")


@pytest.mark.req("S1")
async def test_commands_nobody_knows_are_answered_and_do_no_harm(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        for sequence in range(50):
            peer.raw(pdu(0x00010200, sequence, b"anything"))
            nack = await peer.expect("generic_nack")
            assert (nack.sequence, nack.status) == (sequence, 0x03)
        peer.raw(pdu(0x80010200, 4) + pdu(0x102, 5, b"\0") + pdu(0x0B, 6, b"\0") + pdu(0x80000000, 7))
        await heard(peer)
        assert link.state.up
    assert caplog.text.count("0x00010200") == 1


@pytest.mark.req("S1")
async def test_an_answer_of_another_kind_is_no_answer(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link)
        submitted = await peer.expect("submit_sm")
        peer.bare("enquire_link_resp", submitted.sequence)
        peer.accept(submitted, "7")
        assert await soon(sending) == Accepted("7")


@pytest.mark.req("S1")
async def test_a_peer_that_reads_nothing_is_not_read(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    """Else the answers to its own enquiries would fill the memory."""
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        assert isinstance(link._sender, Session)
        wire = link._sender._wire
        assert wire._transport is not None
        flood = pdu(0x15, 1) * 4096
        while wire._transport.is_reading():
            if peer._writer.transport.get_write_buffer_size() < len(flood):
                peer.raw(flood)
            await asyncio.sleep(0)
        assert wire._transport.get_write_buffer_size() < 2 * 256 * 1024
        assert not wire.writable.is_set()
        sending = submitting(link)
        await clock.passes(14.0)
        await clock.passes(15.0)
        assert isinstance(await soon(sending), NotSent)


# -- deliveries -----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4", "S5")
async def test_a_delivery_is_acknowledged_once_it_is_stored(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        kept.gate.clear()
        peer.raw(deliver_sm(b"1", sequence=1))
        await kept.called(1)
        peer.raw(deliver_sm(b"2", sequence=2) + deliver_sm(b"3", sequence=3))
        await heard(peer)  # no answer yet
        kept.gate.set()
        answers = [await peer.expect("deliver_sm_resp") for _ in range(3)]
        assert [(answer.sequence, answer.status) for answer in answers] == [(1, 0), (2, 0), (3, 0)]
        assert [len(batch) for batch in kept.batches] == [1, 2]
        assert kept.texts == [b"1", b"2", b"3"]


@pytest.mark.req("S4")
async def test_a_receipt_may_come_before_the_answer(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link)
        submitted = await peer.expect("submit_sm")
        peer.raw(deliver_sm(b"id:7 stat:DELIVRD", esm_class=4))
        await peer.expect("deliver_sm_resp")
        peer.accept(submitted, "7")
        assert await soon(sending) == Accepted("7")


@pytest.mark.req("S4", "S6")
async def test_what_could_not_be_stored_is_asked_for_again(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        kept.error = NotStored("the register is locked")
        for status in (TEMPORARY, 0):
            peer.raw(deliver_sm(b"1"))
            assert (await peer.expect("deliver_sm_resp")).status == status


@pytest.mark.req("S6")
async def test_a_bug_in_the_store_ends_the_link_loudly(smsc: ScriptedSmsc, clock: HeldTime, kept: Kept) -> None:
    async with running(smsc, clock, kept, reports=ZeroDivisionError) as link:
        peer = await up(smsc, link)
        kept.error = ZeroDivisionError()
        peer.raw(deliver_sm(b"1"))
        assert await peer.read() is None  # not acknowledged


@pytest.mark.req("S4")
@pytest.mark.parametrize("stored_in_that_moment", [False, True])
async def test_a_carrier_faster_than_the_store_is_not_read_and_not_lost(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, stored_in_that_moment: bool
) -> None:
    async with running(smsc, clock, kept, deliveries=3) as link:
        peer = await up(smsc, link)
        assert isinstance(link._sender, Session)
        transport = link._sender._wire._transport
        assert transport is not None
        kept.gate.clear()
        peer.raw(b"".join(deliver_sm(sequence=number) for number in range(1, 7)))
        await kept.called(1)
        assert not transport.is_reading()
        await clock.passes(14.0)
        await clock.passes(15.0)  # our enquiry cannot be answered
        if not stored_in_that_moment:
            await clock.waited_for(14.0)
        kept.gate.set()
        await peer.expect("enquire_link")
        assert [(await peer.expect("deliver_sm_resp")).sequence for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        await heard(peer)
        assert link.state.up


@pytest.mark.req("S4")
async def test_a_delivery_that_cannot_be_read_is_refused_and_the_next_is_kept(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        peer.raw(pdu(5, 1, b"no end"))
        assert (await peer.expect("deliver_sm_resp")).status == PERMANENT
        peer.raw(deliver_sm(b"2", sequence=2))
        assert (await peer.expect("deliver_sm_resp")).status == 0
        data = b"\0\1\x01819012345678\0\2\x010422112233\0\0\0\0" + b"\x04\x24\0\2hi"
        peer.raw(pdu(0x103, 3, data))
        assert (await peer.expect("data_sm_resp")).sequence == 3
        assert kept.texts == [b"2", b"hi"]


@pytest.mark.req("S6")
@pytest.mark.parametrize("cut", [lambda peer: peer.reset(), lambda peer: peer.raw(b"\xff" * 4)])
async def test_a_link_lost_while_storing_acknowledges_nothing(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, cut: Callable[[Peer], None]
) -> None:
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        kept.gate.clear()
        peer.raw(deliver_sm(b"1"))
        await kept.called(1)
        cut(peer)
        await clock.passes(1.0)
        kept.gate.set()
        again = await up(smsc, link, 2)
        again.raw(deliver_sm(b"1"))
        assert (await again.expect("deliver_sm_resp")).status == 0


async def test_nothing_personal_is_logged(
    smsc: ScriptedSmsc, clock: HeldTime, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(smsc, clock, kept) as link:
        peer = await up(smsc, link)
        sending = submitting(link, 12345678)
        peer.refuse(await peer.expect("submit_sm"), 0x0B)
        await soon(sending)
        peer.raw(deliver_sm(b"himitsu") + pdu(5, 3, b"himitsu"))
        await peer.expect("deliver_sm_resp")
        await peer.close()
        await soon(link.until(lambda state: not state.up))
    assert "12345678" not in caplog.text
    assert "himitsu" not in caplog.text
    assert PASSWORD not in caplog.text
