"""Whom a campaign calls next, and on which number (T2, T4, T6): booked calls first, then its lists by their weight.

Everybody is asked about anew (`check_each`); who may not be called is put off or given up with the reason, so that nobody
stands in the way at the head of the queue.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import Connection, update

from db.rules.campaigns import (
    NO_PREDICTIVE,
    Next,
    TargetOrder,
    TargetState,
    after_refusal,
)
from db.rules.telephony import DialMode
from db.rules.terms import Channel
from db.schema.campaigns import CampaignList
from db.store import calls, debtors
from db.store import campaign_facts as facts
from db.store import campaigns as store
from db.store.campaign_facts import Booking
from db.store.campaigns import TargetRow
from db.store.debtors import PhoneRow
from db.store.kin import Kin, kin_of_each, try_hold_each
from db.usecases import reach
from db.usecases.campaign_targets import Work, put
from db.usecases.eligibility import Target, check_each
from db.usecases.reach import Reach

LOOKED_AT: Final = 25
"""So many people a claim looks at, at most (some 20 ms each): on SQLite nobody else writes meanwhile."""
_OFTEN_TRIED: Final = 3
_MUCH_BETTER: Final = 2.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The number on which a person is to be called, and its chance."""

    phone: PhoneRow
    chance: float | None


Chosen: TypeAlias = tuple[TargetRow, Choice]


def choose(tx: Connection, work: Work, count: int) -> Iterator[list[Chosen]]:
    """Up to `count` people who may be called now, each with the best number, in groups: whoever comes must be claimed before the
    next group is asked for."""
    queue, left, looks = _Queue(tx, work, count), count, min(LOOKED_AT, 5 * count + 10)
    while left > 0 and looks > 0 and (group := queue.take(min(left, looks))):
        found, chosen = _look(tx, work, group), list[Chosen]()
        for target in group:
            match found.get(target.debtor_id):
                case None:
                    queue.again(target)
                    continue
                case Next() as instead:
                    queue.passed_over(target)
                    put(tx, work, target.debtor_id, target.area, instead)
                case Choice() as choice:
                    chosen.append((target, choice))
            looks -= 1
        left -= len(chosen)
        if chosen:
            yield chosen
    queue.count()


class _Queue:
    """The order in which a claim looks at people: booked calls that are due, then the lists by their weight.

    Of a list those who were put off until now come first; but for each of them who was passed over somebody fresh has a turn,
    so that a thousand people who may not be called do not hold up the others.
    """

    def __init__(self, tx: Connection, work: Work, count: int) -> None:
        self._tx, self._work, self._batch = tx, work, max(2, count)
        self._first = store.due_recalls(tx, work.campaign.id, work.campaign.area, work.now, self._batch)
        self._lists = store.lists(tx, work.campaign.id)
        self._waiting: dict[tuple[uuid.UUID, bool], list[TargetRow]] = {}
        self._empty: set[tuple[uuid.UUID, bool]] = set()
        self._seen: set[int] = set()
        self._taken: Counter[uuid.UUID] = Counter()
        self._fresh_turns = 0

    def take(self, most: int) -> list[TargetRow]:
        """The next to be looked at."""
        found: list[TargetRow] = []
        while len(found) < most and (target := self._next()) is not None:
            found.append(target)
        return found

    def _next(self) -> TargetRow | None:
        target = self._first.pop(0) if self._first else self._of_lists()
        if target is not None:
            self._seen.add(target.debtor_id)
            self._taken[target.list_id] += 1
        return target

    def passed_over(self, target: TargetRow) -> None:
        """That one was not to be called."""
        self._fresh_turns += target.due_at is not None
        self._taken[target.list_id] -= 1

    def again(self, target: TargetRow) -> None:
        """That one is to be looked at once more, in the next group."""
        self._first.append(target)
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

        order = (True, False) if self._fresh_turns else (False, True)
        self._fresh_turns = max(0, self._fresh_turns - 1)
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


def _look(tx: Connection, work: Work, group: Sequence[TargetRow]) -> Mapping[int, Choice | Next]:
    """Whether people are to be called now, and on which number; or what becomes of them instead.

    In as many questions as for one. Nothing is found of somebody who shares a home or number with another of the group: who is
    called first decides on the rest.
    """
    ids = [target.debtor_id for target in group]
    homes, booked = kin_of_each(tx, ids), facts.booked(tx, ids, work.campaign.area)
    persons = {one for kin in homes.values() for one in kin.person}
    since = min(target.since for target in group)
    spoken = facts.last_spoken(tx, persons, work.campaign.area, since=since)
    found: dict[int, Choice | Next] = {}
    asked, at_home = list[_Asked](), set[int]()
    for target in group:
        kin, booking = homes[target.debtor_id], booked.get(target.debtor_id)
        if booking is not None and not (booking.anyones and booking.due_at <= work.now):
            later = max(booking.due_at, work.now + timedelta(hours=1))
            found[target.debtor_id] = Next(TargetState.OPEN, later, "recall")
        elif booking is None and any(spoken.get(one, since) > target.since for one in kin.person):
            found[target.debtor_id] = Next(TargetState.DONE, reason="reached")
        elif at_home.isdisjoint(kin.home):
            at_home.update(kin.home)
            asked.append(_Asked(target, kin, booking))
    return {**found, **_ask(tx, work, asked)} if asked else found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Somebody against whom nothing stands but what the rule says."""

    target: TargetRow
    kin: Kin
    booking: Booking | None


def _ask(tx: Connection, work: Work, asked: Sequence[_Asked]) -> Mapping[int, Choice | Next]:
    """What the rule of contact says of people, and which number is the best."""
    phones = debtors.phones_of_each(tx, work.actor, [one.target.debtor_id for one in asked])
    targets = [
        Target(one.target.debtor_id, one.target.area, Channel.CALL_OUT, phone.id)
        for one in asked
        for phone in phones[one.target.debtor_id]
    ]
    homes = {one.target.debtor_id: one.kin for one in asked}
    decisions = check_each(tx, work.actor, targets, work.now, work.office, homes)
    said = {(target.debtor_id, target.phone_id): one for target, one in zip(targets, decisions, strict=True)}
    alone = left_alone(tx, work, [(one.kin, phone.number) for one in asked for phone in phones[one.target.debtor_id]])
    past = reach.pasts(tx, work.actor, [one.target.debtor_id for one in asked])
    city = reach.newest(tx)
    found: dict[int, Choice | Next] = {}
    for one in asked:
        allowed, refused = list[PhoneRow](), list[Next]()
        for phone in phones[one.target.debtor_id]:
            codes = [reason.code for reason in said[one.target.debtor_id, phone.id].reasons]
            until = None if codes else alone(one.kin, phone.number)
            if codes:
                refused.append(after_refusal(codes, work.now, work.days))
            elif until is not None:
                refused.append(Next(TargetState.OPEN, until, "abandoned"))
            else:
                allowed.append(phone)
        known = reach.in_city(city, allowed, past.get(one.target.debtor_id, ()), work.now, work.office, work.policy)
        found[one.target.debtor_id] = _best(work, one, allowed, known) if allowed else _least(refused)
    return _hold(tx, work, asked, found)


def _least(refused: Sequence[Next]) -> Next:
    """What the numbers together mean: the soonest that any may be tried again, or the end."""
    if not refused:
        return Next(TargetState.GIVEN_UP, reason="no_number")
    done = [one for one in refused if one.state is TargetState.DONE]
    later = [one for one in refused if one.due_at is not None]
    return done[0] if done else min(later, key=lambda one: str(one.due_at)) if later else refused[0]


def _best(work: Work, one: _Asked, phones: Sequence[PhoneRow], known: Mapping[int, Reach]) -> Choice | Next:
    """The number most likely to reach the person; put off if another hour is much better."""
    wanted = one.booking.phone_id if one.booking is not None else None
    phone = max(phones, key=lambda phone: (phone.id == wanted, known[phone.id].now or 0.0))
    what = known[phone.id]
    by_time = work.campaign.settings.order is TargetOrder.BEST_TIME and one.target.due_at is None and not one.booking
    if by_time and what.tried >= _OFTEN_TRIED and what.best_chance > _MUCH_BETTER * (what.now or 0.0):
        return Next(TargetState.OPEN, work.days.slot_begins(what.best, work.now), "better_time")
    return Choice(phone, what.now)


def _hold(
    tx: Connection, work: Work, asked: Sequence[_Asked], found: dict[int, Choice | Next]
) -> Mapping[int, Choice | Next]:
    """Whoever is chosen is held against everybody else until the claim is committed, and looked at once more."""
    numbers, chosen = set[str](), list[tuple[Kin, str, int]]()
    for one in asked:
        choice = found[one.target.debtor_id]
        if isinstance(choice, Choice) and choice.phone.number in numbers:
            del found[one.target.debtor_id]
        elif isinstance(choice, Choice):
            numbers.add(choice.phone.number)
            chosen.append((one.kin, choice.phone.number, one.target.debtor_id))
    if not chosen:
        return found
    held = try_hold_each(tx, [(kin, number) for kin, number, _ in chosen])
    busy = calls.busy(tx, {one for kin, _, _ in chosen for one in kin.home}, numbers)
    for (kin, number, debtor_id), is_held in zip(chosen, held, strict=True):
        if not is_held or busy.at(number) or busy.with_any(kin.home):
            found[debtor_id] = after_refusal(["busy"], work.now, work.days)
    return found


def left_alone(tx: Connection, work: Work, whom: Sequence[tuple[Kin, str]]) -> Callable[[Kin, str], datetime | None]:
    """Until when people with their numbers are not dialled predictively, because they answered and found nobody: to be asked of
    each of them."""
    if work.campaign.settings.mode is not DialMode.PREDICTIVE:
        return lambda _kin, _number: None
    people = {one for kin, _ in whom for one in kin.person}
    told = facts.abandoned_since(tx, people, {number for _, number in whom}, work.now - NO_PREDICTIVE)

    def until(kin: Kin, number: str) -> datetime | None:
        at = told.last(kin.person, number)
        return None if at is None else at + NO_PREDICTIVE

    return until
