"""The command line says what is wrong, and does nothing else then."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from saikoku.__main__ import main


def saikoku(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it as a shell would, with none of this process's own settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SAIKOKU_")}
    command = [sys.executable, "-m", "saikoku", *arguments]
    return subprocess.run(command, env={**clean, **environ}, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "command", [["panel"], ["bridge"], ["jobs"], ["all"], ["db", "upgrade"], ["user", "disable", "x"]]
)
def test_a_wrong_setting_stops_every_command(command: list[str]) -> None:
    stopped = saikoku(*command, SAIKOKU_AMI_PORT="many")
    assert stopped.returncode == 2
    assert "ami.port = 'many': must be a whole number" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_a_port_that_is_taken_stops_the_panel_with_its_key(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        stopped = saikoku(
            "panel",
            SAIKOKU_PANEL_LISTEN=listen,
            SAIKOKU_DATABASE_URL=f"sqlite:///{tmp_path}/x.db",
            SAIKOKU_OFFICE_RUN_DIR=str(tmp_path / "run"),
        )
    assert stopped.returncode == 2
    assert f"panel.listen = '{listen}': the port is taken" in stopped.stderr


def test_a_port_that_is_taken_stops_the_demo_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        stopped = saikoku("demo", "--no-browser", "--port", port, "--data", str(tmp_path / "demo"))
    assert stopped.returncode == 2
    assert "--port" in stopped.stderr
    assert not (tmp_path / "demo").exists()


def test_users_are_managed_without_a_browser(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "saikoku", *arguments]
        environ = {**os.environ, "SAIKOKU_DATABASE_URL": url}
        return subprocess.run(
            command, env=environ, input=typed, capture_output=True, text=True, timeout=60, check=False
        )

    assert run("db", "upgrade").returncode == 0
    weak = run("user", "add", "suzuki", "鈴木", "--level", "officer", "--area", "tax", typed="short\n")
    assert (weak.returncode, "12文字以上" in weak.stderr) == (2, True)
    added = run("user", "add", "suzuki", "鈴木", "--level", "officer", "--area", "tax", typed="Correct-Horse-9\n")
    assert added.returncode == 0
    assert run("user", "passwd", "suzuki", typed="Battery-Staple-9\n").returncode == 0
    assert run("user", "disable", "suzuki").returncode == 0
    assert run("user", "disable", "nobody").returncode == 2
    whole = run("db", "verify-audit")
    assert (whole.returncode, "whole" in whole.stdout) == (0, True)
    assert run("db", "backup", str(tmp_path / "copy.db")).returncode == 0
    assert run("db", "backup", str(tmp_path / "copy.db")).returncode == 2
    assert run("db", "restore", str(tmp_path / "copy.db")).returncode == 2
    (tmp_path / "x.db").unlink()
    assert run("db", "restore", str(tmp_path / "copy.db")).returncode == 0
    assert run("db", "verify-audit").returncode == 0


def test_dialplan_files_can_be_looked_at_before_they_are_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dialplan", "render", "--to", str(tmp_path)]) == 0
    assert (tmp_path / "saikoku.conf").exists()
    assert main(["dialplan", "install", str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err
