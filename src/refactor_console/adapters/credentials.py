"""Where a GitHub token is found, and the system keyring where one is kept.

Order: environment, keyring, the ``gh`` program. The console writes a token nowhere but into the keyring. Keyrings are
slow to import, may ask a person for a password, and may hang: they are asked in a daemon thread with a time limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.problem import ConsoleError, Problem

T = TypeVar("T")

SERVICE = "refactor-console"
"""The keyring's service name; the user name is the API's host."""
KEYRING_SECONDS = 20.0
"""A keyring may ask a person to unlock it."""
FIND_SECONDS = 5.0
"""When only looking, nobody is waited for that long."""
GH_SECONDS = 5.0
_MOST = 16 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")
_PUBLIC = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


class CredentialError(ConsoleError):
    """The keyring did not do what it was asked; codes keyring-absent, keyring-failed, keyring-timeout."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought."""

    credential: Credential | None
    """None when there is no token anywhere."""
    notices: tuple[Problem, ...] = ()
    """Places that could not be looked at, or held something unusable; the search went on."""


async def find(
    api_url: str,
    web_url: str,
    *,
    environ: Mapping[str, str] | None = None,
    keyring_seconds: float = FIND_SECONDS,
    gh_seconds: float = GH_SECONDS,
) -> Found:
    """Look for a token for one GitHub; the first place that has one wins.

    Args:
        api_url: its API: the keyring knows the token by this host.
        web_url: its web address: ``gh`` knows it by this host.
        environ: the environment variables; this process's when None.
        keyring_seconds: how long to wait for the keyring.
        gh_seconds: how long to wait for ``gh``.
    """
    environment = os.environ if environ is None else environ
    notices: list[Problem] = []
    host = _host(web_url)
    for name in _PUBLIC if _is_public(host) else _ENTERPRISE:
        text = environment.get(name, "").strip()
        if text and _usable(text, name, notices):
            return Found(Credential(Secret(text), TokenSource.ENVIRONMENT, name), tuple(notices))
    try:
        kept = await _in_thread(lambda: _read(_host(api_url)), keyring_seconds)
    except CredentialError as error:
        kept = None
        if error.problem.code != "keyring-absent":  # no keyring at all is how servers are
            notices.append(error.problem)
    if kept and _usable(kept.strip(), "the keyring", notices):
        return Found(Credential(Secret(kept.strip()), TokenSource.KEYRING, "keyring"), tuple(notices))
    text = (await _ask_gh(host, environment, gh_seconds, notices)).strip()
    if text and _usable(text, "gh", notices):
        return Found(Credential(Secret(text), TokenSource.GH, f"gh ({host})"), tuple(notices))
    return Found(None, tuple(notices))


async def keep(api_url: str, token: Secret, *, seconds: float = KEYRING_SECONDS) -> Credential:
    """Keep a token in the keyring, and look whether it is there.

    Raises:
        CredentialError: there is no keyring, or it failed; the token is kept nowhere then.
    """
    host = _host(api_url)
    stored = await _in_thread(lambda: _write(host, token), seconds)
    if not stored:
        raise CredentialError(_absent("It took the token and does not have it."))
    return Credential(token, TokenSource.KEYRING, "keyring")


async def forget(api_url: str, *, seconds: float = KEYRING_SECONDS) -> bool:
    """Remove the token from the keyring; False when there was none.

    Raises:
        CredentialError: there is no keyring, or it failed.
    """
    return await _in_thread(lambda: _delete(_host(api_url)), seconds)


def _host(url: str) -> str:
    """Host, and port where it is given."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _is_public(host: str) -> bool:
    """Whether ``gh`` takes the ordinary variables for a host: github.com and the tenants of ghe.com."""
    return host in ("github.com", "github.localhost") or host.endswith(".ghe.com")


def _usable(text: str, place: str, notices: list[Problem]) -> bool:
    if _TOKEN.fullmatch(text):
        return True
    notices.append(
        Problem(
            f"What {place} holds is no token: it has characters that no token has; it was passed over.",
            f"Set {place} again, without spaces or line breaks.",
            code="token-unusable",
        )
    )
    return False


# -- the keyring, in a thread


def _read(host: str) -> str | None:
    import keyring  # noqa: PLC0415 - takes a tenth of a second

    return keyring.get_password(SERVICE, host)


def _write(host: str, token: Secret) -> bool:
    import keyring  # noqa: PLC0415

    keyring.set_password(SERVICE, host, token.reveal())
    return keyring.get_password(SERVICE, host) == token.reveal()


def _delete(host: str) -> bool:
    import keyring  # noqa: PLC0415

    if keyring.get_password(SERVICE, host) is None:
        return False
    keyring.delete_password(SERVICE, host)
    return True


async def _in_thread(work: Callable[[], T], seconds: float) -> T:
    """Run keyring work in a daemon thread: one that hangs keeps neither the console running nor a pool's place."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, problem: Problem | None) -> None:
        if done.done():
            return  # nobody waits any more
        if problem is not None:
            done.set_exception(CredentialError(problem))
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        problem: Problem | None = None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - backends raise whatever their libraries raise
            problem = _explain(error)
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who asked
            loop.call_soon_threadsafe(finish, result, problem)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        return await asyncio.wait_for(done, seconds)
    except TimeoutError:
        raise CredentialError(
            Problem(
                f"The system keyring did not answer within {seconds:g} s.",
                "Unlock it (it may wait for a password in a window elsewhere), or set GH_TOKEN instead.",
                code="keyring-timeout",
            )
        ) from None


def _explain(error: Exception) -> Problem:
    """The kind of a keyring's failure, not its words, which are a backend's own and may hold anything."""
    from keyring.errors import KeyringLocked, NoKeyringError  # noqa: PLC0415

    if isinstance(error, NoKeyringError):
        return _absent(type(error).__name__)
    locked = isinstance(error, KeyringLocked)
    return Problem(
        "The system keyring is locked." if locked else "The system keyring failed.",
        "Unlock it, or set GH_TOKEN instead." if locked else "Look at `keyring diagnose`, or set GH_TOKEN instead.",
        type(error).__name__,
        "keyring-failed",
    )


def _absent(detail: str) -> Problem:
    return Problem(
        "This machine has no system keyring that the console could keep a token in.",
        "Set GH_TOKEN, or log in with `gh auth login`; a token from the device flow lasts until the console ends.",
        detail,
        "keyring-absent",
    )


# -- gh


async def _ask_gh(host: str, environment: Mapping[str, str], seconds: float, notices: list[Problem]) -> str:
    """The token of an existing ``gh`` login; empty when there is no ``gh``, or it is not logged in there."""
    quiet = {**environment, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    try:
        process = await asyncio.create_subprocess_exec(
            "gh",
            "auth",
            "token",
            f"--hostname={host}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=quiet,
        )
    except OSError:
        return ""  # no such program, or it cannot be run: not everybody has it
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        notices.append(
            Problem(f"`gh auth token` did not end within {seconds:g} s and was passed over.", code="gh-timeout")
        )
        return ""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return output[:_MOST].decode("ascii", "replace") if process.returncode == 0 else ""
