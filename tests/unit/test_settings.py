"""Settings: what is said when one is wrong, and what holds when nothing but a host is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console import glance, settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(glance.PREFIX):
            monkeypatch.delenv(name)


def load(tmp_path: Path, text: str) -> tuple[settings.Settings, Path]:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file)


def test_a_host_name_is_all_an_on_call_engineer_sets(tmp_path: Path) -> None:
    environments, start = settings.environments(*load(tmp_path, '[environments.production]\nhost = "refactor-droplet"'))
    (production,) = environments
    assert start == production.name == "production"
    assert production.protected
    assert production.ssh.host == "refactor-droplet"
    assert production.ssh.default_user == "deploy"
    assert production.unit == "refactor-platform.service"
    assert production.services == ("nginx", "migrator", "rust-app", "nextjs-app")


def test_one_variable_is_enough_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFACTOR_CONSOLE_HOST", "droplet")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    environments, start = settings.environments(*settings.load())
    assert [e.ssh.host for e in environments] == ["droplet"]
    assert start == "production"


def test_the_short_host_stands_beside_other_settings_of_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFACTOR_CONSOLE_HOST", "droplet")
    monkeypatch.setenv("REFACTOR_CONSOLE_ENVIRONMENTS__PRODUCTION__PORT", "2222")
    environments, _ = settings.environments(*load(tmp_path, '[environments.production]\nuser = "me"'))
    assert [(e.ssh.host, e.ssh.port, e.ssh.user) for e in environments] == [("droplet", 2222, "me")]


def test_a_variable_beats_the_file_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFACTOR_CONSOLE_ENVIRONMENTS__STAGING__PORT", "2222")
    found, file = load(tmp_path, '[environments.staging]\nhost = "pi"\nport = 22\nuser = "me"\nprotected = false')
    ((staging,), start) = settings.environments(found, file)
    assert (staging.ssh.port, staging.ssh.user, staging.protected, start) == (2222, "me", False, "staging")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[environments.production]\nport = 22", "{file}: environments.production.host: this setting is missing"),
        (
            '[environments.p]\nhost = "a"\nport = "x"',
            "{file}: environments.p.port: expected a whole number, found 'x'.",
        ),
        ('[environments.p]\nhost = "a"\nuzer = "x"', "{file}: environments.p.uzer: there is no such setting. Did you"),
        ("host = 3", "{file}: host: expected a text in quotes, found 3."),
        ('hosst = "a"', "{file}: hosst: there is no such setting. Did you mean host?"),
        ("host =", "{file}: this is not TOML: Invalid value (at"),
        ('host = "-oProxyCommand=x"', "{file}: host: expected a text without control characters that does not begin"),
        ('host = "a"\n[environments."a b"]\nhost = "c"', "{file}: environments.a b: expected a name of letters"),
        ('[environments.p]\nhost = "a"\nunit = "nginx"', "{file}: environments.p.unit: expected a unit's full name"),
        (
            'host = "a"\ndefault_environment = "q"',
            "{file}: default_environment: expected one of production, found 'q'.",
        ),
        ("", "No environment is set: {file} has no [environments.production] table with a host."),
    ],
)
def test_a_wrong_setting_gets_one_sentence_with_file_key_and_expectation(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.environments(*load(tmp_path, text))
    assert caught.value.problem.summary.startswith(sentence.format(file=tmp_path / "config.toml"))
    assert "\n" not in caught.value.problem.summary


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("REFACTOR_CONSOLE_HOSTT", "a", "there is no such setting. Did you mean REFACTOR_CONSOLE_HOST?"),
        ("REFACTOR_CONSOLE_READ_ONLY", "perhaps", "expected true or false, found 'perhaps'."),
        ("REFACTOR_CONSOLE_ENVIRONMENTS__P__PORT", "99999", "expected less than or equal to 65535, found '99999'."),
        ("REFACTOR_CONSOLE_KEYS", "{bad", "expected a JSON object, such as {...}."),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(settings.SettingsError) as caught:
        load(tmp_path, '[environments.p]\nhost = "a"')
    assert caught.value.problem.summary == f"Variable {name}: {sentence}"


def test_a_named_file_must_exist_and_the_usual_one_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(settings.SettingsError, match="there is no such configuration file"):
        settings.load(tmp_path / "absent.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings.load()[0].named() == {}


@given(st.text(max_size=200))
def test_any_file_is_read_or_refused_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "config.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        settings.environments(*settings.load(file))
    except settings.SettingsError as error:
        assert error.problem.summary


@pytest.mark.parametrize(
    ("text", "environ", "seen"),
    [
        ('host = "a"', {}, ("production", True, False)),
        ("", {"REFACTOR_CONSOLE_HOST": "a"}, ("production", True, False)),
        ('[environments.staging]\nhost = "a"\nprotected = false', {}, ("staging", False, False)),
        (
            'host = "a"\n[environments.staging]\nhost = "b"',
            {"REFACTOR_CONSOLE_READ_ONLY": "1"},
            ("production", True, True),
        ),
        (
            '[environments.a]\nhost = "a"\n[environments.b]\nhost = "b"\nprotected = true',
            {
                "REFACTOR_CONSOLE_DEFAULT_ENVIRONMENT": "b",
                "REFACTOR_CONSOLE_ENVIRONMENTS__B__PROTECTED": "off",
            },
            ("b", False, False),
        ),
    ],
)
def test_a_glance_sees_what_the_check_will_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, environ: dict[str, str], seen: tuple[str, bool, bool]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    checked, file = load(tmp_path, text)
    environments, start = settings.environments(checked, file)
    looked = glance.glance(file)
    assert looked is not None
    assert (looked.name, looked.protected, looked.read_only) == seen
    chosen = next(e for e in environments if e.name == start)
    assert (chosen.name, chosen.protected, checked.read_only) == seen


@given(st.text(max_size=120))
def test_a_glance_at_any_file_raises_nothing(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "config.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert glance.glance(file) is None or glance.glance(file)


def test_a_key_for_an_action_that_does_not_exist_is_named(tmp_path: Path) -> None:
    from refactor_console.app import ConsoleApp
    from refactor_console.screens.panes import action_ids

    known = action_ids(ConsoleApp)
    good, file = load(tmp_path, 'host = "a"\n[keys]\n"containers.restart" = "ctrl+r"\n"logs.pause" = "p"')
    settings.check_keys(good, file, known)
    wrong, file = load(tmp_path, 'host = "a"\n[keys]\n"containers.restrat" = "ctrl+r"')
    with pytest.raises(settings.SettingsError) as caught:
        settings.check_keys(wrong, file, known)
    assert caught.value.problem.summary == (
        f"{file}: keys.containers.restrat: there is no such action. Did you mean containers.restart?"
    )
