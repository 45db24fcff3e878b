"""The lab's pure parts: where an Asterisk comes from, what a citizen does, what the carrier's record says."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from saikoku.lab import carrier
from saikoku.lab.obtain import AptSource, LabUnavailable, cache_folder, debian_source, obtain, parse_sources
from saikoku.lab.pbx import read_calls

STANZAS = """# the machine's own
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://tools.example
Suites: nodistro
Components: main
"""


def test_deb822_sources_are_read_as_apt_reads_them() -> None:
    first, last = parse_sources(STANZAS, deb822=True)

    assert first == AptSource(
        "http://mirror.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )
    assert last.suites == ("nodistro",)


def test_one_line_sources_are_read_as_apt_reads_them() -> None:
    text = (
        "# deb http://off.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/key.gpg] http://mirror.example/debian bookworm main contrib # note\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian-security bookworm-security main\n"
    )

    first, second = parse_sources(text, deb822=False)

    assert first == AptSource("http://mirror.example/debian", ("bookworm",), ("main", "contrib"), "/key.gpg")
    assert second.suites == ("bookworm-security",)


def test_the_mirror_is_the_one_the_machine_installs_from() -> None:
    security = AptSource("http://mirror.example/debian-security", ("bookworm-security",), ("main",))
    tools = AptSource("http://tools.example", ("nodistro",), ("main",))
    own = AptSource("http://cache.example/os", ("bookworm",), ("main",))
    renamed = AptSource("http://mirror.example/debian/", ("stable",), ("main",))

    assert debian_source([tools, security, own, renamed], "bookworm") == own
    assert debian_source([tools, security, renamed], "bookworm") == renamed
    assert debian_source([tools, security], "bookworm") is None


def test_the_cache_is_where_the_user_wants_it() -> None:
    assert cache_folder({"SAIKOKU_CACHE": "/c", "XDG_CACHE_HOME": "/x"}) == Path("/c")
    assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/saikoku")
    assert cache_folder({}) == Path.home() / ".cache/saikoku"


def test_without_an_asterisk_and_without_apt_one_sentence_says_so(tmp_path: Path) -> None:
    said: list[str] = []

    with pytest.raises(
        LabUnavailable, match=r"^No Asterisk for the lab: .*apt-get.*\. Install Asterisk .*\.$"
    ) as refused:
        obtain({"PATH": "", "SAIKOKU_CACHE": str(tmp_path)}, say=said.append)

    assert refused.value.code == "lab-unavailable"
    assert len(said) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["asterisk-forky.lock"], "no half-built tree is left"


def test_every_ending_of_a_number_has_one_behaviour() -> None:
    covered = [ending for it in carrier.BEHAVIOURS for ending in range(it.first, it.last + 1)]

    assert sorted(covered) == list(range(100))


def test_the_table_for_readers_is_the_table_that_runs() -> None:
    assert carrier.__doc__ is not None
    for it in carrier.BEHAVIOURS:
        digits = f"{it.first:02d}-{it.last:02d}" if it.first != it.last else f"{it.first:02d}"
        cause = "the caller's own" if it.cause is None else str(it.cause)
        (row,) = [line for line in carrier.__doc__.splitlines() if line.startswith(f"| {digits} | {it.name} |")]
        assert row.endswith(f"| {cause} |"), row
        assert carrier.behaviour_of(carrier.number_for(it.name)) is it


def test_the_carriers_record_tells_each_call() -> None:
    rows = [
        '"CHAN_START","1795517429.5","0312340001","05012340000","from-office","PJSIP/office-1","u1","u1",""',
        '"CHAN_START","1795517430.0","","s","to-office","Local/x;1","u2","u2",""',
        '"ANSWER","1795517431.0","0312340001","05012340000","citizen-talks","PJSIP/office-1","u1","u1",""',
        '"HANGUP","1795517433.0","0312340001","05012340000","citizen-talks","PJSIP/office-1","u1","u1","{""hangupcause"":16}"',
        '"CHAN_START","1795517434.0","","1001","from-office","PJSIP/office-2","u3","u3",""',
    ]

    first, second = read_calls("\n".join(rows))

    assert first.started == datetime.fromtimestamp(1795517429.5, UTC)
    assert (first.number, first.caller, first.cause) == ("05012340000", "0312340001", 16)
    assert first.answered is not None
    assert first.ended is not None
    assert (first.ended - first.answered).total_seconds() == 2
    assert (second.number, second.answered, second.ended, second.cause) == ("1001", None, None, None)
