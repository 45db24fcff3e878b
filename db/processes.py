"""Naming a process so that another on the same machine can tell that it is gone: the holders of leases."""

import os
import secrets
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """Machine (and PID namespace), process, the moment it started, and a word of its own."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"


def is_gone(holder: str) -> bool:
    """Whether the holder of a lease was a process of this machine and lives no more. If in doubt, no."""
    machine, _, rest = holder.partition("/")
    pid, _, rest = rest.partition("/")
    return machine == _machine() and pid.isdigit() and _started(int(pid)) != rest.partition("/")[0]


def _machine() -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}-{(_PROC / 'self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    """Field 22 of proc(5)'s stat, ticks since boot: a process that got the same number later has another."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[19]
