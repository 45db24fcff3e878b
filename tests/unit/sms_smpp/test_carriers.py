"""The carriers of the settings, and what of theirs is wrong."""

import pytest

from db.rules.texts.parts import Joining
from db.settings import Secret, SettingError, Settings, SmppSettings
from db.timing import RealTime
from db.usecases.sms_settings import wording_of
from sms_smpp.carriers import carriers_of, link_settings, route_of


def carrier(**changes: object) -> SmppSettings:
    values = {"host": "127.0.0.1", "system_id": "saikoku", "password": Secret("tanuki7"), "sender": "0422112233"}
    return SmppSettings(**(values | changes))  # type: ignore[arg-type]


async def nothing(_: object) -> None:
    raise AssertionError


@pytest.mark.req("S1", "P2")
@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"host": ""}, "smpp.host"),
        ({"sender": ""}, "smpp.sender"),
        ({"sender": "1" * 30}, "smpp.sender"),
        ({"prefixes": "090"}, "smpp.prefixes"),
        ({"prefixes": ""}, "smpp.prefixes"),
        ({"validity_hours": 2400}, "smpp.validity_hours"),
        ({"window": 0}, "smpp.window"),
        ({"password": Secret("nine_long")}, "smpp"),
        ({"tls": True, "ca_file": "/nowhere"}, "smpp.ca_file"),
    ],
)
async def test_what_is_wrong_stops_the_start_with_its_key(changes: dict[str, object], key: str) -> None:
    with pytest.raises(SettingError) as error:
        carriers_of(Settings(smpp=carrier(**changes)), lambda _: nothing, RealTime())
    assert error.value.key == key
    assert "nine_long" not in str(error.value)


@pytest.mark.req("S1")
async def test_two_carriers_need_two_names() -> None:
    both = Settings(smpp=carrier(name="A"), smpp3=carrier(name="B", prefixes="+8180 +8190"))
    assert [made.route.name for made in carriers_of(both, lambda _: nothing, RealTime())] == ["A", "B"]
    with pytest.raises(SettingError, match=r"smpp\.name"):
        carriers_of(Settings(smpp=carrier(), smpp2=carrier()), lambda _: nothing, RealTime())


@pytest.mark.req("S1")
def test_what_was_agreed_reaches_the_link_and_the_route() -> None:
    agreed = carrier(validity_hours=30, rate=0, joining="udh16", enquire_seconds=20)
    assert route_of("smpp", agreed).validity == "000001060000000R"
    assert route_of("smpp", agreed).allowance.joining is Joining.UDH16
    assert link_settings("smpp", agreed).per_second is None
    assert link_settings("smpp", agreed).enquire_interval == 20.0
    assert route_of("smpp", carrier(validity_hours=0)).validity == ""


@pytest.mark.req("S2", "S7")
def test_a_text_must_fit_every_carrier() -> None:
    both = Settings(smpp=carrier(longest=500, joining="message_payload"), smpp2=carrier(gsm7=False, joining="udh16"))
    strictest = wording_of(both).allowance
    assert (strictest.longest, strictest.gsm7, strictest.joining) == (500, False, Joining.UDH16)
    assert wording_of(Settings()).allowance.longest == 670
