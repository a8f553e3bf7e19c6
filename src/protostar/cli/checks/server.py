"""A running server's own opinion, and its workers' heartbeats; where none runs, whether its port is free."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from protostar.cli.checks.check import Check, State, reason
from protostar.cli.checks.http import NO_ANSWER, get_json
from protostar.cli.client import NoServer, find_server
from protostar.config import PREFIX, Settings, load_client_settings

_SILENT = 20  # seconds; a worker shows a heartbeat every five
_REINDEX = (
    "Workers renew terms by themselves (`protostar jobs list --kind terms.renew`); after a change of the embedding model run"
    " `protostar reindex`. Until then less is found in them."
)


async def check(settings: Settings) -> list[Check]:
    client_settings = load_client_settings()
    try:
        url = find_server(client_settings).url
        _, answer = await get_json(url + "/health/ready")
    except (NoServer, *NO_ANSWER) as error:
        if client_settings.url is not None:
            return [Check("server", "broken", reason(error), f"Start it, or check {PREFIX}URL and {PREFIX}KEY.")]
        return [_port(settings)]
    if "dependencies" not in answer:
        return [Check("server", "broken", f"what answers at {url} is not Protostar", f"Check {PREFIX}URL.")]
    return [_ready(url, answer), *_reindex(answer), *_workers(answer), *_without_worker(answer)]


def _ready(url: str, answer: dict[str, Any]) -> Check:
    reasons = answer.get("reasons", {})
    away = [
        f"{name} {state}" + (f" ({reasons[name].rstrip('.')})" if name in reasons else "")
        for name, state in answer["dependencies"].items()
        if state in {"degraded", "down"}
    ]
    if not away:
        return Check("server", "ok", f"ready at {url}")
    state: State = "broken" if answer.get("status") == "down" else "warning"
    return Check("server", state, f"{url}: {', '.join(away)}", "Read its log; what is away is asked again and again.")


def _reindex(answer: dict[str, Any]) -> Iterator[Check]:
    if spaces := answer.get("spaces_to_reindex"):
        found = f"{spaces} spaces are searched by vectors or terms of another model or release"
        yield Check("index", "warning", found, _REINDEX)


def _workers(answer: dict[str, Any]) -> Iterator[Check]:
    """Every worker that has shown a heartbeat within the last minute; without PostgreSQL nobody can tell."""
    now = datetime.fromisoformat(answer["now"]) if answer.get("now") else datetime.now(UTC)  # of the clock that wrote the times
    for worker in answer.get("workers", ()):
        silent = (now - datetime.fromisoformat(worker["seen_at"])).total_seconds()
        found = f"{worker['name']} runs {worker['running']} of {worker['concurrency']} jobs, seen {max(0, silent):.0f} s ago"
        if silent > _SILENT:
            yield Check("worker", "warning", found, "Look whether it still runs, and whether it reaches PostgreSQL.")
        else:
            yield Check("worker", "ok", found)
    if not answer.get("workers") and answer["dependencies"].get("postgres") == "ok":
        yield Check("worker", "warning", "none runs, so documents stay queued", "Start `protostar worker`.")


def _without_worker(answer: dict[str, Any]) -> Iterator[Check]:
    if kinds := answer.get("kinds_without_worker"):
        found = f"none takes {', '.join(kinds)}: such jobs stay queued"
        yield Check("worker", "warning", found, "Start `protostar worker` without --kinds, or with these.")


def _port(settings: Settings) -> Check:
    """Binding is the question itself: whoever listens there need not speak HTTP."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.create_server((settings.host, settings.port), family=family):
            return Check("server", "off", "none is running; `protostar serve` starts one")
    except OSError as error:
        found = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
        return Check("server", "broken", found, f"Stop the other program, or set {PREFIX}HOST and {PREFIX}PORT.")
