"""The controls of the demo's registry, for tests and training; `demo.control` takes them among its verbs."""

from __future__ import annotations

from typing import Any

from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_faults import Fault

Request = dict[str, Any]
ODD_TYPE = "application/vnd.example.thing.v7+json"
"""A media type that no client knows."""


class RegistryControl:
    """Each verb is a method ``do_<verb>``; ``path`` is an image repository's, such as ``refactor-group/...``."""

    def __init__(self, registry: DemoRegistry) -> None:
        self._registry = registry

    async def do_registry_down(self, _: Request) -> None:
        """Refuse connections."""
        await self._registry.stop()

    async def do_registry_up(self, _: Request) -> None:
        """Accept them again, at the same address."""
        await self._registry.start()

    async def do_registry_fault(self, request: Request) -> None:
        """``fault`` (see `registry_faults.Fault`), ``match`` (a pattern), ``times`` (else for ever), ``value``."""
        times = request.get("times")
        self._registry.faults.order(
            Fault(request["fault"]),
            str(request.get("match", "")),
            None if times is None else int(times),
            float(request.get("value", 0.0)),
        )

    async def do_registry_clear(self, _: Request) -> None:
        """No more faults."""
        self._registry.faults.clear()

    async def do_registry_private(self, request: Request) -> None:
        """``path`` needs a credential from now on, unless ``on`` is false."""
        if request.get("on", True):
            self._registry.private.add(str(request["path"]))
        else:
            self._registry.private.discard(str(request["path"]))

    async def do_registry_delete(self, request: Request) -> dict[str, Any]:
        """Delete what ``reference`` (tag or digest) names in ``path``. Tells its ``digest``."""
        return {"digest": self._registry.delete(str(request["path"]), str(request["reference"]))}

    async def do_registry_move(self, request: Request) -> None:
        """Let ``tag`` in ``path`` point to ``digest``."""
        self._registry.move(str(request["path"]), str(request["tag"]), str(request["digest"]))

    async def do_registry_add_tags(self, request: Request) -> None:
        """``count`` more tags in ``path``."""
        self._registry.crowd(str(request["path"]), int(request["count"]))

    async def do_registry_odd(self, request: Request) -> dict[str, Any]:
        """Push a manifest of a type nobody knows as ``tag`` in ``path``. Tells its ``digest``."""
        kind = str(request.get("media_type", ODD_TYPE))
        return {"digest": self._registry.put(str(request["path"]), str(request["tag"]), kind, {"thing": True})}

    async def do_registry_expire_tokens(self, _: Request) -> None:
        """No token given out so far is good any more."""
        self._registry.expire_tokens()
