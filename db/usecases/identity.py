"""The identity gate (C5): the operator types what the person says, the server answers match or no match, and nothing else."""

import uuid
from datetime import datetime

from sqlalchemy import Connection, select, update

from db.outbox import publish
from db.reference.calendar import DateTextError, parse_date
from db.reference.kana import fold_kana
from db.rules.identity import Identity, identify
from db.rules.telephony import LIVE_CALLS
from db.rules.terms import AddressKind
from db.rules.viewer import Viewer
from db.schema.calls import Call
from db.schema.people import Address, Debtor
from db.store import access_log
from db.usecases.calls import CallError, own_call
from db.usecases.office import Office


def confirm_identity(
    tx: Connection,
    viewer: Viewer,
    call_id: uuid.UUID,
    *,
    kana: str,
    birth_date: str,
    address: str,
    now: datetime,
    office: Office,
) -> bool:
    """Compare what was said with the record; on a match the record is unmasked for this call.

    Raises CallError when the call is over, is of nobody known, or the tries are used up.
    """
    call = own_call(tx, viewer, call_id)
    if call.debtor_id is None:
        raise CallError("no_debtor", "先に対象者を選んでください。")
    if call.state not in LIVE_CALLS:
        raise CallError("call_state", "通話が終了しているため、本人確認はできません。")
    if call.identity_failures >= office.identity_tries:
        raise CallError(
            "identity_tries", f"本人確認に{office.identity_tries}回失敗しました。折り返しの案内に切り替えてください。"
        )
    found = identify(_said(kana, birth_date, address), _record(tx, call.debtor_id))
    values: dict[str, object] = (
        {"identity_confirmed_at": now} if found.matched else {"identity_failures": Call.identity_failures + 1}
    )
    tx.execute(update(Call).where(Call.id == call_id).values(**values))
    parts = " ".join(
        f"{part}{'一致' if same else '不一致'}"
        for part, same in (("氏名", found.name), ("生年月日", found.birth_date), ("住所", found.address))
    )
    access_log.append(tx, viewer, now, "call.identity", debtor_id=call.debtor_id, detail=f"通話 {call_id} {parts}")
    publish(tx, now, "call", call_id, viewer.user_id)
    return found.matched


def _said(kana: str, birth_date: str, address: str) -> Identity:
    try:
        born = parse_date(birth_date)
    except DateTextError:
        born = None
    return Identity(fold_kana(kana), born, address)


def _record(tx: Connection, debtor_id: int) -> Identity:
    row = tx.execute(select(Debtor.kana_folded, Debtor.birth_date).where(Debtor.id == debtor_id)).one()
    home = tx.execute(
        select(Address.town, Address.block, Address.building)
        .where(Address.debtor_id == debtor_id, Address.kind == AddressKind.REGISTERED, Address.valid_to.is_(None))
        .order_by(Address.id.desc())
        .limit(1)
    ).one_or_none()
    return Identity(row.kana_folded, row.birth_date, "".join(home) if home else "")
