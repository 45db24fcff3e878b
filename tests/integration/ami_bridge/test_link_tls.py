"""The link over TLS: the PBX's certificate is verified before the secret is spoken."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from ami_bridge.link import AmiLink
from tests.unit.ami_bridge.scripted_ami import SECRET, HeldTime, scripted_ami, soon


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, made by the openssl of this machine."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    name = ["-subj", "/CN=pbx", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *name], check=True, capture_output=True)
    return cert, key


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.req("P3")
async def test_logs_in_with_the_secret_over_a_verified_link(certificate: tuple[Path, Path]) -> None:
    async with scripted_ami(server_side(certificate)) as ami:
        link = AmiLink(ami.settings(tls=True, ca_file=str(certificate[0])), time=HeldTime())
        life = asyncio.create_task(link.run())
        peer = await ami.accept()
        peer.greet()
        login = await peer.expect("Login")
        assert login["Secret"] == SECRET
        peer.reply(login, Message="Authentication accepted")
        peer.event("FullyBooted")
        await soon(link.until(lambda state: state.up))
        life.cancel()
        await asyncio.wait([life])


@pytest.mark.req("P3")
async def test_says_nothing_to_a_pbx_it_cannot_verify(certificate: tuple[Path, Path]) -> None:
    clock = HeldTime()
    async with scripted_ami(server_side(certificate)) as ami:
        link = AmiLink(ami.settings(tls=True), time=clock, chance=lambda: 1.0)
        life = asyncio.create_task(link.run())
        await clock.passes(1.0)
        assert "certificate" in link.state.reason.lower()
        life.cancel()
        await asyncio.wait([life])
