"""The sender killed and its link cut again and again while messages go out, counted at an SMSC that is not ours.

`python -m tests.live.sms_crash [--messages N] [--kills N] [--cuts N] [--seed N] [--postgres] [--folder DIR]`: exit status 1 if any
message came twice, or does not stand in the register as what the SMSC knows of it.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, insert, select

from db.engine import Database
from db.hints import follow, hints
from db.migrations import upgrade
from db.rules.sms import SmsState
from db.rules.terms import Area, PersonKind, PhoneKind, PhoneOwner, PhoneStatus
from db.rules.texts.parts import Allowance, compose
from db.schema.base import new_id
from db.schema.claims import Assessment, Installment
from db.schema.people import CaseFile, Debtor, Phone
from db.schema.sms import SmsMessage, SmsPart, SmsReceipt
from db.settings import environment
from db.store.bulk import learn
from db.usecases import foundation, summaries
from saikoku.lab.clock import VARIABLE
from sms_smpp.receipts import id_candidates
from tests.integration.db.people import NOW, SmallOffice
from tests.live.cable import Cable
from tests.live.havoc.servers import Daemon, Postgres
from tests.live.smscs import NodeSmsc, node_smsc

TEXTS: Final = ("桜市役所です。0422-11-2233までお電話ください。", "桜市役所です。橋の工事のお知らせです。" * 5)
REFUSES, RECEIPT_FIRST, PLAIN = "1", "2", "0"
"""Last digits of numbers, as `smsc.js` goes by them."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What is to happen."""

    messages: int
    kills: int
    cuts: int
    seed: int
    window: int = 50


@dataclass(slots=True)
class Verdict:
    """What was wrong, and how many messages ended how."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


async def play(crash: Crash, folder: Path, url: str) -> Verdict:
    """Let everything go out over the crashes, then compare the register with the SMSC, message by message."""
    (folder / "run").mkdir(parents=True, exist_ok=True)
    database = Database(url)
    numbers = fill(database, crash.messages)
    chance = random.Random(crash.seed)
    async with AsyncExitStack() as stack:
        smsc = await stack.enter_async_context(node_smsc())
        cable = await stack.enter_async_context(Cable(smsc.port))
        log = stack.enter_context((folder / "sms.log").open("wb"))
        daemon = Daemon("sms", environ_of(url, folder, cable.port, crash.window), log)
        heard = await stack.enter_async_context(hints(database, folder / "run"))
        await daemon.start()
        stack.push_async_callback(daemon.kill)
        faults = [True] * crash.kills + [False] * crash.cuts
        chance.shuffle(faults)
        for at, kill in zip(sorted(chance.sample(range(1, crash.messages), len(faults))), faults, strict=True):
            await smsc.said("submit_sm", at, patience=600)
            if kill:
                await daemon.kill()
                await daemon.start()
            else:
                cable.cut()
        async for _ in follow(database, heard):
            if await database.ask(_is_over):
                break
    verdict = judge(database, numbers, smsc)
    await database.aclose()
    return verdict


def environ_of(url: str, folder: Path, port: int, window: int) -> dict[str, str]:
    """The settings of `saikoku sms`, whose clock stands within office hours."""
    settings = {
        "database.url": url, "office.run_dir": folder / "run", "smpp.host": "127.0.0.1", "smpp.port": port,
        "smpp.system_id": "saikoku", "smpp.password": "tanuki7", "smpp.sender": "0422112233", "smpp.window": window,
        "smpp.rate": 0,
    }  # fmt: skip
    offset = int((NOW - datetime.now(UTC)).total_seconds())
    return {**os.environ, **environment(settings), VARIABLE: str(offset)}


def fill(database: Database, messages: int, texts: Sequence[str] = TEXTS) -> list[str]:
    """A register with a person and a queued message for each number; returns the numbers."""
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
    user_id = SmallOffice(database).user("sato").user_id
    numbers = [f"+8190{n // 3:07d}{(PLAIN, REFUSES, RECEIPT_FIRST)[n % 3]}" for n in range(messages)]
    with database.write() as tx:
        for first in range(0, messages, 1000):
            _fill_some(tx, user_id, first, numbers[first : first + 1000], texts)
        learn(tx)  # the summaries that follow take PostgreSQL minutes otherwise
    summaries.rebuild(database, NOW.date())
    return numbers


def _fill_some(tx: Connection, user_id: int, first: int, numbers: list[str], texts: Sequence[str]) -> None:
    ids = range(first + 1, first + 1 + len(numbers))
    on = {"area": Area.TAX, "debtor_id": 0}
    tx.execute(insert(Debtor), [
        {"id": n, "number": f"{n:010d}", "kind": PersonKind.PERSON, "name": "見本 太郎", "kana": "ミホン タロウ",
         "name_folded": "見本太郎", "kana_folded": "みほんたろう", "data_as_of": NOW - timedelta(hours=3)} for n in ids
    ])  # fmt: skip
    tx.execute(insert(CaseFile), [on | {"debtor_id": n} for n in ids])
    tx.execute(insert(Assessment), [
        on | {"id": n, "debtor_id": n, "item_code": "resident_ordinary", "fiscal_year": 2026, "notice_number": f"N{n}"}
        for n in ids
    ])  # fmt: skip
    tx.execute(insert(Installment), [
        on | {"assessment_id": n, "debtor_id": n, "number": 1, "due_on": date(2026, 6, 30), "principal": 9000,
              "outstanding": 9000} for n in ids
    ])  # fmt: skip
    tx.execute(insert(Phone), [
        {"id": n, "debtor_id": n, "number": number, "kind": PhoneKind.MOBILE, "status": PhoneStatus.USABLE,
         "owner": PhoneOwner.SELF} for n, number in zip(ids, numbers, strict=True)
    ])  # fmt: skip
    units = [compose(text, Allowance()).units for text in texts]
    tx.execute(insert(SmsMessage), [
        on | {"id": new_id(), "debtor_id": n, "phone_id": n, "number": number, "body": texts[n % len(texts)], "units": units[n % len(texts)],
              "reference": 0, "user_id": user_id, "state": SmsState.QUEUED, "queued_at": NOW, "not_before": NOW}
        for n, number in zip(ids, numbers, strict=True)
    ])  # fmt: skip


def _is_over(tx: Connection) -> bool:
    under_way = select(func.count()).where(SmsMessage.state.in_([SmsState.QUEUED, SmsState.SUBMITTING]))
    return tx.execute(under_way).scalar_one() == 0


def judge(database: Database, numbers: list[str], smsc: NodeSmsc) -> Verdict:
    """Message by message: what the SMSC got beside what the register says."""
    verdict = Verdict()
    parts = Counter((event["to"], event["header"]) for event in smsc.of("submit_sm"))
    got = Counter(number for number, _ in parts)
    with database.read() as tx:
        rows = tx.execute(select(SmsMessage.number, SmsMessage.state, SmsMessage.units)).all()
    verdict.wrong += [f"{number}: a part came {times} times" for (number, _), times in parts.items() if times > 1]
    if len(rows) != len(numbers):
        verdict.wrong.append(f"{len(numbers)} messages were queued, {len(rows)} stand in the register")
    for row in rows:
        verdict.counts[row.state.value] += 1
        verdict.counts["received"] += got[row.number.removeprefix("+")] > 0
        if wrong := _contradiction(row.state, row.units, got[row.number.removeprefix("+")], row.number[-1] == REFUSES):
            verdict.wrong.append(f"{row.number}: {wrong}")
    verdict.wrong += _unmatched(database)
    return verdict


def _unmatched(database: Database) -> list[str]:
    """Receipts that came and whose part is known, but that were not brought together with it."""
    with database.read() as tx:
        parts = select(SmsMessage.number, SmsPart.id_key).join(SmsMessage, SmsMessage.id == SmsPart.message_id)
        known = {(row.number, row.id_key) for row in tx.execute(parts)}
        lone = tx.execute(select(SmsReceipt.number, SmsReceipt.carrier_id).where(SmsReceipt.message_id.is_(None))).all()
    return [
        f"{row.number}: its receipt was never matched"
        for row in lone
        if any((row.number, key) in known for key in id_candidates(row.carrier_id))
    ]


def _contradiction(state: SmsState, units: int, got: int, refused: bool) -> str:
    """What an unknown message is, only the SMSC knows; everything else must be as it says."""
    if state is SmsState.UNKNOWN:
        return ""
    if refused:
        return "" if state is SmsState.FAILED and got == 1 else f"refused by the SMSC, {state.value} in the register"
    if state in {SmsState.ACCEPTED, SmsState.DELIVERED}:
        return "" if got == units else f"{state.value}, but {got} of {units} parts were received"
    return f"{state.value} in the end"


async def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="sms-crash-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    url = f"sqlite:///{folder}/register.db"
    server = None
    if chosen.postgres:
        (folder / "pg").mkdir()
        server = Postgres(folder / "pg")
        await server.make()
        url = server.url
    began = time.monotonic()
    try:
        verdict = await play(Crash(chosen.messages, chosen.kills, chosen.cuts, chosen.seed), folder, url)
    finally:
        if server:
            await server.kill()
    counts = ", ".join(f"{name} {count}" for name, count in sorted(verdict.counts.items()))
    lines = [*verdict.wrong, f"{chosen.messages} messages, {chosen.kills} kills, {chosen.cuts} cuts, "
             f"{time.monotonic() - began:.0f} s: {len(verdict.wrong)} wrong; {counts}"]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main()))
