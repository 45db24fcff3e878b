"""Settings: one TOML file, and `SAIKOKU_*` environment variables over it.

A key is a section and a name: `[ami] host` in the file, `SAIKOKU_AMI_HOST` in the environment. An unknown key or a bad
value stops the start and names the key, the value and what is allowed. A secret can also be read from a file
(`secret_file`, `SAIKOKU_AMI_SECRET_FILE`); its value never appears in a message, a repr or a log.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import time
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PREFIX = "SAIKOKU_"
OUTSIDE = ("SAIKOKU_CONFIG", "SAIKOKU_CACHE", "SAIKOKU_LAB_")
"""Beginnings of variables that are no settings: where this file is, and the demo lab's own."""


class SettingError(Exception):
    """A setting is wrong; the message names the key, the value and what is allowed."""

    code = "setting"

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"setting {key} = {value!r}: {allowed}")
        self.key = key


class Secret:
    """A value that must not be seen; `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for handing to the peer that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


NO_SECRET = Secret()


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the register is: `sqlite:///FILE` or `postgresql://…`."""

    url: str = "sqlite:///var/saikoku.db"


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """The office itself. It calls and takes calls from `opens` until before `closes`, on closed days only if `closed_days`.

    `return_call_days`: a return call answers an outbound contact no older than that. `grace_days`: calendar days
    after its date on which paying still keeps a promise. `recall_minutes`: so long after its time a booked call that nobody
    made becomes a task for all. These are assumptions.
    """

    name: str = "（市名未設定）"
    phone: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Tokyo"))
    opens: time = time(9)
    closes: time = time(20)
    closed_days: bool = False
    return_call_days: int = 14
    run_dir: Path = Path("var/run")
    grace_days: int = 3
    recall_minutes: int = 60


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """The web panel. `secure_cookie` must be on wherever the panel is reached over TLS."""

    listen: Address = Address("127.0.0.1", 8080)
    secure_cookie: bool = False
    session_minutes: int = 480
    idle_minutes: int = 60


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """The FastAGI server. FastAGI knows no password: `permit` names the networks whose PBX may ask, with blanks between.

    `deadline_ms`: so long the register may take to say who is calling; then the call goes on without.
    """

    listen: Address = Address("127.0.0.1", 4573)
    permit: str = "127.0.0.0/8 ::1/128"
    deadline_ms: int = 500


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """The manager interface of the PBX on this host.

    `cel_file`: the record of calls that Asterisk itself writes (`saikoku-cel.conf`), as this machine sees it.
    """

    pbx: str = "main"
    host: str = "127.0.0.1"
    port: int = 5038
    username: str = "saikoku"
    secret: Secret = NO_SECRET
    tls: bool = False
    cel_file: Path = Path("/var/log/asterisk/cel-custom/saikoku-cel.csv")


@dataclass(frozen=True, slots=True)
class DialSettings:
    """How numbers are dialled. `{number}` in `channel` becomes the national digits.

    `recordings_dir` as this machine sees it, `pbx_recordings_dir` as the PBX does (empty: the same). `ring_seconds` for
    persons and operators' phones alike. `rejoin_seconds`: so long a person waits for an operator whose phone was lost.
    `max_lines`: outside lines of the PBX that calls of ours may take at once; the rest stays free for ordinary phones
    (0: no limit).
    """

    channel: str = "PJSIP/{number}@carrier"
    caller_id: str = ""
    ring_seconds: int = 30
    rejoin_seconds: int = 45
    max_lines: int = 0
    recordings_dir: Path = Path("var/recordings")
    pbx_recordings_dir: str = ""


@dataclass(frozen=True, slots=True)
class ImportsSettings:
    """Files of the core systems. `dir`: where they and their reports stand while they are needed (panel and jobs see the
    same folder); `mappings_dir`: the mappings that the panel offers."""

    dir: Path = Path("var/imports")
    mappings_dir: Path = Path("deploy/mappings")


@dataclass(frozen=True, slots=True)
class SmppSettings:
    """A carrier's SMPP link, and what was agreed with it (docs/sms.md). Without `host` there is no such carrier.

    `name` is what officers read. `window`: submissions without an answer at a time; `rate`: submissions a second (0: no
    limit). `sender_ton`, `sender_npi`: how the registered sender is written. `prefixes`: the numbers that this carrier takes,
    E.164 with blanks between. `national`: it wants `090…` and not `8190…`. `longest`: characters of the longest text.
    `gsm7`: `data_coding` 0 is the GSM alphabet. `validity_hours`: so long it tries to deliver (0: as it does by itself).
    `query_hours`: after so long without a receipt it is asked what became of a message (`query_sm`; 0: it offers no such thing).
    `gone_codes`: its codes in receipts (`err:`) that mean that there is no such number, with blanks between.
    """

    host: str = ""
    port: int = 2775
    name: str = "SMS"
    system_id: str = ""
    password: Secret = NO_SECRET
    system_type: str = ""
    bind: Literal["transceiver", "tx_rx"] = "transceiver"
    tls: bool = False
    ca_file: str = ""
    window: int = 10
    rate: int = 10
    enquire_seconds: int = 30
    sender: str = ""
    sender_ton: int = 1
    sender_npi: int = 1
    prefixes: str = "+81"
    national: bool = False
    joining: Literal["udh8", "udh16", "message_payload"] = "udh8"
    longest: int = 670
    gsm7: bool = True
    validity_hours: int = 24
    query_hours: int = 0
    gone_codes: str = ""


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """What messages may say. `hosts` whose links may be sent and further `words` that may not be, with blanks between."""

    hosts: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is decided outside the database."""

    database: DatabaseSettings = DatabaseSettings()
    office: OfficeSettings = field(default_factory=OfficeSettings)
    panel: PanelSettings = PanelSettings()
    agi: AgiSettings = AgiSettings()
    ami: AmiSettings = AmiSettings()
    dial: DialSettings = DialSettings()
    imports: ImportsSettings = ImportsSettings()
    sms: SmsSettings = SmsSettings()
    smpp: SmppSettings = SmppSettings()
    smpp2: SmppSettings = SmppSettings()
    smpp3: SmppSettings = SmppSettings()

    @property
    def carriers(self) -> dict[str, SmppSettings]:
        """The carriers of messages that there are, by the name of their section, the preferred one first."""
        each = {"smpp": self.smpp, "smpp2": self.smpp2, "smpp3": self.smpp3}
        return {section: carrier for section, carrier in each.items() if carrier.host}


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. `path` or `SAIKOKU_CONFIG` names the file; without either there is none.

    Raises SettingError for an unknown key, a bad value or a file that cannot be read.
    """
    named = path or (Path(environ["SAIKOKU_CONFIG"]) if environ.get("SAIKOKU_CONFIG") else None)
    given = _from_file(named) if named else {}
    given.update(_from_environment(environ))
    sections = {f.name: _section(f.name, f.type, given) for f in fields(Settings) if is_dataclass(f.type)}
    if given:
        key = next(iter(given))
        known = sorted(f"{s.name}.{k.name}" for s in fields(Settings) for k in fields(s.type))  # type: ignore[arg-type]
        raise SettingError(key, "…", f"no such setting; there are: {', '.join(known)}")
    return Settings(**sections)


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as environment variables: `{"ami.host": "127.0.0.1"}` -> `{"SAIKOKU_AMI_HOST": "127.0.0.1"}`."""
    return {PREFIX + key.replace(".", "_").upper(): str(value) for key, value in settings.items()}


def _from_file(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError("SAIKOKU_CONFIG", str(path), f"the file cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError("SAIKOKU_CONFIG", str(path), f"the file is not TOML: {error}") from error
    flat: dict[str, object] = {}
    for section, keys in document.items():
        if not isinstance(keys, dict):
            raise SettingError(section, keys, "must stand inside a [section]")
        flat.update({f"{section}.{key}": value for key, value in keys.items()})
    return flat


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and not name.startswith(OUTSIDE):
            section, _, key = name.removeprefix(PREFIX).lower().partition("_")
            flat[f"{section}.{key}"] = value
    return flat


def _section(name: str, kind: Any, given: dict[str, object]) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for f in fields(kind):
        key = f"{name}.{f.name}"
        if hints[f.name] is Secret and f"{key}_file" in given:
            values[f.name] = _secret_file(f"{key}_file", given.pop(f"{key}_file"))
        if key in given:
            values[f.name] = _parse(key, given.pop(key), hints[f.name])
    return kind(**values)


def _secret_file(key: str, value: object) -> Secret:
    try:
        return Secret(Path(str(value)).read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SettingError(key, value, f"the file cannot be read ({error.strerror})") from error


def _parse(key: str, value: object, hint: Any) -> Any:
    if get_origin(hint) is Literal:
        return _choice(key, value, get_args(hint))
    return _PARSERS[hint](key, value)


def _choice(key: str, value: object, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingError(key, value, f"must be one of {', '.join(allowed)}")
    return str(value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or any(c in value for c in "\r\n\0"):
        raise SettingError(key, value, "must be text on one line")
    return value


def _number(key: str, value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit():
        raise SettingError(key, value, "must be a whole number, 0 or more")
    return int(text)


def _flag(key: str, value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise SettingError(key, value, "must be true or false") from None


def _address(key: str, value: object) -> Address:
    host, colon, port = str(value).rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise SettingError(key, value, "must be HOST:PORT, such as 127.0.0.1:8080")
    return Address(host, int(port))


def _secret(key: str, value: object) -> Secret:
    if not isinstance(value, str) or any(c in value for c in "\r\n\0"):
        raise SettingError(key, "…", "must be text on one line")
    return Secret(value)


def _zone(key: str, value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingError(key, value, "must be a time zone such as Asia/Tokyo") from error


def _time(key: str, value: object) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise SettingError(key, value, "must be a time of day such as 08:30") from None


def _path(key: str, value: object) -> Path:
    return Path(_text(key, value))


_PARSERS: Mapping[Any, Callable[[str, object], Any]] = {
    str: _text,
    int: _number,
    bool: _flag,
    Address: _address,
    Secret: _secret,
    ZoneInfo: _zone,
    time: _time,
    Path: _path,
}
