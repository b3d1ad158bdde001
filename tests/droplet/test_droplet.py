"""The droplet keeps its promises: what is on it, and that every fault can be staged and undone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.droplet import instance as life
from tests.droplet.droplet import Droplet
from tests.droplet.errors import CommandFailed, DropletError
from tests.droplet.fixture import droplet, require_droplet
from tests.droplet.paths import InstancePaths
from tests.droplet.shell import run, wait_for
from tests.worlds.droplet import JOURNAL_UNIT, DropletWorld

__all__ = ["droplet"]

pytestmark = pytest.mark.droplet

CONTAINERS = {
    "nginx-reverse-proxy": "running",
    "rust-app": "running",
    "nextjs-app": "running",
    "db-migrator": "exited 0",
}


@pytest.fixture(autouse=True)
def _healed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test leaves broken is mended before the next one."""
    yield
    if "droplet" in request.fixturenames:
        there: Droplet = request.getfixturevalue("droplet")
        if not (there.running and _ssh_works(there) and there.containers() == CONTAINERS):
            there.heal()


def get(droplet: Droplet, path: str, domain: str = "myrefactor.com") -> tuple[int, str, str]:
    """Ask nginx over TLS for a path of a domain: the status, the Location header and the body."""
    with (
        socket.create_connection((droplet.host, 443), timeout=30) as raw,
        droplet.tls_context().wrap_socket(raw, server_hostname=domain) as tls,
    ):
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(tls)
        answer.begin()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def _ssh_works(droplet: Droplet) -> bool:
    return droplet.ssh("true", check=False, timeout=20).returncode == 0


def test_ssh_with_the_key_as_deploy(droplet: Droplet) -> None:
    assert droplet.ssh("id -un; pwd").stdout.split() == ["deploy", "/home/deploy"]
    assert droplet.ssh("stat -c %a docker-compose.yaml .env").stdout.split() == ["640", "640"]


def test_no_password_is_ever_asked_for(droplet: Droplet) -> None:
    done = run(
        [
            *("ssh", "-F", str(droplet.ssh_config), "-o", "PubkeyAuthentication=no"),
            *(
                "-o",
                "PreferredAuthentications=password,keyboard-interactive",
                "-o",
                "BatchMode=yes",
                droplet.name,
                "true",
            ),
        ],
        check=False,
    )
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_users_may_do_what_they_are_meant_to(droplet: Droplet) -> None:
    droplet.ssh("sudo -n systemctl is-active refactor-platform.service && docker ps")
    assert droplet.ssh("sudo -n id", check=False).returncode != 0
    assert "Finished refactor-platform" in droplet.ssh("journalctl -u refactor-platform --no-pager").stdout
    assert droplet.ssh("docker ps", user="nosudo").returncode == 0
    assert droplet.ssh("sudo -n systemctl status", user="nosudo", check=False).returncode != 0
    assert "permission denied" in droplet.ssh("docker ps", user="nodocker", check=False).stderr
    assert (
        "Finished" not in droplet.ssh("journalctl -u refactor-platform --no-pager", user="nodocker", check=False).stdout
    )


def test_unit_and_containers(droplet: Droplet) -> None:
    assert droplet.unit() == ("active", "exited")
    assert droplet.containers() == CONTAINERS
    assert droplet.exec(["systemctl", "--failed", "--no-legend"]).stdout == ""


def test_one_service_tells_its_health(droplet: Droplet) -> None:
    form = "{{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{end}}"

    def healths() -> dict[str, str]:
        lines = droplet.exec(["docker", "inspect", "--format", form, *CONTAINERS]).stdout.splitlines()
        return {name.lstrip("/"): health for name, _, health in (line.partition(" ") for line in lines)}

    wait_for("nextjs-app is healthy", lambda: healths()["nextjs-app"] == "healthy", timeout=60)
    assert [name for name, health in healths().items() if health] == ["nextjs-app"]


def test_images_carry_labels(droplet: Droplet) -> None:
    image = "ghcr.io/refactor-group/refactor-platform-rs:stable"
    labels = json.loads(
        droplet.exec(["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image]).stdout
    )
    wanted = {f"org.opencontainers.image.{key}" for key in ("title", "description", "source", "revision", "version")}
    assert wanted <= labels.keys()


def test_nginx_serves_the_platform_over_tls(droplet: Droplet) -> None:
    status, _, body = get(droplet, "/api/health")
    assert (status, json.loads(body)) == (200, {"status": "healthy"})
    assert get(droplet, "/health") == (200, "", "healthy\n")
    assert "Refactor Coaching Platform" in get(droplet, "/")[2]
    assert get(droplet, "/a?b=c", "refactor.engineer")[:2] == (301, "https://myrefactor.com/a?b=c")
    assert get(droplet, "/a", "www.myrefactor.com")[:2] == (301, "https://myrefactor.com/a")


def test_nginx_answers_health_over_an_ailing_application(droplet: Droplet) -> None:
    droplet.control_app("health", status=503)
    assert get(droplet, "/health")[0] == 200
    assert get(droplet, "/api/health")[0] == 503
    droplet.control_app("health", status=200)
    assert get(droplet, "/api/health")[0] == 200


def test_the_certificate_is_not_for_strangers(droplet: Droplet) -> None:
    with (
        socket.create_connection((droplet.host, 443), timeout=5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
        ssl.create_default_context().wrap_socket(raw, server_hostname="myrefactor.com"),
    ):
        pass


def test_migrations_are_recorded_and_owned(droplet: Droplet) -> None:
    rows = droplet.sql("SELECT version, applied_at FROM refactor_platform.seaql_migrations ORDER BY version")
    assert len(rows) == 8
    assert all(abs(int(row.split("|")[1]) - time.time()) < 7 * 86400 for row in rows)
    owner = droplet.sql(
        "SELECT DISTINCT pg_get_userbyid(typowner) FROM pg_type WHERE typname IN ('status', 'provider')"
    )
    assert owner == ["refactor"]


def test_an_older_image_refuses_a_newer_database(droplet: Droplet) -> None:
    image = "ghcr.io/refactor-group/refactor-platform-rs:1.0.0-beta2"
    script = f"set -a; . ./.env; BACKEND_IMAGE_NAME={image} docker compose run --rm --no-TTY migrator"
    done = droplet.ssh(script, check=False)
    assert done.returncode != 0
    assert "its file is missing" in done.stdout + done.stderr


def test_images_come_from_a_registry_by_digest(droplet: Droplet) -> None:
    image = "ghcr.io/refactor-group/refactor-platform-rs"
    form = "{{index .RepoDigests 0}}"
    before = droplet.ssh(f"docker image inspect --format '{form}' {image}:stable").stdout.strip()
    assert before.startswith(f"{image}@sha256:")
    assert droplet.ssh(f"docker image inspect {image}:1.0.0-beta4", check=False).returncode != 0
    droplet.publish_stable("1.0.0-beta4")
    try:
        after = droplet.ssh(f"docker manifest inspect --verbose {image}:stable | grep -m1 digest").stdout
        assert before.partition("@")[2] not in after
        droplet.ssh(f"docker pull --quiet {image}:1.0.0-beta4 && docker pull --quiet {before}")
        droplet.ssh(f"docker image rm {image}:1.0.0-beta4")
    finally:
        droplet.publish_stable("1.0.0-beta3")


def test_the_registry_refuses_a_wrong_token(droplet: Droplet) -> None:
    login = "DOCKER_CONFIG=$(mktemp -d) docker login ghcr.io --username refactor-bot --password-stdin"
    assert "Login Succeeded" in droplet.ssh(login, input="fake-ghcr-pat").stdout
    assert "401 Unauthorized" in droplet.ssh(login, input="an-expired-token", check=False).stderr


def test_postgres_asks_for_tls(droplet: Droplet) -> None:
    where = "host=refactor-db.internal port=25060 user=refactor dbname=refactor_platform"
    ask = "PGPASSWORD=fake-postgres-password psql -qtAXc 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'"
    root = "sslrootcert=/home/deploy/postgres-ca.crt"
    assert droplet.ssh(f"{ask} '{where} sslmode=verify-full {root}'").stdout.strip() == "t"
    assert droplet.ssh(f"{ask} '{where} sslmode=disable'", check=False).returncode != 0


def test_journal_numbers_are_complete(droplet: Droplet) -> None:
    droplet.start_journal_numbers(rate=20000, total=25000, ident="many")
    wait_for("all lines are written", lambda: not droplet.journal_numbers_running("many"), timeout=60)
    droplet.exec(["journalctl", "--sync"])
    lines = droplet.exec(["journalctl", "-u", "numbered@many", "-o", "cat", "-t", "numbered", "--no-pager"]).stdout
    numbers = [
        int(line.split(" n=")[1].split()[0]) for line in lines.splitlines() if line.startswith("numbered id=many ")
    ]
    assert numbers == list(range(1, 25001))


def test_container_numbers_are_complete(droplet: Droplet) -> None:
    droplet.start_container_numbers(rate=5000, total=5000, ident="c")
    done: Callable[[], bool] = lambda: not droplet.control_app("status")["emitters"]["c"]["running"]  # noqa: E731
    wait_for("all lines are written", done, timeout=30)
    log = droplet.exec(["docker", "logs", "rust-app"]).stdout
    numbers = [int(line.split(" n=")[1].split()[0]) for line in log.splitlines() if " numbered id=c " in line]
    assert numbers == list(range(1, 5001))
    assert droplet.stop_container_numbers("c") == 5000


def test_raw_bytes_arrive_as_they_are(droplet: Droplet) -> None:
    droplet.emit_raw(b"bytes \xff\xfe\x80 and \x1b[31mred\n")
    log = droplet.exec(["sh", "-c", "docker logs --tail 50 rust-app | base64 -w0"]).stdout
    # What Docker's json-file driver makes of bytes that are no UTF-8.
    assert b"bytes \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd and \x1b[31mred\n" in base64.b64decode(log)
    droplet.emit_raw(b"journal \xff\xfe bytes\n", to="journal")
    droplet.exec(["journalctl", "--sync"])
    entries = droplet.exec(["journalctl", "-t", "raw", "-o", "json", "--no-pager"]).stdout.splitlines()
    assert list(b"journal \xff\xfe bytes") in [json.loads(entry)["MESSAGE"] for entry in entries]


def test_a_megabyte_in_one_line(droplet: Droplet) -> None:
    droplet.control_app("big", bytes=1 << 20)
    log = droplet.exec(["docker", "logs", "--since", "1m", "rust-app"]).stdout
    assert max(map(len, log.splitlines())) > 1 << 20


def test_a_crash_is_seen_and_survived(droplet: Droplet) -> None:
    count = "{{.RestartCount}}"
    before = int(droplet.exec(["docker", "inspect", "--format", count, "rust-app"]).stdout)
    droplet.control_app("crash", message="the test said so")
    after: Callable[[], bool] = lambda: (  # noqa: E731
        int(droplet.exec(["docker", "inspect", "--format", count, "rust-app"]).stdout) > before
    )
    wait_for("docker restarts rust-app", after, timeout=30)
    assert "panicked at" in droplet.exec(["docker", "logs", "--tail", "40", "rust-app"]).stderr
    probe = ["docker", "exec", "rust-app", "wget", "-q", "-O", "-", "http://127.0.0.1:4000/health"]
    wait_for("the API answers", lambda: droplet.exec(probe, check=False).returncode == 0, timeout=30)
    droplet.reload_nginx()
    wait_for("the API answers through nginx", droplet.instance.serves, timeout=30)


def test_cut_and_restore(droplet: Droplet) -> None:
    droplet.cut_network()
    assert not life.ssh_answers(droplet.host)
    assert droplet.exec(["hostname"]).stdout.strip() == "refactor-droplet"
    droplet.restore_network()
    wait_for("SSH works again", lambda: _ssh_works(droplet), timeout=20)


def test_killed_sessions_and_a_stopped_sshd(droplet: Droplet) -> None:
    command = ["ssh", "-F", str(droplet.ssh_config), droplet.name, "echo here; exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "here\n"
        droplet.stop_sshd()
        assert not life.ssh_answers(droplet.host)
        assert session.poll() is None
        assert droplet.kill_ssh_sessions() >= 1
        assert session.wait(timeout=20) == 255
    droplet.start_sshd()
    assert _ssh_works(droplet)


def test_wrong_host_key(droplet: Droplet) -> None:
    droplet.set_wrong_host_key()
    with pytest.raises(CommandFailed, match="REMOTE HOST IDENTIFICATION HAS CHANGED"):
        droplet.ssh("true")
    droplet.restore_host_key()
    wait_for("SSH works again", lambda: _ssh_works(droplet), timeout=20)


def test_docker_stops_and_comes_back(droplet: Droplet) -> None:
    droplet.stop_docker()
    assert droplet.ssh("docker ps", check=False).returncode != 0
    assert droplet.unit()[0] == "inactive"
    droplet.start_docker()
    droplet.exec(["systemctl", "start", "refactor-platform.service"])
    wait_for("the platform is back", lambda: droplet.containers() == CONTAINERS, timeout=60)


def test_a_full_disk(droplet: Droplet) -> None:
    droplet.fill_disk()
    assert "No space left on device" in droplet.ssh("head -c 1M /dev/zero > /home/deploy/x", check=False).stderr
    droplet.free_disk()
    droplet.ssh("head -c 1M /dev/zero > /home/deploy/x && rm /home/deploy/x")


def test_a_skewed_clock(droplet: Droplet) -> None:
    droplet.skew_clock(3600)
    assert abs(int(droplet.ssh("date +%s").stdout) - time.time() - 3600) < 30
    assert abs(int(droplet.ssh("date +%s", user="nosudo").stdout) - time.time()) < 30
    droplet.restore_clock()
    assert abs(int(droplet.ssh("date +%s").stdout) - time.time()) < 30


def test_an_empty_journal(droplet: Droplet) -> None:
    droplet.empty_journal()
    count = len(droplet.ssh("journalctl --no-pager -q | head -200").stdout.splitlines())
    assert count < 100
    droplet.exec(["logger", "-t", "fresh", "first line"])
    droplet.exec(["journalctl", "--sync"])
    assert "first line" in droplet.ssh("journalctl -t fresh --no-pager").stdout


def test_reboot_comes_back_with_the_unit_active(droplet: Droplet) -> None:
    before = droplet.exec(["cat", "/etc/machine-id"]).stdout
    droplet.reboot()
    assert _ssh_works(droplet)
    assert droplet.unit() == ("active", "exited")
    assert droplet.containers() == CONTAINERS
    assert droplet.exec(["cat", "/etc/machine-id"]).stdout == before


def test_reboot_from_within(droplet: Droplet) -> None:
    boot = droplet.exec(["systemctl", "show", "--property=UserspaceTimestampMonotonic"]).stdout
    droplet.ssh("sudo systemctl reboot", check=False)

    def rebooted() -> bool:
        with contextlib.suppress(DropletError):
            done = droplet.exec(["systemctl", "show", "--property=UserspaceTimestampMonotonic"], timeout=10)
            return bool(done.stdout) and done.stdout != boot
        return False

    wait_for("the droplet has rebooted", rebooted, timeout=60)
    droplet.instance.wait_ready()
    assert _ssh_works(droplet)
    assert droplet.unit() == ("active", "exited")


def test_power_cut_and_back(droplet: Droplet) -> None:
    address = droplet.host
    droplet.power_off()
    assert not droplet.running
    assert not life.ssh_answers(address)
    droplet.power_on()
    assert _ssh_works(droplet)
    assert droplet.host == address
    assert droplet.unit() == ("active", "exited")
    assert get(droplet, "/api/health")[0] == 200


def test_reset_gives_factory_state_and_keeps_the_keys(droplet: Droplet) -> None:
    droplet.ssh("touch was-here")
    keys = droplet.known_hosts.read_text(encoding="utf-8")
    droplet.reset()
    assert droplet.ssh("ls").stdout.split() == ["docker-compose.yaml", "nginx", "postgres-ca.crt"]
    assert droplet.known_hosts.read_text(encoding="utf-8") == keys
    assert droplet.containers() == CONTAINERS


def test_down_leaves_nothing_behind_even_after_a_crash() -> None:
    require_droplet()
    name = f"{os.environ.get('DROPLET_NAME', 't1')[:9]}-x"
    try:
        other = Droplet.up(name)
        assert _ssh_works(other)
        # A crash: the machine dies and nobody tidies up. `up` has to cope, and `down` after it.
        other.instance.machine.kill()
        assert other.leftovers()
        other = Droplet.up(name)
        assert _ssh_works(other)
    finally:
        life.down(name)
    assert life.leftovers(name) == []


def test_names_are_checked() -> None:
    for name in ("", "UPPER", "a" * 13, "-a", "a-", "a/b", "a b"):
        with pytest.raises(DropletError, match="cannot name a droplet"):
            InstancePaths.of(name)


async def test_a_long_entry_belongs_to_its_unit_even_when_journald_is_slow(droplet: Droplet) -> None:
    """journald looks the writer's unit up when it reads the entry: a writer that is gone by then has none."""
    world = DropletWorld(droplet)
    droplet.exec(["sh", "-c", "kill -STOP $(pidof systemd-journald)"])
    try:
        writing = asyncio.create_task(world.log_to_journal([b"slow but mine " + b"x" * 100_000]))
        done, _ = await asyncio.wait({writing}, timeout=2)  # it may not end while journald has not taken the entry
        assert not done
    finally:
        droplet.exec(["sh", "-c", "kill -CONT $(pidof systemd-journald)"])
    await writing
    shown = droplet.exec(["journalctl", f"--unit={JOURNAL_UNIT}", "--output=cat", "--grep=slow but mine"])
    assert "slow but mine" in shown.stdout
