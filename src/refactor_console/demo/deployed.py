"""What production runs in the demo: the images of the story's newest release, under the digests the registry has."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.containers import Service
from refactor_console.demo.images import Image
from refactor_console.demo.registry_content import RegistryContent, content
from refactor_console.demo.services import IMAGES, SERVICES


@dataclass(frozen=True, slots=True)
class Deployed:
    """The demo host's images and services."""

    images: tuple[Image, ...]
    services: tuple[Service, ...]
    """In the order in which compose starts them."""


def deployed(now_ns: int) -> Deployed:
    """As the story has it at a moment; the registry's content has to be made for the same one."""
    held = content(now_ns)
    images = {image.reference: _pulled(image, held) for image in IMAGES}
    services = tuple(replace(service, image=images[service.image.reference]) for service in SERVICES)
    return Deployed(tuple(images.values()), services)


def _pulled(image: Image, held: RegistryContent) -> Image:
    """The image as it came from the registry; one of another registry stays as it is."""
    name, _, tag = image.reference.rpartition(":")
    path = name.partition("/")[2]
    if path not in held.repositories:
        return image
    index = held.digest_of(path, tag)
    config = held.config(path, index)
    told = json.loads(held.repositories[path].blobs[config])
    created_ns = parse_moment(told["created"][:26].rstrip("Z"))
    layers = tuple(told["rootfs"]["diff_ids"])
    return replace(
        image,
        created_ns=created_ns,
        labels=told["config"]["Labels"],
        manifest=index,
        configuration=config,
        diffs=layers,
    )
