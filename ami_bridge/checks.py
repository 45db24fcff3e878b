"""What `saikoku doctor` asks a PBX over AMI: whether it can be reached, whether we may do there what the bridge does, and
whether our dialplan is loaded. Everything asked is a question; nothing is changed and nothing is dialled.

Only `reporting` is needed for the questions. What AMI does not show without wider rights (the profiles of ConfBridge, the
trunk) is said to be unseen, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.bridge import link_settings
from ami_bridge.errors import AmiError, AmiRefused, LoginRefused
from ami_bridge.session import Session, tls_context
from ami_bridge.values import Action, Reply
from db.findings import Finding, bad, ok, warn
from db.settings import AmiSettings
from db.timing import RealTime

OLDEST: Final = 16
NEWEST: Final = 22
SKEW_WARN: Final = 2.0
SKEW_BAD: Final = 30.0
BOOT_DEADLINE: Final = 10.0
"""Seconds to wait for an Asterisk that is starting; the bridge itself waits longer."""

CONTEXTS: Final = tuple(value for name, value in sorted(vars(names).items()) if name.startswith("CONTEXT_"))
"""The contexts that calls are sent to."""

RIGHTS: Final[Mapping[str, str]] = {
    "Originate": "originate",
    "Redirect": "call",
    "Hangup": "call",
    "CoreShowChannels": "reporting",
}
"""An action of the bridge for each privilege (`write =`) that it needs."""

MODULES: Final[Mapping[str, str]] = {"ConfbridgeList": "app_confbridge", "MixMonitorMute": "app_mixmonitor"}
"""An action that only this module brings; asked for only where its privilege is there (`reporting`, `call`)."""

APPS: Final[Mapping[str, str]] = {"app_chanspy": "supervisors cannot listen to calls or whisper"}
"""Modules that no action tells of: without them, what does not work. The function IFMODULE of `func_module` knows, but for one that
was found and would not start (app_amd without its amd.conf), which it takes for loaded."""

DETECTION: Final[Mapping[str, str]] = {
    "app_amd": "campaigns cannot tell answering machines from people",
    "app_waitforsilence": "no message can be left on an answering machine",
}
"""The same where a campaign tells answering machines from people."""


async def check_pbx(
    ami: AmiSettings, hooks: Sequence[str], unix_time: Callable[[], float], *, detects: bool = False
) -> list[Finding]:
    """Everything about one PBX. `hooks` are the names of the admin's hook contexts, `unix_time` this host's clock.

    `detects`: whether a campaign tells answering machines from people.
    """
    settings = replace(link_settings(ami), boot_deadline=BOOT_DEADLINE)
    session = Session(settings, tls_context(settings), RealTime(), 1, lambda _event: None)
    try:
        await session.open()
    except LoginRefused as error:
        return [bad(f"the PBX at {settings.where} refuses the login of {ami.username!r}", _login_mend(str(error)))]
    except AmiError as error:
        mend = "start Asterisk; in manager.conf: enabled = yes, bindaddr, port; compare ami.host, ami.port and ami.tls"
        return [bad(f"no manager link to {settings.where}: {error}", mend)]
    else:
        found = [ok(f"AMI at {settings.where} takes the login of {ami.username!r}")]
        return found + await _asked(session, hooks, unix_time, {**APPS, **DETECTION} if detects else APPS)
    finally:
        await session.close()


async def _asked(
    session: Session, hooks: Sequence[str], unix_time: Callable[[], float], wanted: Mapping[str, str]
) -> list[Finding]:
    try:
        allowed = frozenset((await session.send(Action("ListCommands"))).headers)
        found = [*rights(allowed), await _version(session)]
        found.append(clock_skew((await session.send(Action("Ping"))).headers.get("Timestamp", ""), unix_time()))
        if "ShowDialPlan" in allowed:
            missing = {context for context in (*CONTEXTS, *hooks) if not await _is_loaded(session, context)}
            found += dialplan(missing, hooks)
        if "Getvar" in allowed:
            found += modules({name: await _module(session, name) for name in wanted}, wanted)
    except AmiError as error:
        found = [bad(f"the PBX does not answer: {error}", "see Asterisk's log, then run doctor again")]
    return found


async def _version(session: Session) -> Finding:
    try:
        reply: Reply = await session.send(actions.core_settings())
    except AmiRefused:
        return warn("the version of Asterisk cannot be asked", "give the manager user `write = reporting`")
    return version(reply.headers.get("AsteriskVersion", ""))


async def _module(session: Session, name: str) -> str:
    """What IFMODULE says of a module, empty if there is no such function."""
    reply = await session.send(Action("Getvar", (("Variable", f"IFMODULE({name}.so)"),)))
    return str(reply.headers.get("Value", ""))


async def _is_loaded(session: Session, context: str) -> bool:
    try:
        await session.send(Action("ShowDialPlan", (("Context", context),), listed=True))
    except AmiRefused:
        return False
    return True


# -- judged without a PBX -------------------------------------------------------------------------------------------


def rights(allowed: AbstractSet[str]) -> list[Finding]:
    """What the actions that the manager user may send say of its privileges and of the modules loaded."""
    have = {name.lower() for name in allowed}
    lacking = sorted({privilege for action, privilege in RIGHTS.items() if action.lower() not in have})
    if lacking:
        mend = "include saikoku-manager.conf in manager.conf, then `asterisk -rx 'manager reload'`"
        return [bad(f"the manager user lacks write = {','.join(lacking)}", mend)]
    absent = [module for action, module in MODULES.items() if action.lower() not in have]
    found = [ok("the manager user may do all that the bridge does")]
    found += [bad(f"{name} is not loaded", f"load it: `asterisk -rx 'module load {name}.so'`") for name in absent]
    if "app_confbridge" not in absent:
        found.append(ok("app_confbridge is loaded (AMI does not show its profiles; `saikoku dialplan lint` does)"))
    return found


def modules(told: Mapping[str, str], wanted: Mapping[str, str]) -> list[Finding]:
    """What it means that these modules are there (`1`), are not (`0`), or cannot be asked for."""
    found = []
    for name, said in told.items():
        if said == "0":
            mend = f"load it: `asterisk -rx 'module load {name}.so'`, and see that modules.conf loads it"
            found.append(bad(f"{name} is not loaded: {wanted[name]}", mend))
        elif said != "1":
            found.append(warn(f"whether {name} is loaded cannot be asked", f"`asterisk -rx 'module show like {name}'`"))
    if told and set(told.values()) == {"1"}:
        found.append(ok(f"{', '.join(told)} loaded"))
    return found


def version(text: str) -> Finding:
    """Whether this Asterisk is one that saikoku works with; `text` as Asterisk gives it (`22.10.1`, `certified/18.9-…`)."""
    number = re.search(r"(?:^|/)(\d+)\.", text)
    if number is None:
        return warn(
            f"Asterisk calls itself {text!r}", f"saikoku is tested on {OLDEST} to {NEWEST}; try in the lab first"
        )
    major = int(number[1])
    if major < OLDEST:
        return bad(f"Asterisk {text} is too old", f"upgrade to {OLDEST} or newer; {NEWEST} is best")
    if major > NEWEST:
        return warn(f"Asterisk {text} is newer than what saikoku is tested on", "try in the lab first")
    return ok(f"Asterisk {text}")


def clock_skew(timestamp: str, here: float) -> Finding:
    """How far the PBX's clock (`Timestamp` of a Ping, Unix time) is from this host's."""
    try:
        seconds = float(timestamp) - here
    except ValueError:
        return warn("the PBX does not tell its time", "compare the clocks by hand")
    mend = "let both machines keep time by the same NTP server"
    said = f"the PBX's clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this host's"
    if abs(seconds) > SKEW_BAD:
        return bad(said, mend)
    return warn(said, mend) if abs(seconds) > SKEW_WARN else ok("the PBX's clock agrees with this host's")


def dialplan(missing: AbstractSet[str], hooks: Sequence[str]) -> list[Finding]:
    """What it means that these contexts are not loaded."""
    ours, theirs = sorted(missing & set(CONTEXTS)), sorted(missing & set(hooks))
    found = []
    if ours:
        mend = "`saikoku dialplan install`, add the #include lines it names, then `asterisk -rx 'dialplan reload'`"
        found.append(bad(f"not loaded in the dialplan: {', '.join(ours)}", mend))
    else:
        found.append(ok(f"all {len(CONTEXTS)} contexts of saikoku.conf are loaded"))
    if theirs:
        mend = "they are passed over; to have them, include saikoku-hooks.conf in extensions.conf"
        found.append(warn(f"hooks not loaded: {', '.join(theirs)}", mend))
    else:
        found.append(ok(f"all {len(hooks)} hooks are loaded"))
    return found


def _login_mend(said: str) -> str:
    return said.partition("): ")[2] or "check the user in manager.conf and the AMI settings here"
