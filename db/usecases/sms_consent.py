"""Who wants no messages, and which numbers get none (S3): noted by hand or by a reply, and lifted again.

A refusal is a flag of the person for every area: whoever refuses does not know of ours. Lifting it ends the flag; it stays as
history. Refusals that the core system told are its own to lift.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from db.outbox import publish
from db.rules.terms import FlagKind, Right
from db.rules.viewer import Viewer
from db.schema.people import Flag, Phone
from db.store import access_log, debtors, sms, summaries
from db.store.kin import person_ids
from db.usecases.office import Office
from db.usecases.records import NotFoundError

LONGEST: Final = 200


class ConsentError(Exception):
    """It cannot be noted or lifted so; `fields` says what is wrong with what was typed."""

    code = "sms_consent"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.fields = {field: message} if field else {}


def refuse(tx: Connection, viewer: Viewer, debtor_id: int, reason: str, now: datetime, office: Office) -> None:
    """Note that a person wants no more messages. Raises NotFoundError, ConsentError, NotAllowedError."""
    _require(tx, viewer, debtor_id, Right.RESULT_RECORD)
    words = _words(reason, "どのように申出があったかを入力してください。")
    if not _in_force(tx, debtor_id, office, now):
        write(tx, debtor_id, words, now, office)
    access_log.append(tx, viewer, now, "sms.refuse", debtor_id=debtor_id, detail=words)


def allow(tx: Connection, viewer: Viewer, debtor_id: int, reason: str, now: datetime, office: Office) -> None:
    """Lift a refusal. Contracted staff may not: it is the person's own word."""
    _require(tx, viewer, debtor_id, Right.SMS)
    if viewer.contracted:
        raise ConsentError("SMS拒否の解除は、職員が行います。")
    words = _words(reason, "解除の理由を入力してください。")
    flags = _in_force(tx, debtor_id, office, now)
    if any(flag.source for flag in flags):
        raise ConsentError("この拒否は基幹システムから取り込まれています。基幹システムで解除してください。")
    today = office.today(now)
    ended = update(Flag).where(Flag.id.in_([flag.id for flag in flags]))
    tx.execute(ended.values(valid_to=today - timedelta(days=1)))
    access_log.append(tx, viewer, now, "sms.allow", debtor_id=debtor_id, detail=words)
    summaries.refresh(tx, list({flag.debtor_id for flag in flags}), today)
    publish(tx, now, "debtor", debtor_id)


def number_works(tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, reason: str, now: datetime) -> None:
    """A number that a carrier said exists no more is in use after all."""
    _require(tx, viewer, debtor_id, Right.SMS)
    words = _words(reason, "確認した方法を入力してください。")
    of_person = Phone.debtor_id.in_(person_ids(tx, debtor_id))
    number = tx.execute(select(Phone.number).where(Phone.id == phone_id, of_person)).scalar_one_or_none()
    if number is None:
        raise NotFoundError
    if sms.unmark_gone(tx, number):
        access_log.append(tx, viewer, now, "sms.number_works", debtor_id=debtor_id, detail=f"{number} {words}")
        publish(tx, now, "debtor", debtor_id)


def write(tx: Connection, debtor_id: int, note: str, now: datetime, office: Office) -> None:
    """Write the flag down."""
    today = office.today(now)
    tx.execute(insert(Flag).values(debtor_id=debtor_id, kind=FlagKind.NO_SMS, valid_from=today, note=note))
    summaries.refresh(tx, [debtor_id], today)
    publish(tx, now, "debtor", debtor_id)


def _in_force(tx: Connection, debtor_id: int, office: Office, now: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    today = office.today(now)
    query = select(Flag.id, Flag.debtor_id, Flag.source).where(
        Flag.debtor_id.in_(person_ids(tx, debtor_id)),
        Flag.kind == FlagKind.NO_SMS,
        or_(Flag.valid_from.is_(None), Flag.valid_from <= today),
        or_(Flag.valid_to.is_(None), Flag.valid_to >= today),
    )
    return tx.execute(query).all()


def _require(tx: Connection, viewer: Viewer, debtor_id: int, right: Right) -> None:
    areas = debtors.areas_of(tx, viewer, debtor_id)
    if not areas:
        raise NotFoundError
    if not any(viewer.may(right, area) for area in areas):
        viewer.require(right, areas[0])


def _words(typed: str, sentence: str) -> str:
    words = " ".join(typed.replace("\0", "").split())
    if not words:
        raise ConsentError(sentence, "reason")
    if len(words) > LONGEST:
        raise ConsentError(f"{LONGEST}文字以内で入力してください。", "reason")
    return words
