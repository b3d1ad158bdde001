"""The workflows of the demo platform: which jobs and steps they have and how long those usually take."""

from __future__ import annotations

from dataclasses import dataclass

HOSTED = ("ubuntu-24.04",)
PREVIEW_HOST = ("self-hosted", "linux", "ARM64")
BUILD = ".github/workflows/build-test-push.yml"
RELEASE = ".github/workflows/build_and_push_production_images.yml"
DEPLOY = ".github/workflows/deploy_to_do.yml"
PREVIEW = ".github/workflows/deploy-pr-preview.yml"
FRONTEND_BUILD = ".github/workflows/build_and_push_nonproduction_images.yml"


@dataclass(frozen=True, slots=True)
class StepKind:
    """One step of a job."""

    name: str
    seconds: float
    """How long it usually takes; 0 for one that is skipped."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """One job of a workflow."""

    key: str
    name: str
    steps: tuple[StepKind, ...]
    needs: tuple[str, ...] = ()
    environment: str = ""
    """The deployment environment that guards it; empty for none."""
    labels: tuple[str, ...] = HOSTED


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow."""

    id: int
    role: str
    name: str
    path: str
    jobs: tuple[JobKind, ...]
    inputs: tuple[tuple[str, bool], ...] = ()
    """Inputs of ``workflow_dispatch`` and whether each is required without a default."""
    state: str = "active"
    dispatchable: bool = True

    @property
    def file(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


_CHECKOUT = StepKind("Checkout repository", 2)
_BUILDX = StepKind("Set up Docker Buildx", 5)
_LOGIN = StepKind("Log in to GHCR", 1)
_TOOLCHAIN = StepKind("Install Rust toolchain", 9)
_CACHE = StepKind("Cache cargo", 14)


def _steps(*steps: StepKind) -> tuple[StepKind, ...]:
    ends = [step for step in steps if step.name in ("Checkout repository", "Cache cargo")]
    posts = [StepKind(f"Post {step.name}", 1) for step in reversed(ends)]
    return (StepKind("Set up job", 2), *steps, *posts, StepKind("Complete job", 0.5))


_LINT = JobKind(
    "lint",
    "Lint & Format",
    _steps(_CHECKOUT, _TOOLCHAIN, _CACHE, StepKind("Check formatting", 4), StepKind("Run clippy", 71)),
)
_TEST = JobKind(
    "test",
    "Build & Test",
    _steps(_CHECKOUT, _TOOLCHAIN, _CACHE, StepKind("Build workspace", 118), StepKind("Run tests", 64)),
)
_DOCKER = JobKind(
    "docker",
    "Build & Push Docker Image",
    _steps(
        _CHECKOUT,
        _LOGIN,
        _BUILDX,
        StepKind("Determine image tags", 1),
        StepKind("Build and push", 152),
        StepKind("Attest build provenance", 6),
    ),
    needs=("lint", "test"),
)
_RELEASE_TEST = JobKind(
    "build_test_run",
    "build_test_run",
    _steps(_CHECKOUT, _TOOLCHAIN, StepKind("Build workspace", 231), StepKind("Run tests", 88)),
)
_RELEASE_DOCKER = JobKind(
    "build_and_push_docker",
    "build_and_push_docker",
    _steps(
        _CHECKOUT,
        _LOGIN,
        StepKind("Set up QEMU", 6),
        _BUILDX,
        StepKind("Build and push", 944),
        StepKind("Attest build provenance", 0),
    ),
    needs=("build_test_run",),
)
_DEPLOY = JobKind(
    "deploy",
    "Manual Deploy Over Tailscale",
    _steps(
        _CHECKOUT,
        StepKind("Connect to Tailscale", 11),
        StepKind("Set up SSH", 1),
        StepKind("Create .env file", 1),
        StepKind("Copy .env to the server", 3),
        StepKind("Deploy on the server", 62),
        StepKind("Verify the deployment", 8),
    ),
    environment="production",
)
_PREVIEW = JobKind(
    "deploy-preview",
    "Deploy to the preview host",
    _steps(_CHECKOUT, StepKind("Connect to Tailscale", 9), StepKind("Start the preview", 48)),
    labels=PREVIEW_HOST,
)
_NODE = (_CHECKOUT, StepKind("Set up Node.js", 8), StepKind("Install dependencies", 31))
_FRONTEND_TEST = JobKind(
    "build_test", "Lint & Test", _steps(*_NODE, StepKind("Lint", 17), StepKind("Run unit tests", 42))
)
_FRONTEND_DOCKER = JobKind(
    "build_and_push_docker",
    "Build & Push Docker Image",
    _steps(_CHECKOUT, _LOGIN, _BUILDX, StepKind("Build and push", 201)),
    needs=("build_test",),
)
_FRONTEND_DEPLOY = JobKind(
    "trigger",
    "Trigger the backend's deploy",
    (
        StepKind("Set up job", 2),
        StepKind("Dispatch the deploy workflow of the backend", 3),
        StepKind("Complete job", 0.5),
    ),
    environment="production",
)
WORKFLOWS = (
    Workflow(98_104_201, "backend", "Build, Test & Push to GHCR", BUILD, (_LINT, _TEST, _DOCKER)),
    Workflow(98_104_202, "backend", "Build and Push Production Images", RELEASE, (_RELEASE_TEST, _RELEASE_DOCKER)),
    Workflow(
        98_104_203,
        "backend",
        "Deploy to DigitalOcean via Tailscale",
        DEPLOY,
        (_DEPLOY,),
        inputs=(("enable_ssh_debugging", False),),
    ),
    Workflow(
        121_470_018,
        "backend",
        "Deploy PR Preview",
        PREVIEW,
        (_PREVIEW,),
        inputs=(
            ("pr_number", True),
            ("backend_image", False),
            ("log_level", False),
            ("target", True),
            ("reset_database", False),
        ),
    ),
    Workflow(
        101_880_310,
        "frontend",
        "Build and Push Nonproduction Images",
        FRONTEND_BUILD,
        (_FRONTEND_TEST, _FRONTEND_DOCKER),
    ),
    Workflow(101_880_311, "frontend", "Build and Push Production Images", RELEASE, (_FRONTEND_TEST, _FRONTEND_DOCKER)),
    Workflow(101_880_312, "frontend", "Deploy to DigitalOcean via Tailscale", DEPLOY, (_FRONTEND_DEPLOY,)),
    Workflow(
        101_880_313,
        "frontend",
        "Dependabot Updates",
        "dynamic/dependabot/dependabot-updates",
        (JobKind("Dependabot", "Dependabot", _steps(StepKind("Run Dependabot", 44))),),
        dispatchable=False,
    ),
)


def of(role: str, path: str) -> Workflow:
    """The workflow at a path.

    Raises:
        KeyError: there is none.
    """
    for workflow in WORKFLOWS:
        if (workflow.role, workflow.path) == (role, path):
            return workflow
    raise KeyError(path)
