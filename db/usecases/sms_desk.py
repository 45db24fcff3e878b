"""A message from the record (S2, S3, S7): whom it may go to, what it will look like, and sending it.

What is typed is merged, checked and cut here, by the same functions as at sending, so that what the preview shows is what goes out.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from db.rules.eligibility import Decision, Reason
from db.rules.sms import ANOTHER_HOUR
from db.rules.terms import Area, Channel, PhoneKind, Right
from db.rules.texts.draft import Draft, look, plain
from db.rules.texts.fields import merge
from db.rules.viewer import Viewer
from db.store import access_log, calls, debtors
from db.store import sms as store
from db.store.debtors import PhoneRow
from db.store.sms import MessageRow, ReplyRow, TemplateRow
from db.usecases import sms, sms_templates
from db.usecases.eligibility import check_numbers
from db.usecases.office import Office
from db.usecases.records import NotFoundError
from db.usecases.sms import Wording


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the person. `gone`: since when a carrier says that it exists no more."""

    phone: PhoneRow
    decision: Decision
    gone: datetime | None

    @property
    def mobile(self) -> bool:
        """Whether messages go to such a number at all."""
        return self.phone.kind is PhoneKind.MOBILE

    @property
    def sendable(self) -> bool:
        """Whether a message may be queued: nothing stands against it but the hour."""
        return self.mobile and not sms.for_good(self.decision)

    @property
    def waits(self) -> bool:
        """Whether it would go out later only."""
        return self.sendable and not self.decision.allowed


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form on the record offers. `texts`: each template's text as it would go out."""

    area: Area
    numbers: Sequence[Number]
    templates: Sequence[TemplateRow]
    texts: Mapping[uuid.UUID, str]

    @property
    def sendable(self) -> bool:
        """Whether there is any number to send to."""
        return any(number.sendable for number in self.numbers)


def offer(
    tx: Connection, viewer: Viewer, debtor_id: int, area: Area, city: str, now: datetime, office: Office
) -> Offer:
    """What may be sent to a person, in an area, and to which number; best number first. Logged."""
    _require(tx, viewer, debtor_id, area)
    ids = [debtor_id, *(hit.id for hit in debtors.joined(tx, viewer, debtor_id, office.today(now)))]
    once: dict[str, PhoneRow] = {}
    for row in (row for one in ids for row in debtors.phones(tx, viewer, one)):
        once.setdefault(row.number, row)
    phones = sorted(once.values(), key=lambda row: row.rank)
    keys = [phone.id for phone in phones]
    decisions = check_numbers(tx, viewer, debtor_id, area, keys, now, office, Channel.SMS) if keys else {}
    if debtor_id in calls.unproven(tx, viewer):
        decisions = {key: _withheld(decision) for key, decision in decisions.items()}
    gone = store.gone(tx, list(once))
    numbers = [Number(phone, decisions[phone.id], gone.get(phone.number)) for phone in phones]
    templates = store.templates(tx, area)
    values = sms_templates.values(tx, area, city, viewer.name)
    access_log.append(tx, viewer, now, "sms.open", debtor_id=debtor_id)
    return Offer(
        area,
        sorted(numbers, key=lambda one: not one.sendable),
        templates,
        {row.template_id: merge(row.body, values) for row in templates},
    )


def _withheld(decision: Decision) -> Decision:
    """The same answer without its reasons, which tell of debts (C5); those of the hour tell of nothing."""
    told = tuple(reason for reason in decision.reasons if reason.code in ANOTHER_HOUR)
    return decision if told == decision.reasons else Decision((*told, Reason("withheld", sms.WITHHELD)))


def draft(tx: Connection, viewer: Viewer, debtor_id: int, area: Area, typed: str, city: str, wording: Wording) -> Draft:
    """What would come of a text as typed so far."""
    _require(tx, viewer, debtor_id, area)
    text = merged(tx, viewer, area, typed, city)
    return look(text, wording.lint, wording.allowance, sms.names_of(tx, viewer, debtor_id))


def merged(tx: Connection, viewer: Viewer, area: Area, typed: str, city: str) -> str:
    """What was typed, with its fields filled in."""
    return merge(plain(typed), sms_templates.values(tx, area, city, viewer.name))


def send(
    tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, area: Area, typed: str, city: str, now: datetime,
    office: Office, wording: Wording, *, not_before: datetime | None = None,
) -> uuid.UUID:  # fmt: skip
    """Queue what was typed. Raises NotAllowedError, SmsError."""
    text = merged(tx, viewer, area, typed, city)
    return sms.queue(tx, viewer, debtor_id, phone_id, area, text, now, office, wording, not_before=not_before)


# -- what was sent, and what came back ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thread:
    """The messages to a person, newest first, and what came back to each. `masked`: whose texts are withheld."""

    messages: Sequence[MessageRow]
    replies: Mapping[uuid.UUID, Sequence[ReplyRow]]
    masked: frozenset[Area]


def thread(tx: Connection, viewer: Viewer, debtor_ids: Sequence[int], insight: Collection[Area]) -> Thread:
    """What was sent to a person under any of their numbers, and what came back; texts, and reasons, of areas in `insight` only.

    Whoever shows it has logged that the record was opened.
    """
    found = store.messages(tx, viewer, debtor_ids)
    messages = [row if row.area in insight else replace(row, body="", reason="") for row in found]
    replies: dict[uuid.UUID, list[ReplyRow]] = {}
    for row in store.replies(tx, viewer, debtor_ids):
        if row.message_id is not None:
            replies.setdefault(row.message_id, []).append(row if row.area in insight else replace(row, body=""))
    return Thread(messages, replies, frozenset(row.area for row in messages) - frozenset(insight))


def _require(tx: Connection, viewer: Viewer, debtor_id: int, area: Area) -> None:
    viewer.require(Right.SMS, area)
    if area not in debtors.areas_of(tx, viewer, debtor_id):
        raise NotFoundError
