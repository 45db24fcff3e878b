"""The pop of a return call (T5): what it says, what can be chosen on it, and what other people's ids are good for."""

import uuid
from dataclasses import dataclass, field

import pytest
from sqlalchemy import insert, select

from db.rules.callers import ADVICE, Caller, CallerKind
from db.rules.telephony import DutyState, EndedBy
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call
from db.schema.contacts import Contact
from db.usecases import duty, giving, incoming
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

NUMBER = "+819011112222"


@dataclass
class Ringing:
    """A ready operator, their browser, and a call that came in."""

    panel: Panel
    viewer: Viewer
    browser: Browser
    call_id: uuid.UUID = field(default_factory=lambda: incoming.call_id_of("main", "1.1"))

    def rings(self, *candidates: int, number: str = NUMBER, kind: CallerKind | None = None) -> None:
        found = kind or (CallerKind.KNOWN if len(candidates) == 1 else CallerKind.SEVERAL)
        with self.panel.database.write() as tx:
            caller = Caller(found, number, Area.TAX, candidates)
            incoming.arrived(tx, self.call_id, "main", "1.1", caller, NOW, OFFICE)
            assert giving.give(tx, self.call_id, NOW)
            incoming.joined(tx, self.call_id, NOW)

    def hangs_up(self) -> None:
        with self.panel.database.write() as tx:
            incoming.gone(tx, self.call_id, NOW, OFFICE, by=EndedBy.PERSON)

    async def pop(self) -> str:
        status, text, _ = await self.browser.fragment("/live/pop")
        assert status == 200
        return text


@pytest.fixture
async def ringing(panel: Panel) -> Ringing:
    """An operator who waits."""
    viewer = panel.user("sato")
    OnTheLine(panel, viewer, 0).take_seat()
    return Ringing(panel, viewer, await panel.browser("sato"))


@pytest.mark.req("T5", "C5")
async def test_the_pop_names_who_it_may_be_and_the_letter_and_no_amount(panel: Panel, ringing: Ringing) -> None:
    person = panel.small.debtor(owes=48_000)
    with panel.database.write() as tx:
        tx.execute(
            insert(Contact).values(
                id=new_id(), debtor_id=person, area=Area.TAX, channel=Channel.LETTER, at=NOW,
                answered_by=AnsweredBy.NOBODY, disposition="no_answer", recorded_at=NOW,
            )
        )  # fmt: skip
    assert (await ringing.pop()).strip() == ""
    ringing.rings(person)
    text = await ringing.pop()
    assert "山田 太郎" in text
    assert "090-1111-2222" in text
    assert Channel.LETTER.label in text
    assert f'href="/debtors/{person}"' in text
    assert "48,000" not in text
    _, record, _ = await ringing.browser.get(f"/debtors/{person}")
    assert "48,000" not in record
    assert logged(panel, "call.pop", person) == 1
    OnTheLine(panel, ringing.viewer, person).confirm(ringing.call_id)
    assert (await ringing.pop()).strip() == ""
    _, record, _ = await ringing.browser.get(f"/debtors/{person}")
    assert "48,000" in record


@pytest.mark.req("T5")
async def test_of_several_candidates_one_is_chosen_without_leaving_the_page(panel: Panel, ringing: Ringing) -> None:
    one, other = panel.small.debtor(), panel.small.debtor("山田 花子", "ヤマダ ハナコ")
    ringing.rings(one, other)
    assert (await ringing.pop()).count("この人") == 2
    status, _, headers = await ringing.browser.post(f"/calls/{ringing.call_id}/choose", {"debtor_id": str(other)})
    assert (status, headers.get("Saikoku-Location")) == (204, None)
    text = await ringing.pop()
    assert f'href="/debtors/{other}"' in text
    assert f'href="/debtors/{one}"' not in text
    assert logged(panel, "call.choose", other) == 1


@pytest.mark.req("T5")
async def test_an_unknown_number_is_searched_and_the_choice_leads_to_the_record(panel: Panel, ringing: Ringing) -> None:
    person = panel.small.debtor("見本 一郎", "ミホン イチロウ")
    ringing.rings(number="", kind=CallerKind.HIDDEN)
    text = await ringing.pop()
    assert "番号表示なし" in text
    assert CallerKind.HIDDEN.label in text
    assert f'href="/calls/{ringing.call_id}/caller"' in text
    _, found, _ = await ringing.browser.get(f"/calls/{ringing.call_id}/caller?q=ミホン")
    assert "見本 一郎" in found
    answer = await ringing.browser.post(f"/calls/{ringing.call_id}/choose", {"debtor_id": str(person), "open": "1"})
    assert (answer[0], answer[2]["Saikoku-Location"]) == (204, f"/debtors/{person}")


@pytest.mark.req("T5")
@pytest.mark.parametrize("kind", [kind for kind in CallerKind if kind is not CallerKind.KNOWN], ids=str)
async def test_every_kind_of_caller_is_named_and_search_is_offered(ringing: Ringing, kind: CallerKind) -> None:
    ringing.rings(number="", kind=kind)
    text = await ringing.pop()
    assert kind.label in text
    assert ADVICE[kind] in text
    assert f'href="/calls/{ringing.call_id}/caller"' in text


@pytest.mark.req("T5")
async def test_a_call_of_nobody_known_is_closed_without_a_result(panel: Panel, ringing: Ringing) -> None:
    ringing.rings(kind=CallerKind.UNKNOWN)
    path = f"/calls/{ringing.call_id}/dismiss"
    status, text, _ = await ringing.browser.post(path)
    assert (status, "閉じることができます" in text) == (409, True)
    ringing.hangs_up()
    _, bar, _ = await ringing.browser.fragment("/live/bar")
    assert path in bar
    assert (await ringing.browser.post(path))[0] == 204
    with panel.database.read() as tx:
        assert duty.required(tx, ringing.viewer).state is DutyState.READY
    assert (await ringing.pop()).strip() == ""


@pytest.mark.req("T5", "C1")
async def test_other_peoples_calls_and_other_areas_people_are_not_found(panel: Panel, ringing: Ringing) -> None:
    person = panel.small.debtor()
    health = panel.small.debtor("健診 太郎", "ケンシン タロウ", area=Area.HEALTH, owes=0)
    ringing.rings(person, health)
    assert "健診" not in await ringing.pop()
    panel.user("thief")
    thief = await panel.browser("thief")
    assert (await thief.fragment("/live/pop"))[1].strip() == ""
    for browser, debtor_id in ((thief, person), (ringing.browser, health), (ringing.browser, 999_999)):
        answer = await browser.post(f"/calls/{ringing.call_id}/choose", {"debtor_id": str(debtor_id)})
        assert answer[0] == 404
    for path in ("caller", "dismiss"):
        ask = thief.get if path == "caller" else thief.post
        assert (await ask(f"/calls/{ringing.call_id}/{path}"))[0] == 404
    with panel.database.read() as tx:
        assert tx.execute(select(Call.debtor_id)).scalar_one() is None
