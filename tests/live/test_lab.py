"""The lab itself: what the demo and every other live test rely on."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from saikoku.lab.asterisk import AsteriskFailed, AsteriskInstance
from saikoku.lab.carrier import number_for
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import Lab
from tests.live.ami import connected


@pytest.mark.req("P2")
async def test_the_lab_says_which_asterisk_it_runs(lab: Lab) -> None:
    assert f"Asterisk {lab.version}" in await lab.office.cli("core show version")


async def test_the_carrier_counts_the_calls_that_reached_it(own_lab: Lab) -> None:
    lab = own_lab
    async with connected(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret) as ami:
        caller = f"{lab.office_numbers[0]} <{lab.office_numbers[0]}>"
        for behaviour in ("busy", "short"):
            channel = f"PJSIP/{number_for(behaviour)}@carrier"
            await ami.originate(channel, behaviour, "saikoku-answered", "s", CallerID=caller)
            await ami.event("Hangup", Uniqueid=behaviour)

    busy, short = await lab.carrier_calls()
    assert (busy.number, busy.caller, busy.answered, busy.cause) == (
        number_for("busy"),
        lab.office_numbers[0],
        None,
        17,
    )
    assert short.number == number_for("short")
    assert short.answered is not None
    assert short.started < short.answered
    assert short.started > busy.started


@pytest.mark.parametrize(("state", "cause"), [("busy", "17"), ("reject", "21"), ("off", "19")])
async def test_a_desk_phone_can_be_busy_or_away(lab: Lab, call_id: str, state: str, cause: str) -> None:
    await lab.phone("1009", state)
    async with connected(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret) as ami:
        await ami.originate("PJSIP/1009", call_id, "saikoku-seat", "1009")
        assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == cause

        await lab.phone("1009", "answer")
        await ami.originate("PJSIP/1009", f"again-{call_id}", "saikoku-seat", "1009")
        await ami.event("ConfbridgeJoin", Uniqueid=f"again-{call_id}")
        assert await lab.hang_up_at_carrier("1009") == 1
        await ami.event("Hangup", Uniqueid=f"again-{call_id}")


async def test_one_citizen_can_behave_otherwise_than_the_number_says(lab: Lab, call_id: str) -> None:
    number = number_for("busy")
    await lab.citizen(number, "changed")
    async with connected(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret) as ami:
        await ami.originate(f"PJSIP/{number}@carrier", call_id, "saikoku-answered", "s")
        assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == "22"

        await lab.citizen(number, None)
        await ami.originate(f"PJSIP/{number}@carrier", f"again-{call_id}", "saikoku-answered", "s")
        assert (await ami.event("Hangup", Uniqueid=f"again-{call_id}"))["Cause"] == "17"


async def test_an_unknown_state_is_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="none of answer"):
        await lab.phone("1001", "asleep")


@pytest.mark.req("P2")
async def test_the_office_can_be_killed_and_comes_back_on_the_same_port(own_lab: Lab) -> None:
    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret):
        await own_lab.office.kill()
    assert not own_lab.office.running
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(own_lab.ami_host, own_lab.ami_port)

    await own_lab.office.start()

    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret) as ami:
        await ami.originate("PJSIP/1001", "after", "saikoku-seat", "1001")
        await ami.event("ConfbridgeJoin", Uniqueid="after")


async def test_a_real_sip_phone_can_register_with_its_password(own_lab: Lab) -> None:
    """Without the password it is challenged (401) and stays out; the digest itself is Asterisk's business."""
    assert set(own_lab.phone_passwords) == {"1101", "1102", "1103", "1104"}
    reply = await _register(own_lab.sip_port, "1101")
    assert reply.startswith("SIP/2.0 401")
    auth = await own_lab.office.cli("pjsip show auth 1101")
    assert own_lab.phone_passwords["1101"] in auth


async def _register(port: int, user: str) -> str:
    """Send one REGISTER without credentials (RFC 3261, section 10) and return the reply."""
    loop = asyncio.get_running_loop()
    replied: asyncio.Future[str] = loop.create_future()

    class Phone(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            replied.set_result(data.decode())

    transport, _ = await loop.create_datagram_endpoint(
        Phone, local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", port)
    )
    own = transport.get_extra_info("sockname")[1]
    lines = [
        "REGISTER sip:127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK1",
        f"From: <sip:{user}@127.0.0.1>;tag=1",
        f"To: <sip:{user}@127.0.0.1>",
        f"Contact: <sip:{user}@127.0.0.1:{own}>",
        "Call-ID: 1",
        "CSeq: 1 REGISTER",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    transport.sendto(("\r\n".join(lines) + "\r\n\r\n").encode())
    try:
        return await asyncio.wait_for(replied, 20)
    finally:
        transport.close()


async def test_a_broken_configuration_is_told_with_the_end_of_the_log(
    asterisk_build: AsteriskBuild, tmp_path: Path
) -> None:
    modules = "[modules]\nautoload = no\nrequire = pbx_config.so\n"
    broken = AsteriskInstance(asterisk_build, tmp_path / "broken", {"modules.conf": modules})

    with pytest.raises(AsteriskFailed, match="`broken` ended while starting") as failure:
        await broken.start()

    assert "pbx_config" in str(failure.value)
    assert not broken.running


def test_a_folder_too_deep_for_a_socket_is_refused(asterisk_build: AsteriskBuild, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too long for a Unix socket"):
        AsteriskInstance(asterisk_build, tmp_path / ("x" * 90), {})


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux 5.3")
async def test_both_instances_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from saikoku.lab.pbx import Lab\n"
        "async def main():\n"
        "    async with Lab(Path(sys.argv[1])) as lab:\n"
        "        print(lab.office.pid, lab.carrier.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    watched = [os.pidfd_open(int(pid)) for pid in (await parent.stdout.readline()).split()]
    assert len(watched) == 2

    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    async with asyncio.TaskGroup() as waiting:
        for descriptor in watched:
            waiting.create_task(_ended(descriptor))


async def _ended(descriptor: int) -> None:
    """Wait until the process behind a pidfd has ended: it becomes readable (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), 20)
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)  # leave nothing behind, even if the test is red
        os.close(descriptor)
