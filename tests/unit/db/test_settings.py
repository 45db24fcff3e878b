"""Settings: a wrong one stops the start and says which, what it was and what is allowed."""

from pathlib import Path

import pytest

from db.settings import Address, Secret, SettingError, environment, load


def test_defaults_need_nothing() -> None:
    settings = load(environ={})
    assert settings.database.url == "sqlite:///var/saikoku.db"
    assert settings.panel.listen == Address("127.0.0.1", 8080)
    assert settings.smpp.bind == "transceiver"


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "saikoku.toml"
    file.write_text('[ami]\nhost = "pbx.example"\nport = 5039\ntls = true\n', encoding="utf-8")
    settings = load(file, {"SAIKOKU_AMI_PORT": "5040"})
    assert (settings.ami.host, settings.ami.port, settings.ami.tls) == ("pbx.example", 5040, True)


def test_the_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "saikoku.toml"
    file.write_text('[office]\nname = "みなと野市"\n', encoding="utf-8")
    assert load(environ={"SAIKOKU_CONFIG": str(file)}).office.name == "みなと野市"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SAIKOKU_AMI_PORT", "many", "ami.port = 'many': must be a whole number"),
        ("SAIKOKU_AMI_TLS", "perhaps", "ami.tls = 'perhaps': must be true or false"),
        ("SAIKOKU_PANEL_LISTEN", "8080", "panel.listen = '8080': must be HOST:PORT"),
        ("SAIKOKU_PANEL_LISTEN", "localhost:99999", "must be HOST:PORT"),
        ("SAIKOKU_OFFICE_ZONE", "Asia/Nowhere", "must be a time zone"),
        ("SAIKOKU_SMPP_BIND", "both", "must be one of transceiver, tx_rx"),
        ("SAIKOKU_AMI_HOST", "a\nb", "must be text on one line"),
        ("SAIKOKU_PANEL_COLOUR", "red", "panel.colour = '…': no such setting; there are: agi."),
        ("SAIKOKU_NONSENSE", "x", "no such setting"),
        ("SAIKOKU_AMI_SECRET_FILE", "/nowhere/secret", "ami.secret_file = '/nowhere/secret': the file cannot be read"),
    ],
)
def test_a_wrong_setting_says_what_and_what_is_allowed(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingError) as wrong:
        load(environ={variable: value})
    assert says in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("host = 'x'", "must stand inside a [section]"),
        ("[ami\n", "is not TOML"),
        ("[ami]\nhots = 'x'", "ami.hots"),
        ("[ami]\nport = true", "must be a whole number"),
    ],
)
def test_a_wrong_file_says_what(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "saikoku.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError) as wrong:
        load(file, {})
    assert says in str(wrong.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_secrets_come_from_files_and_are_never_seen(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n", encoding="utf-8")
    settings = load(environ={"SAIKOKU_AMI_SECRET_FILE": str(tmp_path / "secret"), "SAIKOKU_SMPP_PASSWORD": "hunter3"})
    assert settings.ami.secret.reveal() == "hunter2"
    assert "hunter" not in repr(settings)
    assert "hunter" not in f"{settings.ami.secret} {settings.smpp.password}"


def test_a_bad_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SettingError) as wrong:
        load(environ={"SAIKOKU_AMI_SECRET": "hun\nter2"})
    assert "ter2" not in str(wrong.value)


def test_secrets_compare_and_say_whether_they_are_there() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != "a"
    assert not Secret()
    assert len({Secret("a"), Secret("a")}) == 1


def test_settings_for_a_daemon_come_back_as_they_went() -> None:
    settings = load(environ=environment({"ami.port": 5040, "panel.listen": Address("127.0.0.1", 9)}))
    assert (settings.ami.port, settings.panel.listen.port) == (5040, 9)
