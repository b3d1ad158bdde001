"""Building the disk image: a Debian 13 tree by debootstrap, our files into it, one boot to make images and database."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.droplet import disk
from tests.droplet.errors import BuildFailed, CommandFailed, DropletError
from tests.droplet.machine import Machine
from tests.droplet.paths import COPIED_IN, LIBRARY, ROOTFS, cache, image_dir, left_out
from tests.droplet.requirements import demand
from tests.droplet.shell import run, run_logged

SUITE = "trixie"
PACKAGES = (
    *(
        "systemd",
        "systemd-sysv",
        "dbus",
        "openssh-server",
        "sudo",
        "iproute2",
        "iputils-ping",
        "curl",
        "ca-certificates",
    ),
    *("openssl", "procps", "less", "rsync", "busybox-static", "python3", "iptables"),
    *("docker.io", "docker-cli", "docker-compose", "docker-registry", "postgresql", "postgresql-client", "nginx"),
)
_NEEDLESS = (
    *("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n"),
    *("usr/lib/postgresql/17/lib/bitcode", "usr/share/info", "usr/share/lintian"),
)
_NEEDLESS_GLOBS = (
    "usr/lib/*/libLLVM*",
    "usr/lib/llvm-*",
    "usr/lib/*/libz3.so*",
    "usr/lib/postgresql/17/lib/llvmjit*",
    "usr/libexec/docker/cli-plugins/docker-buildx",
)
Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of that name against other processes."""
    folder = cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def built_image() -> Path | None:
    """The disk image of the present recipe, if it is built."""
    image = image_dir() / "base.img"
    return image if image.exists() else None


def build(*, say: Say = quiet, force: bool = False) -> Path:
    """Return the disk image of the present recipe, and build it first when there is none."""
    with locked("build"):
        if (image := built_image()) and not force:
            return image
        demand()
        folder = image_dir()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        log = folder / "build.log"
        try:
            image = _build(folder, log, say)
            _forget_old_images()
            return image
        except (DropletError, OSError) as problem:
            raise BuildFailed(f"The droplet's disk could not be built; {log} tells more. {problem}") from problem


def _build(folder: Path, log: Path, say: Say) -> Path:
    begun = time.monotonic()
    tree = _tree(log, say)
    draft, root = folder / "draft.img", folder / "root"
    disk.create(draft)
    disk.mount(draft, root)
    machine = Machine("build", root, folder / "console.log", None)
    try:
        say("unpacking the tree and adding our files")
        run(["tar", "-C", str(root), "-xf", str(tree)], timeout=300)
        _overlay(root)
        run_logged(["chroot", str(root), "sh", f"{LIBRARY}/provision-tree"], log)
        run_logged(["chroot", str(root), "sh", f"{LIBRARY}/personalise"], log)
        say("booting it once to make the container images and the database")
        machine = machine.boot()
        machine.wait_booted()
        run_logged(machine.command(["sh", "-x", f"{LIBRARY}/provision-booted"]), log)
        machine.shut_down()
        (root / "etc" / "machine-id").write_text("", encoding="utf-8")
        shutil.rmtree(root / "etc" / "droplet-ca")
        for journal in (root / "var/log/journal").iterdir():
            shutil.rmtree(journal)
    finally:
        machine.kill()
        disk.unmount(root)
    root.rmdir()
    image = folder / "base.img"
    draft.rename(image)
    say(f"built {image} in {time.monotonic() - begun:.0f} s")
    return image


def _forget_old_images(keep: int = 3) -> None:
    """Images of earlier recipes take most of a gigabyte each; instances have copies and do not need them."""
    folders = [p for p in cache().iterdir() if len(p.name) == 16 and (p / "build.log").exists()]
    for old in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(old, ignore_errors=True)


def _tree(log: Path, say: Say) -> Path:
    """The bare Debian tree as an archive; it depends on the packages only and outlives most changes of the recipe."""
    wanted = repr((SUITE, PACKAGES, _NEEDLESS, _NEEDLESS_GLOBS)).encode()
    archive = cache() / f"tree-{hashlib.sha256(wanted).hexdigest()[:16]}.tar"
    if archive.exists():
        return archive
    say(f"debootstrap of {SUITE} (a minute or two)")
    draft = log.parent / "tree"
    mirror = _mirror()
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(draft)]
    run_logged([*command, mirror] if mirror else command, log)
    run(["chroot", str(draft), "apt-get", "clean"], check=False)
    for needless in [draft / path for path in _NEEDLESS] + [p for glob in _NEEDLESS_GLOBS for p in draft.glob(glob)]:
        if needless.is_dir() and not needless.is_symlink():
            shutil.rmtree(needless)
            if needless.parts[-1] in ("apt", "lists"):
                needless.mkdir()
        else:
            needless.unlink(missing_ok=True)
    part = archive.with_suffix(".part")
    run(["tar", "-C", str(draft), "--numeric-owner", "-cf", str(part), "."], timeout=300)
    part.rename(archive)
    shutil.rmtree(draft)
    return archive


def _mirror() -> str | None:
    """The Debian mirror that this machine's own apt uses; None leaves the choice to debootstrap."""
    if chosen := os.environ.get("DROPLET_MIRROR"):
        return chosen
    try:
        listed = run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(ORIGIN) $(CREATED_BY)"]).stdout
    except (CommandFailed, OSError):
        return None
    for line in listed.splitlines():
        site, release, *rest = line.split()
        if rest[:1] == ["Debian"] and "-" not in release and "security" not in site:
            return site
    return None


def _by_products(_: str, names: list[str]) -> set[str]:
    return {name for name in names if left_out(name)}


def _overlay(root: Path) -> None:
    shutil.copytree(ROOTFS, root, dirs_exist_ok=True, symlinks=True)
    for source, target in COPIED_IN.items():
        if source.is_dir():
            shutil.copytree(source, root / target, dirs_exist_ok=True, ignore=_by_products)
        else:
            shutil.copy2(source, root / target)
    for file in ROOTFS.rglob("*"):
        os.chown(root / file.relative_to(ROOTFS), 0, 0)
