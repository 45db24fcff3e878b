"""`check_contact`: gathers the facts and asks the one rule (C4). Every part of the system that reaches a person asks here,
when a contact is chosen and again at the last moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from db.rules.eligibility import ContactFacts, Decision, may_contact
from db.rules.terms import Area, Channel
from db.rules.viewer import Viewer
from db.store import debtors
from db.store.kin import Kin
from db.usecases.contact_facts import Target, gather
from db.usecases.office import Office

__all__ = ["Target", "check_contact", "check_each", "check_numbers", "foresee", "foresee_each"]


def check_contact(
    tx: Connection,
    actor: Viewer,
    target: Target,
    now: datetime,
    office: Office,
    *,
    deliberate: bool = False,
) -> Decision:
    """Ask whether `actor` may reach `target` now."""
    [facts] = gather(tx, actor, [target], now, office, deliberate=deliberate)
    return may_contact(facts)


def check_each(
    tx: Connection, actor: Viewer, targets: Sequence[Target], now: datetime, office: Office,
    kin: Mapping[int, Kin] | None = None,
) -> list[Decision]:  # fmt: skip
    """Ask for many in as many queries as for one, in their order; each as if none of the others were reached.

    `kin`: who is one with each, where the caller has asked in the same transaction already.
    """
    decisions: list[Decision] = []
    before: ContactFacts | None = None
    for facts in gather(tx, actor, targets, now, office, kin=kin):
        # most of a hundred have the same facts as the one before: the rule says the same of them
        decisions.append(decisions[-1] if facts == before else may_contact(facts))
        before = facts
    return decisions


def check_numbers(
    tx: Connection, actor: Viewer, debtor_id: int, area: Area, phone_ids: Iterable[int], now: datetime, office: Office,
    channel: Channel = Channel.CALL_OUT,
) -> dict[int, Decision]:  # fmt: skip
    """Ask for every number of a person at once, as a screen does."""
    ids = list(phone_ids)
    targets = [Target(debtor_id, area, channel, phone_id) for phone_id in ids]
    return dict(zip(ids, check_each(tx, actor, targets, now, office), strict=True))


def foresee(
    tx: Connection, actor: Viewer, debtor_id: int, area: Area, phone_id: int | None, at: datetime, now: datetime,
    office: Office,
) -> Decision:  # fmt: skip
    """Ask, as far as is known `now`, whether a person may be called at a later moment `at`: on one number, or on any.

    What will only be known then is taken as it would let the call pass: that data come in as usual, that the person is not
    on the line, that no emergency stop is in force. The rule itself is asked again when the call is made.
    """
    ids = [phone.id for phone in debtors.phones(tx, actor, debtor_id)] if phone_id is None else [phone_id]
    whom = Target(debtor_id, area, Channel.CALL_OUT)
    found = gather(tx, actor, [replace(whom, phone_id=one) for one in ids] or [whom], at, office, known_at=now)
    if at > now:
        found = [replace(facts, emergency_stop=False, household_in_call=False, in_call=False) for facts in found]
    return min(map(may_contact, found), key=lambda decision: len(decision.reasons))


def foresee_each(
    tx: Connection, actor: Viewer, targets: Sequence[Target], at: datetime, now: datetime, office: Office
) -> list[Decision]:
    """Ask, as far as is known `now`, for a later moment `at` of many who are to be visited.

    That data come in as usual is taken as given. A promise in force or a payment on its way `now` counts for a later day as well:
    until then it may have been kept, or have arrived.
    """
    found = gather(tx, actor, targets, at, office, known_at=now)
    if office.today(at) > office.today(now):
        present = gather(tx, actor, targets, now, office)
        found = [
            replace(
                later,
                promise_in_force=_either(later.promise_in_force, today.promise_in_force),
                paid_recently=_either(later.paid_recently, today.paid_recently),
            )
            for later, today in zip(found, present, strict=True)
        ]
    return [may_contact(facts) for facts in found]


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Whether one of two facts holds; not known unless both are."""
    return None if one is None or other is None else one or other
