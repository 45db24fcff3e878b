"""Whom a campaign calls next, and on which number (T2, T4, T6): booked calls first, then its lists by their weight.

Everybody is asked about anew (`check_numbers`); who may not be called is put off or given up with the reason, so that nobody
stands in the way at the head of the queue.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, update

from db.rules.campaigns import (
    NO_PREDICTIVE,
    Next,
    TargetOrder,
    TargetState,
    after_refusal,
)
from db.rules.telephony import DialMode
from db.schema.campaigns import CampaignList
from db.store import calls, debtors
from db.store import campaigns as store
from db.store.campaigns import Booking, TargetRow
from db.store.debtors import PhoneRow
from db.store.kin import Kin, kin, try_hold
from db.usecases import reach
from db.usecases.campaign_targets import Work, put
from db.usecases.eligibility import check_numbers

LOOKED_AT: Final = 25
"""So many people a claim looks at, at most (some 20 ms each): on SQLite nobody else writes meanwhile."""
_OFTEN_TRIED: Final = 3
_MUCH_BETTER: Final = 2.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The number on which a person is to be called, and its chance."""

    phone: PhoneRow
    chance: float | None


def choose(tx: Connection, work: Work, count: int) -> Iterator[tuple[TargetRow, Choice]]:
    """Up to `count` people who may be called now, each with the best number; whoever comes must be claimed at once."""
    queue, left, looks = _Queue(tx, work, count), count, min(LOOKED_AT, 5 * count + 10)
    while left > 0 and looks > 0 and (target := queue.next()) is not None:
        looks -= 1
        found = _look(tx, work, target)
        if isinstance(found, Next):
            queue.passed_over(target)
            put(tx, work, target.debtor_id, target.area, found)
        else:
            left -= 1
            yield target, found
    queue.count()


class _Queue:
    """The order in which a claim looks at people: booked calls that are due, then the lists by their weight.

    Of a list those who were put off until now come first; but after one of them was passed over somebody fresh has a turn,
    so that a thousand people who may not be called do not hold up the others.
    """

    def __init__(self, tx: Connection, work: Work, count: int) -> None:
        self._tx, self._work, self._batch = tx, work, max(2, count)
        self._recalls = store.due_recalls(tx, work.campaign.id, work.campaign.area, work.now, self._batch)
        self._lists = store.lists(tx, work.campaign.id)
        self._waiting: dict[tuple[uuid.UUID, bool], list[TargetRow]] = {}
        self._empty: set[tuple[uuid.UUID, bool]] = set()
        self._seen: set[int] = set()
        self._taken: Counter[uuid.UUID] = Counter()
        self._fresh_first = False

    def next(self) -> TargetRow | None:
        """The next to be looked at; None if there is nobody."""
        target = self._recalls.pop(0) if self._recalls else self._of_lists()
        if target is not None:
            self._seen.add(target.debtor_id)
            self._taken[target.list_id] += 1
        return target

    def passed_over(self, target: TargetRow) -> None:
        """That one was not to be called."""
        self._fresh_first = target.due_at is not None
        self._taken[target.list_id] -= 1

    def count(self) -> None:
        """Remember how many were taken of each list, so that the mix is kept over many claims."""
        for list_id, taken in sorted(self._taken.items()):
            if taken:
                mine = (CampaignList.campaign_id == self._work.campaign.id, CampaignList.list_id == list_id)
                self._tx.execute(update(CampaignList).where(*mine).values(taken=CampaignList.taken + taken))

    def _of_lists(self) -> TargetRow | None:
        def turn(list_id: uuid.UUID) -> tuple[float, uuid.UUID]:
            weight, taken = self._lists[list_id]
            return (taken + self._taken[list_id] + 1) / weight, list_id

        order = (True, False) if self._fresh_first else (False, True)
        self._fresh_first = False
        for list_id in sorted(self._lists, key=turn):
            for is_fresh in order:
                if (target := self._pop(list_id, is_fresh=is_fresh)) is not None:
                    return target
        return None

    def _pop(self, list_id: uuid.UUID, *, is_fresh: bool) -> TargetRow | None:
        source = (list_id, is_fresh)
        waiting = self._waiting.setdefault(source, [])
        if not waiting and source not in self._empty:
            found = self._fetch(list_id, is_fresh=is_fresh)
            waiting += [row for row in found if row.debtor_id not in self._seen]
        if not waiting:
            self._empty.add(source)
            return None
        return waiting.pop(0)

    def _fetch(self, list_id: uuid.UUID, *, is_fresh: bool) -> Sequence[TargetRow]:
        campaign_id = self._work.campaign.id
        if is_fresh:
            return store.fresh(self._tx, campaign_id, list_id, self._batch)
        return store.due_again(self._tx, campaign_id, list_id, self._work.now, self._batch)


def _look(tx: Connection, work: Work, target: TargetRow) -> Choice | Next:
    """Whether a person is to be called now, and on which number; or what becomes of them instead."""
    of = kin(tx, target.debtor_id)
    booking = store.booked(tx, target.debtor_id, target.area)
    if booking is not None and not (booking.anyones and booking.due_at <= work.now):
        return Next(TargetState.OPEN, max(booking.due_at, work.now + timedelta(hours=1)), "recall")
    if booking is None and store.reached_since(tx, of.person, target.area, target.since):
        return Next(TargetState.DONE, reason="reached")
    phones = debtors.phones(tx, work.actor, target.debtor_id)
    allowed, refused = _numbers(tx, work, target, of, phones)
    if not allowed:
        return _least(refused)
    return _best(tx, work, target, of, allowed, booking)


def _numbers(
    tx: Connection, work: Work, target: TargetRow, of: Kin, phones: Sequence[PhoneRow]
) -> tuple[list[PhoneRow], list[Next]]:
    """The numbers that may be called, and of each other what it means for the person."""
    ids = [phone.id for phone in phones]
    decisions = check_numbers(tx, work.actor, target.debtor_id, target.area, ids, work.now, work.office)
    allowed: list[PhoneRow] = []
    refused: list[Next] = []
    for phone in phones:
        codes = [reason.code for reason in decisions[phone.id].reasons]
        until = left_alone_until(tx, work, of, phone.number) if not codes else None
        if codes:
            refused.append(after_refusal(codes, work.now, work.days))
        elif until is not None:
            refused.append(Next(TargetState.OPEN, until, "abandoned"))
        else:
            allowed.append(phone)
    return allowed, refused


def _least(refused: Sequence[Next]) -> Next:
    """What the numbers together mean: the soonest that any may be tried again, or the end."""
    if not refused:
        return Next(TargetState.GIVEN_UP, reason="no_number")
    done = [one for one in refused if one.state is TargetState.DONE]
    later = [one for one in refused if one.due_at is not None]
    return done[0] if done else min(later, key=lambda one: str(one.due_at)) if later else refused[0]


def _best(
    tx: Connection, work: Work, target: TargetRow, of: Kin, phones: Sequence[PhoneRow], booking: Booking | None
) -> Choice | Next:
    """The number most likely to reach the person, held against everybody else; put off if another hour is much better."""
    contacts = debtors.contacts(tx, work.actor, target.debtor_id)
    known = reach.of_phones(tx, phones, contacts, work.now, work.office, work.policy)
    wanted = booking.phone_id if booking is not None else None
    phone = max(phones, key=lambda one: (one.id == wanted, known[one.id].now or 0.0))
    what = known[phone.id]
    by_time = work.campaign.settings.order is TargetOrder.BEST_TIME and target.due_at is None and booking is None
    if by_time and what.tried >= _OFTEN_TRIED and what.best_chance > _MUCH_BETTER * (what.now or 0.0):
        return Next(TargetState.OPEN, work.days.slot_begins(what.best, work.now), "better_time")
    if not try_hold(tx, of, phone.number) or calls.being_called(tx, of.home, phone.number):
        return after_refusal(["busy"], work.now, work.days)
    return Choice(phone, what.now)


def left_alone_until(tx: Connection, work: Work, of: Kin, number: str) -> datetime | None:
    """Until when a person is not dialled predictively, because they answered and found nobody."""
    if work.campaign.settings.mode is not DialMode.PREDICTIVE:
        return None
    at = store.abandoned_since(tx, of.person, number, work.now - NO_PREDICTIVE)
    return None if at is None else at + NO_PREDICTIVE
