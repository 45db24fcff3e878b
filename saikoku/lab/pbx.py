"""The lab: an office PBX with saikoku's dialplan, and a carrier with phones and citizens, running together.

For the demo (`saikoku demo`) and the live tests. Everything is on 127.0.0.1; the office is reached over AMI exactly as a
real one would be. Recordings appear under `recordings`; what reached the carrier is in `carrier_calls()`.
"""

import asyncio
import csv
import json
import math
import secrets
import socket
import struct
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from saikoku import dialplan, prompts
from saikoku.lab import config
from saikoku.lab.asterisk import AsteriskInstance, free_port, modules_conf
from saikoku.lab.carrier import PHONE_STATES, behaviour_of
from saikoku.lab.obtain import AsteriskBuild, obtain

DESKS = tuple(str(number) for number in range(1001, 1011))  # auto-answering phones, at the carrier
PHONES = tuple(str(number) for number in range(1101, 1105))  # for real SIP phones or softphones to register as
OFFICE_NUMBERS = ("0312340001", "0312340002")  # made up: what citizens call back
AMI_USER = "saikoku"

# A call takes two ports on each side it passes; Asterisk tries the next port if one is taken, so labs may share these.
RTP_PORTS = (16384, 32767)


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One call that reached the carrier from the office; times are aware UTC, None: not (yet)."""

    number: str
    caller: str
    uniqueid: str
    started: datetime
    answered: datetime | None
    ended: datetime | None
    cause: int | None


class Lab:
    """Office and carrier; use as `async with Lab() as lab:`, or start() and stop()."""

    def __init__(
        self, folder: Path | None = None, *, build: AsteriskBuild | None = None, agi_url: str = "", ami_port: int = 0
    ) -> None:
        """`folder` keeps everything (default: a temporary one, removed by stop); `build` is found if not given.

        `agi_url` is the FastAGI server of return calls (empty: none); `ami_port` 0 takes a free one.
        """
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="saikoku-lab-")
        self.folder = folder or Path(self._temporary.name if self._temporary else "")
        self._build = build
        self._agi_url = agi_url
        self.ami_host = "127.0.0.1"
        self.ami_port = ami_port or free_port()
        self.ami_user = AMI_USER
        self.ami_secret = secrets.token_urlsafe(24)
        self.sip_port = free_port(socket.SOCK_DGRAM)
        self.carrier_sip_port = free_port(socket.SOCK_DGRAM)
        self.seats: Sequence[str] = DESKS  # others may be set before `start`
        self.phone_passwords = {phone: secrets.token_urlsafe(9) for phone in PHONES}
        self.office_numbers: Sequence[str] = OFFICE_NUMBERS
        self.trunk = "PJSIP/{number}@carrier"

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Find an Asterisk (the first time: fetch one), write both configurations, start both; raises LabUnavailable."""
        build = await asyncio.to_thread(obtain) if self._build is None else self._build
        self.version = build.version  # of the Asterisk that runs, for example 22.10.1
        self.office = self._office(build)
        self.carrier = self._carrier(build)
        await asyncio.gather(self.carrier.start(), self.office.start())

    async def stop(self) -> None:
        """Stop both and remove the temporary folder."""
        for name in ("office", "carrier"):
            if name in self.__dict__:
                await getattr(self, name).stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def __aenter__(self) -> Self:
        """Started; stopped again if it could not start."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stopped."""
        await self.stop()

    @property
    def recordings(self) -> Path:
        """The folder the office records into."""
        return self.office.recordings

    @property
    def cel_csv(self) -> Path:
        """The office's durable record of channel events (columns: see dialplans/saikoku-cel.conf)."""
        return self.office.folder / "log/cel-custom/saikoku-cel.csv"

    @property
    def cdr_csv(self) -> Path:
        """The office's call detail records (cdr_csv with uniqueid, linkedid and UTC times)."""
        return self.office.folder / "log/cdr-csv/Master.csv"

    # --- the office -----------------------------------------------------------------------------------------------

    def _office(self, build: AsteriskBuild) -> AsteriskInstance:
        folder = self.folder / "office"
        files = {
            **config.common(RTP_PORTS),
            "pjsip.conf": config.office_pjsip(
                self.sip_port, self.carrier_sip_port, tuple(self.seats), self.phone_passwords
            ),
            "extensions.conf": config.office_extensions(),
            "manager.conf": config.manager(
                self.ami_port, "#include saikoku-manager.conf\n#include saikoku-secret.conf\n"
            ),
            "confbridge.conf": "[general]\n#include saikoku-confbridge.conf\n",
            "cel_custom.conf": "[mappings]\n#include saikoku-cel.conf\n",
            "musiconhold.conf": config.music(str(folder / "moh")),
            "modules.conf": modules_conf(build, config.MODULES),
        }
        office = AsteriskInstance(build, folder, files)
        write_music(folder / "moh/quiet.wav")
        settings = self.dialplan_settings(office)
        dialplan.install(office.etc, settings)
        prompts.install(Path(settings.sounds))
        return office

    def dialplan_settings(self, office: AsteriskInstance) -> dialplan.DialplanSettings:
        """What the lab's office fills into the product's dialplan."""
        return dialplan.DialplanSettings(
            recordings=str(office.recordings),
            trunk=self.trunk,
            agi_url=self._agi_url,
            ami_secret=self.ami_secret,
            sounds=str(office.folder / "sounds"),
        )

    # --- the carrier ----------------------------------------------------------------------------------------------

    def _carrier(self, build: AsteriskBuild) -> AsteriskInstance:
        folder = self.folder / "carrier"
        cel = dialplan.render(self.dialplan_settings(self.office))["saikoku-cel.conf"]
        files = config.carrier_files(self.carrier_sip_port, self.sip_port, free_port(), RTP_PORTS, cel)
        files["musiconhold.conf"] = config.music(str(folder / "moh"))
        files["modules.conf"] = modules_conf(build, config.MODULES)
        carrier = AsteriskInstance(build, folder, files)
        write_music(folder / "moh/quiet.wav")
        return carrier

    async def carrier_calls(self) -> list[CarrierCall]:
        """Every call that has reached the carrier from the office, oldest first, from the carrier's own record.

        The record is written by another thread: a call of our own comes last in it, and whatever is not up has ended in it.
        """
        mark = str(secrets.randbelow(10**15) + 10**15)  # longer than any number
        await self.carrier.cli(f"channel originate Local/{mark}@mark application NoOp")
        while True:
            listed = await self.carrier.cli("core show channels concise")
            path = self.carrier.folder / "log/cel-custom/saikoku-cel.csv"
            record = await asyncio.to_thread(path.read_text, "utf-8") if path.exists() else ""
            calls = read_calls(record)
            if mark in record and all(call.ended or call.uniqueid in listed for call in calls):
                return calls

    async def phone(self, seat: str, state: str) -> None:
        """Let a desk phone `answer` (as it does at first; `other`: with another tone), be `busy` or `off`, `reject`, or
        give `no-answer`."""
        if state not in PHONE_STATES:
            raise ValueError(f"{state!r} is none of {', '.join(PHONE_STATES)}")
        await self.carrier.cli(f"database put phone {seat} {state}")

    async def citizen(self, number: str, behaviour: str | None) -> None:
        """Let one citizen behave otherwise than the number says (a name of the carrier's table); None: as before."""
        if behaviour is None:
            await self.carrier.cli(f"database del citizen {number}")
        else:
            await self.carrier.cli(f"database put citizen {number} {behaviour}")

    async def hang_up_at_carrier(self, number: str) -> int:
        """A desk phone or citizen puts the receiver down; returns how many calls that ended."""
        channels = await self._at_carrier(number)
        for channel in channels:
            await self.carrier.cli(f"channel request hangup {channel}")
        return len(channels)

    async def hear(self, number: str, file: Path) -> None:
        """Record what a desk phone or citizen hears, until `hear_no_more`."""
        for channel in await self._at_carrier(number):
            await self.carrier.cli(f"mixmonitor start {channel} {file.with_suffix('.both.wav')},r({file})")

    async def hear_no_more(self, number: str) -> None:
        """Record it no more."""
        for channel in await self._at_carrier(number):
            await self.carrier.cli(f"mixmonitor stop {channel}")

    async def _at_carrier(self, number: str) -> list[str]:
        listed = await self.carrier.cli("core show channels concise")
        rows = [line.split("!") for line in listed.splitlines() if line.count("!") > 3]
        return [row[0] for row in rows if row[2] == number or row[7] == number]

    async def press(self, number: str, keys: str) -> None:
        """A citizen who has called the office presses keys (digits and `#`; `w` waits for half a second)."""
        for channel in await self._callers(number):
            await self.carrier.cli(f"channel redirect {channel} citizen-presses,{keys.replace('#', 'h')},1")

    async def _callers(self, number: str) -> list[str]:
        listed = await self.carrier.cli("core show channels concise")
        names = [line.partition("!")[0] for line in listed.splitlines()]
        return [name for name in names if name.startswith(f"Local/{number}*") and name.endswith(";1")]

    async def call_office(self, caller: str = "anonymous", dialled: str = OFFICE_NUMBERS[0]) -> None:
        """A citizen calls the office back (`anonymous`: with a hidden number) and speaks once answered."""
        await self.carrier.cli(f"channel originate Local/{caller}*{dialled}@to-office/n extension s@citizen-speaks")

    def expected(self, number: str) -> str:
        """The name of what this citizen does."""
        return behaviour_of(number).name


def read_calls(cel: str) -> list[CarrierCall]:
    """Calls from the office in a CEL file written by `saikoku-cel.conf`."""
    calls: dict[str, CarrierCall] = {}
    for event, when, caller, number, context, _, uniqueid, _, extra, *_app in csv.reader(cel.splitlines()):
        at = datetime.fromtimestamp(float(when), UTC)
        call = calls.get(uniqueid)
        if event == "CHAN_START" and context == "from-office":
            calls[uniqueid] = CarrierCall(number, caller, uniqueid, at, None, None, None)
        elif call is not None and event == "ANSWER":
            calls[uniqueid] = _replace(call, answered=at)
        elif call is not None and event == "HANGUP":
            calls[uniqueid] = _replace(call, ended=at, cause=json.loads(extra).get("hangupcause") if extra else None)
    return list(calls.values())


def _replace(
    call: CarrierCall, *, answered: datetime | None = None, ended: datetime | None = None, cause: int | None = None
) -> CarrierCall:
    return CarrierCall(
        call.number, call.caller, call.uniqueid, call.started, answered or call.answered, ended or call.ended, cause
    )


def write_music(path: Path, *, seconds: int = 10, hz: int = 350, peak: int = 600) -> None:
    """A quiet tone, 8 kHz 16-bit mono, as the lab's music on hold (`peak` of 32767)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(peak * math.sin(2 * math.pi * hz * n / 8000)) for n in range(8000 * seconds))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
