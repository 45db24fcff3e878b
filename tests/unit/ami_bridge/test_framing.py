"""The stream from Asterisk is cut right wherever a read ends, and whatever bytes are in it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_bridge.errors import LinkLost
from ami_bridge.wire import PACKET_BYTES, Framer, LinkProtocol, event_of
from tests.unit.ami_bridge.scripted_ami import packet

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
JAPANESE = st.text(st.sampled_from("滞納太郎さん催告😀aé, :"), min_size=1, max_size=12).map(lambda text: text + "。")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def read(chunks: list[bytes]) -> list[str]:
    framer = Framer()
    return [text for chunk in chunks for text in framer.feed(chunk)]


@pytest.mark.req("T4")
@given(names=st.lists(JAPANESE, min_size=1, max_size=6), places=st.lists(st.integers(0, 10_000), max_size=30))
def test_packets_are_the_same_however_they_are_cut(names: list[str], places: list[int]) -> None:
    data = BANNER + b"".join(packet(("Event", "Newstate"), ("CallerIDName", name)) for name in names)
    assert read(cut(data, places)) == [f"Event: Newstate\r\nCallerIDName: {name}" for name in names]


def test_byte_by_byte() -> None:
    data = BANNER + packet(("Event", "Hangup"), ("CallerIDName", "滞納 太郎"), ("Empty", ""))
    assert read([data[i : i + 1] for i in range(len(data))]) == ["Event: Hangup\r\nCallerIDName: 滞納 太郎\r\nEmpty: "]


def test_a_name_in_another_encoding_costs_only_its_own_characters() -> None:
    first = b"Event: Newstate\r\nCallerIDName: " + "太郎".encode("cp932") + b"\r\n\r\n"
    packets = read([BANNER + first + packet(("Event", "Hangup"))])
    assert packets[0].startswith("Event: Newstate\r\nCallerIDName: ")
    assert packets[1] == "Event: Hangup"


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"Aster?"])
def test_another_service_is_told_apart_at_its_first_bytes(greeting: bytes) -> None:
    with pytest.raises(LinkLost, match="not an Asterisk manager port"):
        read([greeting])


def test_a_packet_without_end_is_not_collected_for_ever() -> None:
    with pytest.raises(LinkLost, match="more than"):
        read([BANNER, b"x" * (PACKET_BYTES + 1)])


def test_a_greeting_without_end_is_not_collected_for_ever() -> None:
    with pytest.raises(LinkLost):
        read([b"Asterisk Call Manager/" + b"1" * (PACKET_BYTES + 1)])


def test_the_version_is_read() -> None:
    framer = Framer()
    assert list(framer.feed(BANNER)) == []
    assert framer.banner == "11.0.0"


async def test_repeated_headers_of_a_dialplan_event_do_no_harm() -> None:
    seen = []
    protocol = LinkProtocol(lambda message: seen.append(event_of(message, 3)))
    protocol.data_received(
        BANNER
        + packet(
            ("Event", "UserEvent"), ("ActionID", "1"), ("ActionID", "2"), ("Event", "Hangup"), ("X", "1"), ("X", "2")
        )
    )
    assert [(event.name, event.generation, event.headers.all("x")) for event in seen] == [("UserEvent", 3, ("1", "2"))]
    assert not protocol.lost.done()


async def test_lines_that_are_no_packet_are_passed_over() -> None:
    seen = []
    protocol = LinkProtocol(lambda message: seen.append(message["Event"]))
    protocol.data_received(BANNER + b"\r\n\r\n" + b"nonsense\r\n\r\n" + packet(("Event", "Hangup")))
    assert seen == ["Hangup"]
