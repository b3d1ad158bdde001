"""What the demo platform is made of: its images, services and their settings, as production has them.

Every secret here is invented for the demo; they are there so that a console can be seen to hide them.
"""

from __future__ import annotations

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.containers import HealthCheck, Mounted, Service
from refactor_console.demo.images import Image, digest

VERSION = "1.0.0-beta3"
REVISION = digest("refactor-platform-rs 1.0.0-beta3")[:40]
FRONTEND_REVISION = digest("refactor-platform-fe 1.0.0-beta3")[:40]
BACKEND_IMAGE = "ghcr.io/refactor-group/refactor-platform-rs:stable"
FRONTEND_IMAGE = "ghcr.io/refactor-group/refactor-platform-fe:stable"
_PASSWORD = "demo-" + digest("password")[:18]
_DATABASE = f"postgres://refactor:{_PASSWORD}@db-postgresql-nyc3-demo.example.net:25060/refactor?sslmode=verify-full"


def _oci(title: str, repository: str, revision: str) -> dict[str, str]:
    prefix = "org.opencontainers.image"
    return {
        f"{prefix}.description": f"Refactor Platform {title}",
        f"{prefix}.revision": revision,
        f"{prefix}.source": f"https://github.com/refactor-group/{repository}",
        f"{prefix}.title": title,
        f"{prefix}.version": VERSION,
    }


def _secret(name: str, length: int = 32) -> str:
    return f"{name}=demo_{digest(name)[:length]}"


BACKEND = Image(
    BACKEND_IMAGE,
    parse_moment("2026-06-18T09:41:27.318204"),
    148_230_144,
    command=(),
    entrypoint=("/entrypoint.sh",),
    labels=_oci("Backend", "refactor-platform-rs", REVISION),
    exposed=("4000/tcp",),
    working_dir="/app",
    layers=9,
)
FRONTEND = Image(
    FRONTEND_IMAGE,
    parse_moment("2026-06-18T10:05:03.902117"),
    231_806_976,
    command=("node", "server.js"),
    entrypoint=("docker-entrypoint.sh",),
    labels=_oci("Frontend", "refactor-platform-fe", FRONTEND_REVISION),
    env=("PATH=/usr/local/bin:/usr/bin:/bin", "NODE_VERSION=22.14.0", "NODE_ENV=production"),
    exposed=("3000/tcp",),
    working_dir="/app",
    layers=11,
)
NGINX = Image(
    "nginx:1.25-alpine",
    parse_moment("2024-05-29T22:30:21"),
    43_233_280,
    command=("nginx", "-g", "daemon off;"),
    entrypoint=("/docker-entrypoint.sh",),
    labels={"maintainer": "NGINX Docker Maintainers <docker-maint@nginx.com>"},
    env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "NGINX_VERSION=1.25.5"),
    exposed=("443/tcp", "80/tcp"),
    layers=8,
)
IMAGES = (BACKEND, FRONTEND, NGINX)

_ROOT_CERT = Mounted("/home/deploy/certs/do-postgres-ca.crt", "/app/root.crt")
_SHARED = ("RUST_ENV=production", "PLATFORM=linux/amd64", f"BACKEND_IMAGE_NAME={BACKEND_IMAGE}")


def _live(domain: str) -> tuple[Mounted, ...]:
    return tuple(
        Mounted(f"/etc/letsencrypt/{kind}/{domain}/", f"/etc/letsencrypt/{kind}/{domain}/")
        for kind in ("live", "archive")
    )


SERVICES = (
    Service(
        "migrator",
        "db-migrator",
        BACKEND,
        env=("ROLE=migrator", *_SHARED, "DATABASE_SCHEMA=refactor_platform", f"DATABASE_URL={_DATABASE}"),
        mounts=(_ROOT_CERT,),
        restart="no",
        address=2,
        processes=("/app/migrationctl up -s refactor_platform",),
        oneshot_seconds=1.4,
    ),
    Service(
        "rust-app",
        "rust-app",
        BACKEND,
        env=(
            "ROLE=app",
            *_SHARED,
            "POSTGRES_USER=refactor",
            f"POSTGRES_PASSWORD={_PASSWORD}",
            "POSTGRES_DB=refactor",
            "POSTGRES_SCHEMA=refactor_platform",
            "POSTGRES_HOST=db-postgresql-nyc3-demo.example.net",
            "POSTGRES_PORT=25060",
            f"DATABASE_URL={_DATABASE}",
            "DB_MAX_CONNECTIONS=15",
            "BACKEND_PORT=4000",
            "BACKEND_INTERFACE=0.0.0.0",
            "BACKEND_API_VERSION=1.0.0-beta1",
            "BACKEND_ALLOWED_ORIGINS=https://myrefactor.com,https://www.myrefactor.com",
            "BACKEND_LOG_FILTER_LEVEL=INFO",
            "BACKEND_SESSION_EXPIRY_SECONDS=86400",
            "TIPTAP_APP_ID=8k2xq9m4",
            _secret("TIPTAP_AUTH_KEY", 40),
            _secret("TIPTAP_JWT_SIGNING_KEY", 40),
            _secret("RESEND_API_KEY"),
            _secret("ENCRYPTION_KEY", 44),
            "GOOGLE_CLIENT_ID=401172863345-demo.apps.googleusercontent.com",
            _secret("GOOGLE_CLIENT_SECRET", 24),
            _secret("RECALL_AI_API_KEY"),
            _secret("RECALL_AI_WEBHOOK_SECRET"),
            "RECALL_AI_REGION=us-west-2",
            "FRONTEND_BASE_URL=https://myrefactor.com",
        ),
        mounts=(_ROOT_CERT,),
        depends_on="migrator:service_started:false",
        address=3,
        stop_seconds=0.6,
        processes=("/app/refactor_platform_rs --interface 0.0.0.0 --port 4000",),
    ),
    Service(
        "nextjs-app",
        "nextjs-app",
        FRONTEND,
        env=(
            "HOSTNAME=0.0.0.0",
            "PORT=3000",
            "NEXT_PUBLIC_BACKEND_SERVICE_PROTOCOL=https",
            "NEXT_PUBLIC_BACKEND_SERVICE_HOST=myrefactor.com",
            "NEXT_PUBLIC_BACKEND_SERVICE_PORT=443",
            "NEXT_PUBLIC_BACKEND_SERVICE_API_PATH=api",
            "NEXT_PUBLIC_TIPTAP_APP_ID=8k2xq9m4",
            f"FRONTEND_IMAGE_NAME={FRONTEND_IMAGE}",
        ),
        depends_on="rust-app:service_started:false",
        address=4,
        stop_seconds=0.4,
        stop_code=143,
        processes=("next-server (v15.5.0)",),
        health=HealthCheck(("CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/"), 10.0),
    ),
    Service(
        "nginx",
        "nginx-reverse-proxy",
        NGINX,
        mounts=(
            Mounted("/home/deploy/nginx/nginx.conf", "/etc/nginx/nginx.conf"),
            Mounted("/home/deploy/nginx/conf.d", "/etc/nginx/conf.d"),
            *_live("refactor.engineer"),
            *_live("myrefactor.com"),
            Mounted("/home/deploy/nginx/html", "/var/www/html"),
        ),
        ports=(80, 443),
        depends_on="rust-app:service_started:false,nextjs-app:service_started:false",
        address=5,
        stop_signal=3,
        stop_seconds=0.2,
        processes=("nginx: master process nginx -g daemon off;", "nginx: worker process", "nginx: worker process"),
    ),
)
"""In the order in which compose starts them."""
