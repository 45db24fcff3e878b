"""The staff of the synthetic city: a user for each kind of work, with desks to sit at; and a campaign that only waits to be started.
For the demo and for seeding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert

from db.engine import Database
from db.reference.passwords import hash_password
from db.rules.campaigns import CampaignSettings, TargetOrder
from db.rules.conditions import Amount, Group, InArea, Joining, Phone, PromiseIs, PromiseStanding
from db.rules.telephony import DialMode
from db.rules.terms import Area
from db.rules.viewer import Viewer, system_viewer
from db.schema.calls import Seat
from db.store.staff import viewer
from db.usecases import accounts, campaign_desk, saved_extractions, sms_templates, targets
from db.usecases.office import Office
from db.usecases.policies import policy_of
from db.usecases.sms import Wording
from db.usecases.sms_templates import Words

PASSWORD: Final = "Saikoku-demo-2026"  # noqa: S105 - for invented people on a loopback address only
_TAX: Final = (Area.TAX,)
_CLAIMS: Final = (Area.TAX, Area.PUBLIC, Area.PRIVATE)
_EVERY: Final = tuple(Area)


@dataclass(frozen=True, slots=True)
class DemoUser:
    """One of them."""

    login: str
    name: str
    level: str
    areas: Sequence[Area]
    contracted: bool = False


USERS: Final = (
    DemoUser("operator", "小川 奏", "operator", _TAX),
    DemoUser("operator2", "西野 葵", "operator", _TAX),
    DemoUser("contracted", "南 ひかる", "contracted_operator", _TAX, contracted=True),
    DemoUser("officer", "北原 誠", "officer", _CLAIMS),
    DemoUser("supervisor", "東 美咲", "supervisor", _CLAIMS),
    DemoUser("admin", "中央 管理", "system_admin", _EVERY),
    DemoUser("health", "春日 みどり", "officer", (Area.HEALTH, Area.SURVEY)),
)


CITY: Final = "みなと野市"
TEMPLATES: Final = (
    ("お電話のお願い", "{市名}{課名}です。お伝えしたいことがあります。{電話}（平日9時から17時）までお電話ください。"),
    ("不在のため", "{市名}{課名}の{担当者}です。先ほどお電話しました。ご都合のよいときに{電話}までお電話ください。"),
)
"""Messages that say nothing of a debt."""

CAMPAIGN: Final = "催告の電話（プレディクティブ）"
CALLERS: Final = ("operator", "operator2", "contracted")
"""Who has joined the campaign: whoever of them is ready gets the next person who answers."""
_CALLED: Final = "滞納1万円以上・約束なし・電話番号あり"
_WHOM: Final = Group(
    Joining.ALL, (InArea((Area.TAX,)), Amount(low=10_000), PromiseIs((PromiseStanding.NONE,)), Phone())
)
_SCRIPT: Final = (
    "みなと野市役所です。ご本人様でしょうか。\n（本人確認のあと）納め忘れがないかを確かめ、納付の時期と金額を伺う。"
)


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """Who was added: all by log-in name, and those who made the city's past contacts."""

    ids: dict[str, int]
    history_ids: Sequence[int]


def add_office(database: Database, now: datetime, desks: Sequence[str] = ()) -> DemoStaff:
    """Add the users, and desks whose phones are PJSIP endpoints of the same name."""
    by = system_viewer("demo")
    password_hash = hash_password(PASSWORD)
    ids = {}
    with database.write() as tx:
        for user in USERS:
            ids[user.login] = accounts.add_user(
                tx, by, now, login=user.login, name=user.name, password_hash=password_hash,
                contracted=user.contracted, must_change_password=False,
            )  # fmt: skip
            accounts.grant(tx, by, now, user_id=ids[user.login], level=user.level, areas=user.areas)
        for desk in desks:
            tx.execute(insert(Seat).values(extension=desk, name=f"席{desk}", channel=f"PJSIP/{desk}"))
    return DemoStaff(ids, [ids[login] for login in ("operator", "operator2", "contracted", "officer")])


def add_templates(database: Database, staff: DemoStaff, now: datetime, phone: str) -> None:
    """Add texts for messages of the tax desk, which ask to be called back at `phone`."""
    with database.write() as tx:
        by = _one_of(tx, staff, "supervisor")
        sms_templates.set_words(tx, by, Area.TAX, Words("お客様相談係", phone), now, Wording())
        for name, body in TEMPLATES:
            sms_templates.save(tx, by, Area.TAX, None, name, body, now, Wording(), CITY)


def add_campaign(database: Database, staff: DemoStaff, now: datetime, office: Office) -> None:
    """Save a search of the supervisor's, fix what it finds as a list, and prepare a predictive campaign over that.

    The operators have joined it; it dials nobody until the supervisor starts it. The city must be there.
    """
    with database.write() as tx:
        by = _one_of(tx, staff, "supervisor")
        draft = saved_extractions.put_draft(tx, by, _WHOM, now)
        saved_extractions.save(tx, by, draft, _CALLED, None, now)
        called = targets.freeze(tx, by, _WHOM, _CALLED, None, now, office)
        policy = policy_of(tx, Area.TAX, office)
        settings = CampaignSettings(
            name=CAMPAIGN, mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT, opens=policy.opens, closes=policy.closes,
            days=frozenset(range(7 if policy.closed_days else 5)), lines=8, calls_per_second=2.0, script=_SCRIPT,
        )  # fmt: skip
        campaign_id = campaign_desk.make(tx, by, Area.TAX, settings, {called: 1}, now, office)
        for login in CALLERS:
            campaign_desk.join(tx, _one_of(tx, staff, login), campaign_id, now)


def _one_of(tx: Connection, staff: DemoStaff, login: str) -> Viewer:
    found = viewer(tx, staff.ids[login])
    if found is None:
        raise LookupError(login)
    return found
