"""The SMPP link against SMSCs that others wrote."""

import asyncio
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import smpp34

from saikoku.lab.asterisk import free_port
from sms_smpp.errors import BindRefused, LinkLost
from sms_smpp.link import SmppLink
from sms_smpp.pdu import Address, Delivery, Queried, Submission
from sms_smpp.receipts import Fate, Receipt, id_candidates, id_key, receipt_of, text_of
from sms_smpp.routes import Message, Route, Routes
from sms_smpp.values import Accepted, NotSent, Refused, Unknown
from tests.live.cable import Cable
from tests.live.smscs import PATIENCE_SECONDS, Store, bound, drive_smpp, node_smsc, settings

SENDER = Address("0422112233", 2)
ROUTE = Route("node", SENDER, validity="000001000000000R")


def receipts(arrivals: object) -> list[Receipt]:
    return [found for arrival in arrivals if isinstance(arrival, Delivery) and (found := receipt_of(arrival))]  # type: ignore[attr-defined]


def replies(arrivals: object) -> list[str]:
    return [text_of(arrival) for arrival in arrivals if isinstance(arrival, Delivery) and not receipt_of(arrival)]  # type: ignore[attr-defined]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1, made by the openssl of this machine."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    name = ["-subj", "/CN=smsc", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *name], check=True, capture_output=True)
    return key, cert


# -- npm smpp -----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1", "S4", "S5")
async def test_messages_receipts_and_replies_over_the_npm_smsc() -> None:
    store = Store()
    async with node_smsc() as smsc, bound(smsc.port, store) as link:
        routes = Routes([(ROUTE, link)])
        long = "桜市役所です。𠮷田橋の工事のお知らせです👨‍👩‍👧。" * 5
        texts = {"+819000000000": "Hello {€} ok", "+819000000001": "no", "+819000000002": long, "+819000000003": "はい"}
        sent = {number: await routes.send(Message(number, text, 0x1FF)) for number, text in texts.items()}
        assert sent["+819000000001"].outcomes == (Refused(0x0B),)
        assert all(isinstance(outcome, Accepted) for outcome in sent["+819000000002"].outcomes)
        arrivals = await store.until(lambda all_: len(replies(all_)) == 1 and len(receipts(all_)) == 4)
        assert replies(arrivals) == ["折り返します😀"]
        ids = {
            id_key(outcome.message_id)
            for one in (sent["+819000000002"], sent["+819000000003"])
            for outcome in one.outcomes
            if isinstance(outcome, Accepted)
        }
        assert len(ids) == 4  # told in hex, reported in decimal
        assert {key for found in receipts(arrivals) for key in id_candidates(found.message_id) if key in ids} == ids
        assert {found.fate for found in receipts(arrivals)} == {Fate.DELIVERED}
        assert [event["status"] for event in await smsc.said("answered", 5)] == [0] * 5

        got = smsc.of("submit_sm")
        assert [event["text"] for event in got if event["to"].endswith("0")] == [texts["+819000000000"]]
        parts = [event for event in got if event["to"].endswith("2")]
        assert "".join(event["text"] for event in parts) == long
        assert [event["header"] for event in parts] == ["0003ff0301", "0003ff0302", "0003ff0303"]
        assert {(event["from"], event["ton"], event["receipt"]) for event in got} == {("0422112233", 1, 1)}
    assert len(smsc.of("unbind")) == 1


@pytest.mark.req("S4")
async def test_the_npm_smsc_is_asked_what_became_of_a_message() -> None:
    async with node_smsc() as smsc, bound(smsc.port, Store()) as link:
        sent = await link.submit(Submission(SENDER, Address("819000000000"), b"text"))
        assert isinstance(sent, Accepted)
        assert await link.query(sent.message_id, SENDER) == Queried(2, 0)
        assert await link.query("nobody's", SENDER) is None
    with pytest.raises(LinkLost):
        await link.query(sent.message_id, SENDER)


@pytest.mark.req("S6")
async def test_the_npm_smsc_without_room_gets_each_message_once() -> None:
    async with node_smsc() as smsc, bound(smsc.port, Store(), window=10) as link:
        numbers = [f"8190{number:06d}4" for number in range(100)]
        outcomes = await asyncio.gather(
            *(link.submit(Submission(SENDER, Address(number), b"text")) for number in numbers)
        )
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert Counter(event["to"] for event in await smsc.said("submit_sm", 100)) == Counter(numbers)


@pytest.mark.req("S1")
async def test_the_npm_smsc_by_two_links() -> None:
    store = Store()
    async with node_smsc() as smsc, bound(smsc.port, store, bind="tx_rx") as link:
        assert [len(smsc.of(f"bind_{kind}")) for kind in ("receiver", "transmitter", "transceiver")] == [1, 1, 0]
        assert isinstance(await link.submit(Submission(SENDER, Address("819000000000"), b"text")), Accepted)
    assert len(await smsc.said("unbind", 2)) == 2


@pytest.mark.req("S1")
async def test_a_wrong_password_at_the_npm_smsc_ends_the_link() -> None:
    async with node_smsc() as smsc:
        wrong = SmppLink(settings(smsc.port, system_id="other"), Store())
        with pytest.raises(BindRefused, match="ESME_RINVPASWD"):
            await asyncio.wait_for(wrong.run(), PATIENCE_SECONDS)
        assert len(smsc.of("bind_transceiver")) == 1


@pytest.mark.req("S1")
async def test_the_npm_smsc_over_tls(certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    async with node_smsc(key, cert) as smsc:
        async with bound(smsc.port, Store(), tls=True, ca_file=str(cert)) as link:
            assert isinstance(await link.submit(Submission(SENDER, Address("819000000000"), b"text")), Accepted)
        stranger = SmppLink(settings(smsc.port, tls=True), Store())
        life = asyncio.create_task(stranger.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stranger.until(lambda state: "certificate" in state.reason.lower())
        life.cancel()
        await asyncio.wait([life])
        assert len(smsc.of("bind_transceiver")) == 1  # the password was told to nobody else


@pytest.mark.req("S4", "S6")
async def test_whenever_the_link_is_cut_nothing_is_sent_twice_by_itself() -> None:
    """2,000 messages over a cable that is cut 20 times: at the SMSC stands what the outcomes say."""
    async with node_smsc() as smsc, Cable(smsc.port) as cable, bound(cable.port, Store(), window=20) as link:
        waiting = {f"8190{number:06d}0" for number in range(2000)}
        unknown: set[str] = set()
        accepted: set[str] = set()
        cuts = iter(range(50, 1250, 60))
        cut_at = next(cuts)

        async def send(number: str) -> None:
            nonlocal cut_at
            outcome = await link.submit(Submission(SENDER, Address(number), b"text"))
            if isinstance(outcome, NotSent):
                return
            waiting.discard(number)
            (accepted if isinstance(outcome, Accepted) else unknown).add(number)
            if not isinstance(outcome, Accepted):
                assert isinstance(outcome, Unknown)
            if len(accepted) >= cut_at:
                cut_at = next(cuts, 10_000)
                cable.cut()

        while waiting:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await link.until(lambda state: state.up)
            await asyncio.gather(*(send(number) for number in sorted(waiting)))
        got = Counter(event["to"] for event in await smsc.said("submit_sm", len(accepted)))
        assert cut_at == 10_000
        assert len(accepted) + len(unknown) == 2000
        assert max(got.values()) == 1
        assert accepted <= set(got) <= accepted | unknown


# -- PyPI smpp34 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1", "S4", "S5")
async def test_messages_receipts_and_replies_over_the_smpp34_server() -> None:
    port, store = free_port(), Store()
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="smsc")
    await server.start()
    try:
        async with bound(port, store) as link:
            esme = await server.next()
            assert isinstance(esme, smpp34.Esme)
            assert esme.can_receive

            async def submit(number: str) -> tuple[asyncio.Task[object], smpp34.SubmitSmEvent]:
                octets = "桜市です".encode("utf-16-be")
                sending = asyncio.create_task(
                    link.submit(Submission(SENDER, Address(number), octets, 8, validity="000001000000000R"))
                )
                event = await asyncio.wait_for(server.next(), PATIENCE_SECONDS)
                assert isinstance(event, smpp34.SubmitSmEvent)
                assert (event.destination_addr, event.data_coding) == (number, 8)
                assert event.short_message.decode("utf-16-be") == "桜市です"
                return sending, event

            sending, event = await submit("819000000000")
            event.accept(message_id="4fe21a")
            assert await sending == Accepted("4fe21a")
            sending, event = await submit("819000000001")
            event.reject(smpp34.ESME_RINVDSTADR)
            assert await sending == Refused(smpp34.ESME_RINVDSTADR)
            sending, event = await submit("819000000002")
            event.reject(smpp34.ESME_RTHROTTLED)
            again = await asyncio.wait_for(server.next(), PATIENCE_SECONDS)
            again.accept(message_id="2")
            assert await sending == Accepted("2")

            tlvs = [
                smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, b"4FE21A\0"),
                smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\5"),
                smpp34.Tlv(0x1403, b"vendor"),
                smpp34.Tlv(smpp34.TLV_QOS_TIME_TO_LIVE, b"\0\0\0\1"),  # known to smpplib, and not where it stands
            ]
            told = await esme.deliver_sm("0422112233", b"", source_addr="819000000000", esm_class=4, tlvs=tlvs)
            assert told.is_success
            told = await esme.deliver_sm(
                "0422112233", "停止".encode("utf-16-be"), source_addr="819000000000", data_coding=8
            )
            assert told.is_success
            assert receipts(store.arrivals) == [Receipt("4FE21A", Fate.UNDELIVERABLE)]
            assert replies(store.arrivals) == ["停止"]
        assert isinstance(await asyncio.wait_for(server.next(), PATIENCE_SECONDS), smpp34.Unbound)
    finally:
        await server.stop()


# -- Kannel's drive_smpp ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1", "S5")
async def test_a_thousand_messages_each_way_with_kannels_driver() -> None:
    """It knows no transceiver, gives no ids, and asks after each message whether we are there."""
    port, store = free_port(), Store()
    async with drive_smpp(port, 1000), bound(port, store, bind="tx_rx") as link:
        generation = link.state.generation
        outcomes = await asyncio.gather(
            *(link.submit(Submission(SENDER, Address("819000000000"), b"%d" % number)) for number in range(1000))
        )
        assert outcomes == [Accepted("")] * 1000
        arrivals = await store.until(lambda all_: len(all_) == 1000)
        assert [arrival.octets for arrival in arrivals if isinstance(arrival, Delivery)] == [
            b"%d" % number for number in range(1, 1001)
        ]
        assert {receipt.message_id for receipt in receipts(arrivals)} == {"receipted_message_id"}
        assert link.state.generation == generation
