"""The call bar and its buttons (T3): duty, calls, and what other people's ids are good for."""

import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from db.rules.telephony import CallState
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.calls import Attempt, Call, Duty
from db.schema.ops import Command
from db.schema.people import Phone
from db.usecases import calls, duty
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Browser, Panel


@dataclass
class Desk:
    """An operator at a desk, with a person to call."""

    viewer: Viewer
    browser: Browser
    debtor_id: int
    phone_id: int

    def form(self) -> dict[str, str]:
        """The form of the call button."""
        return {"debtor_id": str(self.debtor_id), "phone_id": str(self.phone_id), "area": "tax"}


async def desk(panel: Panel, login: str = "sato", seat: str = "1001", name: str = "山田 太郎") -> Desk:
    """An operator whose phone is up."""
    viewer = panel.user(login)
    panel.small.seat(seat)
    debtor_id = panel.small.debtor(name, phone=f"+8190111122{panel.small.made:02d}")
    browser = await panel.browser(login)
    assert (await browser.post("/duty/start", {"seat": seat}))[0] == 204
    with panel.database.write() as tx:
        leg = tx.execute(select(Duty.leg_id).where(Duty.user_id == viewer.user_id)).scalar_one()
        duty.leg_answered(tx, leg, NOW)
        phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalar_one()
    return Desk(viewer, browser, debtor_id, phone_id)


async def talking(panel: Panel, at: Desk) -> uuid.UUID:
    """Place a call and let the person answer."""
    status, text, _ = await at.browser.post("/calls", at.form())
    assert status == 204, text
    with panel.database.write() as tx:
        call_id: uuid.UUID = tx.execute(
            select(Call.id).where(Call.user_id == at.viewer.user_id).order_by(Call.id.desc()).limit(1)
        ).scalar_one()
        assert calls.authorize(tx, call_id, NOW, OFFICE) is not None
        calls.ringing(tx, call_id, NOW)
        calls.joined(tx, call_id, NOW)
    return call_id


@pytest.mark.req("T3")
async def test_a_day_on_duty(panel: Panel) -> None:
    at = await desk(panel)
    for path, form, word in (
        ("/duty/pause", {"reason": "昼休み"}, "離席（昼休み）"),
        ("/duty/resume", {}, "待機"),
        ("/duty/end", {}, "業務外"),
    ):
        status, text, _ = await at.browser.post(path, form)
        assert status == 204, text
        assert word in (await at.browser.fragment("/live/bar"))[1]


@pytest.mark.req("T3")
async def test_the_bar_follows_a_call_and_asks_for_its_result(panel: Panel) -> None:
    at = await desk(panel)
    call_id = await talking(panel, at)
    _, text, _ = await at.browser.fragment("/live/bar")
    assert "通話中" in text
    assert "山田 太郎 様" in text
    assert "090-1111-2200" in text
    for path, answer in (("hold", 204), ("hangup", 204)):
        assert (await at.browser.post(f"/calls/{call_id}/{path}"))[0] == answer
    with panel.database.write() as tx:
        assert tx.execute(select(Command.kind).order_by(Command.id)).scalars().all()[-2:] == [
            "call.hold",
            "call.hangup",
        ]
        calls.ended(tx, call_id, NOW, 16)
    _, text, _ = await at.browser.fragment("/live/bar")
    assert "後処理" in text
    assert "結果を登録してください" in text
    status, text, _ = await at.browser.post("/duty/end")
    assert status == 409
    assert "結果を登録してから" in text


@pytest.mark.req("T3")
async def test_a_button_that_came_too_late_says_why(panel: Panel) -> None:
    at = await desk(panel)
    call_id = await talking(panel, at)
    with panel.database.write() as tx:
        calls.ended(tx, call_id, NOW, 16)
    status, text, _ = await at.browser.post(f"/calls/{call_id}/hangup")
    assert status == 409
    assert "終了" in text


@pytest.mark.req("T3")
async def test_a_second_user_on_a_seat_is_told_who_has_it(panel: Panel) -> None:
    await desk(panel, "sato")
    panel.user("suzuki")
    other = await panel.browser("suzuki")
    assert "satoさんさん使用中" in (await other.fragment("/live/bar"))[1]
    status, text, _ = await other.post("/duty/start", {"seat": "1001"})
    assert status == 409
    assert "satoさん" in text
    status, text, _ = await other.post("/duty/start", {"seat": "9999"})
    assert status == 409
    assert "席を選び直して" in text


@pytest.mark.req("T3")
async def test_one_user_in_two_browsers_sees_one_state(panel: Panel) -> None:
    at = await desk(panel)
    second = await panel.browser("sato")
    await talking(panel, at)
    bars = [(await one.fragment("/live/bar"))[1].replace(one.csrf, "") for one in (at.browser, second)]
    assert bars[0] == bars[1]
    assert "通話中" in bars[0]
    status, text, _ = await second.post("/calls", at.form())
    assert status == 409, "there is one operator, whatever the number of browsers"
    assert "通話中のため架電できません" in text


@pytest.mark.req("C1")
async def test_other_peoples_calls_are_like_calls_that_do_not_exist(panel: Panel) -> None:
    at = await desk(panel)
    call_id = await talking(panel, at)
    thief = await desk(panel, "suzuki", "1002")
    answers = set()
    for one in (str(call_id), str(uuid.uuid4()), "1", "..%2f"):
        for path in ("hangup", "hold", "resume"):
            status, text, _ = await thief.browser.post(f"/calls/{one}/{path}")
            answers.add((status, text))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    with panel.database.read() as tx:
        assert tx.execute(select(Call.state).where(Call.id == call_id)).scalar_one() is CallState.TALKING


@pytest.mark.req("C1", "T3")
async def test_only_a_number_of_the_persons_own_record_is_dialled(panel: Panel) -> None:
    at = await desk(panel)
    health = panel.small.debtor(area=Area.HEALTH, phone="+819033334444")
    with panel.database.read() as tx:
        foreign = tx.execute(select(Phone.id).where(Phone.debtor_id == health)).scalar_one()
    for form in (
        at.form() | {"phone_id": str(foreign)},
        at.form() | {"phone_id": "999999"},
        at.form() | {"debtor_id": str(health), "phone_id": str(foreign)},
        {"debtor_id": str(health), "phone_id": str(foreign), "area": "health"},
        at.form() | {"phone_id": "090-1111-2222"},
        at.form() | {"area": "everything"},
    ):
        assert (await at.browser.post("/calls", form))[0] in {403, 404, 422}, form
    with panel.database.read() as tx:
        assert tx.execute(select(Attempt.id)).all() == []


@pytest.mark.req("T3")
@pytest.mark.parametrize("name", ["O'Neill <b>\"&", "😀 太郎", "葛\U000e0100城 花子"])
async def test_any_name_stands_in_the_bar_as_it_is(panel: Panel, name: str) -> None:
    at = await desk(panel, name=name)
    await talking(panel, at)
    _, text, _ = await at.browser.fragment("/live/bar")
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace("'", "&#39;").replace('"', "&#34;")
    assert f"{escaped} 様" in text


@pytest.mark.req("T3")
async def test_a_call_placed_without_the_script_leads_to_the_record(panel: Panel) -> None:
    at = await desk(panel)
    status, _, headers = await at.browser.post("/calls", at.form(), script=False)
    assert (status, headers["Location"]) == (303, f"/debtors/{at.debtor_id}")
