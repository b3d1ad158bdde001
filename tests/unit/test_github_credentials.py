"""Where a token is found, kept and forgotten; a keyring or a `gh` that misbehaves stops nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from refactor_console.adapters import credentials
from refactor_console.adapters.credentials import CredentialError, Found
from refactor_console.domain.account import Secret, TokenSource

API, WEB = "https://api.github.com", "https://github.com"
ENTERPRISE = ("https://ghe.example/api/v3", "https://ghe.example")
NO_PROGRAMS = {"PATH": "/nonexistent"}


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring as the library defines one, in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class BrokenKeyring(MemoryKeyring):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class HangingKeyring(MemoryKeyring):
    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.go.wait()
        return None


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    """No test touches the keyring of whoever runs it."""
    before = keyring.get_keyring()
    mine = MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def gh(directory: Path, script: str) -> dict[str, str]:
    """An environment whose only program is a `gh` that runs this."""
    program = directory / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def where(found: Found) -> tuple[TokenSource, str, str]:
    assert found.credential is not None
    return found.credential.source, found.credential.place, found.credential.token.reveal()


async def find(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, urls: tuple[str, str] = (API, WEB)) -> Found:
    monkeypatch.setenv("PATH", environ["PATH"])
    return await credentials.find(*urls, environ=environ, keyring_seconds=2.0, gh_seconds=2.0)


async def test_places_are_looked_at_in_order(
    ring: MemoryKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {**gh(tmp_path, 'echo "gho_gh"'), "GH_TOKEN": " ghp_one\n", "GITHUB_TOKEN": "ghp_two"}
    ring.kept[credentials.SERVICE, "api.github.com"] = "gho_ring"
    assert where(await find(environ, monkeypatch)) == (TokenSource.ENVIRONMENT, "GH_TOKEN", "ghp_one")
    del environ["GH_TOKEN"]
    assert where(await find(environ, monkeypatch)) == (TokenSource.ENVIRONMENT, "GITHUB_TOKEN", "ghp_two")
    environ["GITHUB_TOKEN"] = ""
    assert where(await find(environ, monkeypatch)) == (TokenSource.KEYRING, "keyring", "gho_ring")
    ring.kept.clear()
    assert where(await find(environ, monkeypatch)) == (TokenSource.GH, "gh (github.com)", "gho_gh")
    assert (await find(NO_PROGRAMS, monkeypatch)) == Found(None)


async def test_the_token_for_github_com_does_not_go_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {**NO_PROGRAMS, "GH_TOKEN": "ghp_public", "GITHUB_TOKEN": "ghp_public"}
    assert (await find(environ, monkeypatch, ENTERPRISE)).credential is None
    assert (await find(environ, monkeypatch, ("http://127.0.0.1:5", "http://127.0.0.1:5"))).credential is None
    environ["GITHUB_ENTERPRISE_TOKEN"] = "ghp_ours"
    found = await find(environ, monkeypatch, ENTERPRISE)
    assert where(found) == (TokenSource.ENVIRONMENT, "GITHUB_ENTERPRISE_TOKEN", "ghp_ours")
    tenant = await find(environ, monkeypatch, ("https://api.us.ghe.com", "https://us.ghe.com"))
    assert where(tenant)[2] == "ghp_public"


async def test_gh_is_asked_for_the_host_and_never_for_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "asked"
    environ = gh(tmp_path, f'echo "$@ $GH_PROMPT_DISABLED" > {log}; echo gho_gh')
    assert where(await find(environ, monkeypatch, ENTERPRISE))[1] == "gh (ghe.example)"
    assert log.read_text().strip() == "auth token --hostname=ghe.example 1"


@pytest.mark.parametrize("script", ["exit 1", "echo 'no oauth token' >&2; exit 1", "true", "echo; echo"])
async def test_a_gh_without_a_login_is_no_token(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await find(gh(tmp_path, script), monkeypatch) == Found(None)


async def test_a_gh_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = gh(tmp_path, "exec sleep 600")
    monkeypatch.setenv("PATH", environ["PATH"])
    found = await credentials.find(API, WEB, environ=environ, gh_seconds=0.3)
    assert found.credential is None
    assert [notice.code for notice in found.notices] == ["gh-timeout"]


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "tokén", "x" * 5000])
async def test_what_is_no_token_is_passed_over_with_a_notice(
    text: str, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.kept[credentials.SERVICE, "api.github.com"] = "gho_ring"
    found = await find({**NO_PROGRAMS, "GH_TOKEN": text}, monkeypatch)
    assert where(found)[2] == "gho_ring"
    assert [notice.code for notice in found.notices] == ["token-unusable"]
    assert text not in repr(found)


@pytest.mark.parametrize(
    "error", [keyring.errors.KeyringLocked("secret words"), OSError("dbus"), RuntimeError("odd"), ValueError()]
)
async def test_a_broken_keyring_is_a_notice_and_the_search_goes_on(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(BrokenKeyring(error))
    found = await find(gh(tmp_path, "echo gho_gh"), monkeypatch)
    assert where(found)[0] is TokenSource.GH
    assert [notice.code for notice in found.notices] == ["keyring-failed"]
    assert "secret words" not in repr(found.notices)


async def test_a_keyring_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = HangingKeyring()
    keyring.set_keyring(hanging)
    environ = gh(tmp_path, "echo gho_gh")
    monkeypatch.setenv("PATH", environ["PATH"])
    try:
        found = await credentials.find(API, WEB, environ=environ, keyring_seconds=0.2)
        assert where(found)[0] is TokenSource.GH
        assert [notice.code for notice in found.notices] == ["keyring-timeout"]
    finally:
        hanging.go.set()


async def test_a_machine_without_keyring_is_silent_when_looking_and_clear_when_keeping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert await find(NO_PROGRAMS, monkeypatch) == Found(None)
    with pytest.raises(CredentialError) as caught:
        await credentials.keep(API, Secret("gho_new"))
    assert caught.value.problem.code == "keyring-absent"
    assert "GH_TOKEN" in caught.value.problem.remedy


async def test_a_keyring_that_forgets_at_once_is_found_out() -> None:
    keyring.set_keyring(keyring.backends.null.Keyring())
    with pytest.raises(CredentialError) as caught:
        await credentials.keep(API, Secret("gho_new"))
    assert caught.value.problem.code == "keyring-absent"


async def test_a_token_is_kept_found_and_forgotten(ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = await credentials.keep(API, Secret("gho_new"))
    assert kept.source is TokenSource.KEYRING
    assert ring.kept == {("refactor-console", "api.github.com"): "gho_new"}
    assert where(await find(NO_PROGRAMS, monkeypatch))[2] == "gho_new"
    assert await credentials.forget(API) is True
    assert await credentials.forget(API) is False
    assert ring.kept == {}


async def test_a_keyring_that_refuses_says_so_when_keeping() -> None:
    keyring.set_keyring(BrokenKeyring(keyring.errors.PasswordSetError("words with gho_new")))
    with pytest.raises(CredentialError) as caught:
        await credentials.keep(API, Secret("gho_new"))
    assert caught.value.problem.code == "keyring-failed"
    assert "gho_new" not in repr(caught.value.problem)
