"""`saikoku lab call-back`: what it refuses before it asks any Asterisk."""

from pathlib import Path

import pytest

from saikoku.__main__ import main


@pytest.mark.req("T5")
@pytest.mark.parametrize("number", ["03;1", "", "0312340001@x", "1 2 3 4"])
def test_what_is_no_number_is_refused(number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "call-back", number, "--data", str(tmp_path)]) == 2
    assert "is no number" in capsys.readouterr().err


@pytest.mark.req("T5")
def test_without_a_demo_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "call-back", "0312345678", "--data", str(tmp_path)]) == 2
    assert "saikoku demo" in capsys.readouterr().err
