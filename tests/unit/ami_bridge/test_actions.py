"""Actions: what reaches Asterisk is what was meant, or nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_bridge import actions
from ami_bridge.errors import BadArgument, InjectionError
from ami_bridge.values import MAX_FIELDS, Action, Headers

CHANNEL = "PJSIP/trunk-0000001a"
ATTEMPT = "0197f0c2-7d1e-7a3b-9c55-0123456789ab"


def call(**changes: object) -> Action:
    values: dict[str, object] = {
        "channel_id": ATTEMPT,
        "context": "saikoku-out",
        "exten": "answered",
        "timeout_ms": 30_000,
    }
    channel = changes.pop("channel", "PJSIP/0312345678@trunk")
    return actions.originate(channel, **(values | changes))  # type: ignore[arg-type]


def fields(action: Action) -> Headers:
    return Headers(action.fields)


@pytest.mark.req("T3", "T4")
def test_originate_is_asynchronous_and_carries_the_attempt() -> None:
    action = call(caller_id="0312340000", variables={"SAIKOKU_ATTEMPT": ATTEMPT, "__LEG": "citizen"})
    sent = fields(action)
    assert sent["Async"] == "true"
    assert sent["ChannelId"] == action.tag == ATTEMPT
    assert (sent["Context"], sent["Exten"], sent["Priority"], sent["Timeout"]) == (
        "saikoku-out",
        "answered",
        "1",
        "30000",
    )
    assert sent["CallerID"] == "<0312340000>"
    assert sent.all("Variable") == (f"SAIKOKU_ATTEMPT={ATTEMPT}", "__LEG=citizen")


def test_originate_optional_fields() -> None:
    action = call(
        caller_id="0312340000",
        caller_name="納税課",
        other_channel_id="other-leg",
        account="tax",
        codecs="ulaw,alaw",
        early_media=True,
    )
    sent = fields(action)
    assert sent["CallerID"] == '"納税課" <0312340000>'
    assert (sent["OtherChannelId"], sent["Account"], sent["Codecs"], sent["EarlyMedia"]) == (
        "other-leg",
        "tax",
        "ulaw,alaw",
        "true",
    )


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a,b", r"a\,b"),
        ("x,__SECOND=1", r"x\,__SECOND=1"),
        ('say "hi"', r"say \"hi\""),
        ("back\\slash", r"back\\slash"),
        ("(a[b", r"\(a\[b"),
        ("滞納 太郎", "滞納 太郎"),
        ("", ""),
    ],
)
def test_a_variable_is_never_split(value: str, sent: str) -> None:
    assert fields(call(variables={"NOTE": value})).all("Variable") == (f"NOTE={sent}",)


@pytest.mark.parametrize("name", ["", "SHELL(x)", "A=B", "A,B", "a b", "___A", "1A"])
def test_a_variable_name_is_a_plain_name(name: str) -> None:
    with pytest.raises(BadArgument):
        call(variables={name: "1"})


DANGEROUS: list[Callable[[], Action]] = [
    lambda: call(channel="/^PJSIP/"),
    lambda: call(channel="PJSIP/1&PJSIP/2"),
    lambda: call(channel="PJSIP/1,30"),
    lambda: call(channel="PJSIP/"),
    lambda: call(channel="PJSIP/${SHELL(x)}"),
    lambda: call(channel_id=""),
    lambda: call(channel_id="a b"),
    lambda: call(context=""),
    lambda: call(exten="a,b"),
    lambda: call(priority=0),
    lambda: call(timeout_ms=0),
    lambda: call(caller_id="012<3"),
    lambda: call(caller_id="0123", caller_name='"x'),
    lambda: call(account="a b"),
    lambda: call(codecs="u law"),
    lambda: actions.hangup("/.*/"),
    lambda: actions.hangup("all of them"),
    lambda: actions.hangup(CHANNEL, 0),
    lambda: actions.redirect(CHANNEL, "ctx", ""),
    lambda: actions.bridge(CHANNEL, "x"),
    lambda: actions.play_dtmf(CHANNEL, "12"),
    lambda: actions.play_dtmf(CHANNEL, ""),
    lambda: actions.set_var(CHANNEL, "SHELL(x)", "1"),
    lambda: actions.get_var(CHANNEL, "SHELL(x)"),
    lambda: actions.confbridge_mute("a b", CHANNEL),
    lambda: actions.confbridge_list(""),
    lambda: actions.mixmonitor(CHANNEL, "a.wav,b,touch /tmp/x"),
    lambda: actions.mixmonitor(CHANNEL, "../../etc/passwd"),
    lambda: actions.mixmonitor(CHANNEL, "a.wav", "b,touch"),
    lambda: actions.stop_mixmonitor(CHANNEL, "a b"),
    lambda: actions.mixmonitor_mute(CHANNEL, muted=True, direction="up"),
    lambda: actions.bridge_info("a b"),
    lambda: actions.queue_status("a b"),
    lambda: actions.without_events(".*|!"),
    lambda: Action("Ping", (("ActionID", "1"),)),
    lambda: Action("Ping", (("action", "Command"),)),
    lambda: Action("Ping", (("A:B", "1"),)),
    lambda: Action("Ping", ((" A", "1"),)),
    lambda: Action("Ping", (("", "1"),)),
    lambda: Action("Ping", (("A", "x" * 1000),)),
    lambda: Action("Ping", (("A", "あ" * 334),)),
    lambda: Action("Ping", (("A", "\ud800"),)),
    lambda: Action("Ping", (("A", "1"),) * (MAX_FIELDS + 1)),
]


@pytest.mark.parametrize("build", DANGEROUS)
def test_what_asterisk_would_misread_is_refused(build: Callable[[], Action]) -> None:
    with pytest.raises(BadArgument):
        build()


HARMLESS = [
    actions.hangup(CHANNEL),
    actions.hangup("Local/100@saikoku-out-0000;1", 17),
    actions.hangup("01a20d56-78f8-73f4-aae0-c9ee0dc523f6"),
    actions.redirect("01a20d56-78f8-73f4-aae0-c9ee0dc523f6", "saikoku-hold", "s"),
    actions.redirect(CHANNEL, "saikoku-hold", "s"),
    actions.bridge(CHANNEL, "PJSIP/op1-00000001"),
    actions.play_dtmf(CHANNEL, "#"),
    actions.set_var(CHANNEL, "NOTE", "a,b"),
    actions.get_var(CHANNEL, "NOTE"),
    actions.confbridge_mute("op-1", CHANNEL),
    actions.confbridge_unmute("op-1", CHANNEL),
    actions.confbridge_kick("op-1", CHANNEL),
    actions.confbridge_list("op-1"),
    actions.confbridge_list_rooms(),
    actions.mixmonitor(CHANNEL, "2026/07/a.wav", "br(rx)"),
    actions.stop_mixmonitor(CHANNEL),
    actions.stop_mixmonitor(CHANNEL, "0x7f"),
    actions.mixmonitor_mute(CHANNEL, muted=True),
    actions.core_show_channels(),
    actions.status(CHANNEL),
    actions.bridge_list(),
    actions.bridge_info("b-1"),
    actions.queue_status(),
    actions.queue_status("inbound"),
    actions.core_settings(),
    actions.without_events("Newexten"),
]


@pytest.mark.parametrize("action", HARMLESS, ids=lambda action: action.name)
def test_every_action_can_be_built(action: Action) -> None:
    assert action.name


def test_setvar_sends_its_value_whole() -> None:
    assert fields(actions.set_var(CHANNEL, "NOTE", "a,b"))["Value"] == "a,b"


def test_a_mute_of_the_recording_says_its_state() -> None:
    assert fields(actions.mixmonitor_mute(CHANNEL, muted=False))["State"] == "0"


@pytest.mark.req("T4")
@given(before=st.text(), mark=st.sampled_from("\r\n\0"), after=st.text())
def test_line_breaks_and_nul_are_refused_everywhere(before: str, mark: str, after: str) -> None:
    text = before + mark + after
    for name, tag, pair in (
        (text, "", ("A", "b")),
        ("Ping", text, ("A", "b")),
        ("Ping", "", (text, "b")),
        ("Ping", "", ("A", text)),
    ):
        with pytest.raises(InjectionError) as refused:
            Action(name, (pair,), tag=tag)
        assert text not in str(refused.value)


@pytest.mark.req("T4")
@given(text=st.text(max_size=80))
def test_no_argument_of_originate_breaks_its_line(text: str) -> None:
    for change in (
        {"channel": f"PJSIP/{text}"},
        {"channel_id": text},
        {"context": text},
        {"exten": text},
        {"caller_id": "1", "caller_name": text},
        {"account": text},
        {"variables": {"V": text}},
        {"variables": {text: "1"}},
    ):
        try:
            action = call(**change)
        except BadArgument:
            continue
        assert not any(mark in part for pair in action.fields for part in pair for mark in "\r\n\0")


def test_the_repr_of_an_action_holds_no_values() -> None:
    assert "0312345678" not in repr(call())


def test_headers_know_no_case_and_keep_repeats() -> None:
    headers = Headers([("Output", "one"), ("output", "two"), ("Uniqueid", "u")])
    assert headers["OUTPUT"] == "one"
    assert headers.all("Output") == ("one", "two")
    assert headers.all("Nothing") == ()
    assert dict(headers) == {"Output": "one", "Uniqueid": "u"}
    assert "uniqueID" in headers
    assert len(headers) == 2
    with pytest.raises(KeyError):
        headers["Nothing"]
    assert "one" not in repr(headers)
