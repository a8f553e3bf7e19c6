"""Logs, and the names of every metric."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from io import StringIO
from typing import Any, Literal, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from protostar.characters import DRIVES_A_TERMINAL

log = structlog.get_logger()

_to_json = structlog.processors.JSONRenderer(ensure_ascii=False)
_AGAIN_AFTER = 60.0  # seconds
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Trouble:
    """A warning about what may go on for hours and is met every second: told at once, and once a minute while it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._told: float | None = None

    def met(self, **fields: Any) -> None:
        now = time.monotonic()
        if self._told is None or now - self._told >= _AGAIN_AFTER:
            self._told = now
            log.warning(self._event, **fields)

    def ended(self) -> None:
        self._told = None


class Metrics:
    """One process's metrics in a registry of its own, so that two stacks in one process do not mix."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter("protostar_http_requests", "HTTP requests", ["method", "route", "status"], registry=registry)
        self.request_seconds = Histogram(
            "protostar_http_request_seconds",
            "Seconds until the response began",
            ["route"],
            buckets=LATENCIES,
            registry=registry,
        )
        self.jobs = Counter("protostar_jobs_settled", "Attempts of jobs that ended", ["kind", "outcome"], registry=registry)
        self.job_seconds = Histogram(
            "protostar_job_seconds", "Seconds of one attempt", ["kind"], buckets=LATENCIES, registry=registry
        )
        self.stage_seconds = Counter("protostar_stage_seconds", "Seconds per stage of indexing", ["stage"], registry=registry)
        self.answers = Counter("protostar_answers", "Answers", ["outcome"], registry=registry)
        self.degraded = Counter("protostar_degraded", "Answers and searches that degraded", ["reason"], registry=registry)
        self.first_token_seconds = Histogram(
            "protostar_first_token_seconds", "Seconds until an answer's first token", buckets=LATENCIES, registry=registry
        )
        self.citations_dropped = Counter("protostar_citations_dropped", "Markers that did not resolve", registry=registry)
        self.cache = Counter("protostar_answer_cache", "Look-ups in the answer cache", ["outcome"], registry=registry)
        self.model_calls = Counter("protostar_model_calls", "Calls of models", ["kind", "model", "outcome"], registry=registry)
        self.model_tokens = Counter("protostar_model_tokens", "Tokens of models", ["kind", "model"], registry=registry)
        self.model_seconds = Histogram(
            "protostar_model_seconds", "Seconds of model calls", ["kind"], buckets=LATENCIES, registry=registry
        )
        self.redis_errors = Counter("protostar_redis_errors", "Redis commands that failed and were done without", registry=registry)
        self.queue = Gauge("protostar_jobs", "Jobs in PostgreSQL", ["kind", "state"], registry=registry)
        self.dependency_up = Gauge("protostar_dependency_up", "1 ok, 0.5 degraded, 0 down", ["dependency"], registry=registry)


Samples = list[tuple[str, dict[str, str], float]]


def samples_of(registry: CollectorRegistry) -> Samples:
    """(name, labels, value) of everything that has been counted, as JSON can carry it to another process."""
    return [
        (sample.name, dict(sample.labels), sample.value)
        for family in registry.collect()
        for sample in family.samples
        if sample.value and not sample.name.endswith("_created")
    ]


def exposition(registry: CollectorRegistry, others: Mapping[str, Samples]) -> bytes:
    """The registry in Prometheus' text format, together with the samples of other processes, each under its `process`."""

    class Everyone(Collector):
        def collect(self) -> Iterator[Metric]:
            for family in registry.collect():
                merged = Metric(family.name, family.documentation, family.type)
                names = {sample.name for sample in family.samples} | {family.name + end for end in _ENDINGS}
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, "process": "api"}, sample.value)
                for process, samples in others.items():
                    for name, labels, value in samples:
                        if name in names:
                            merged.add_sample(name, {**labels, "process": process}, value)
                yield merged

    everyone = CollectorRegistry()
    everyone.register(Everyone())
    return generate_latest(everyone)


_ENDINGS = ("", "_total", "_bucket", "_count", "_sum")


def _written_out(text: str) -> str:
    """Without what a terminal would obey: paths, names and the words of errors come from anybody."""
    return DRIVES_A_TERMINAL.sub(lambda match: ascii(match[0])[1:-1], text)


def _traceback(file: TextIO, raised: Any) -> None:
    """Plain: one with local variables would print keys and documents."""
    plain = StringIO()
    structlog.dev.plain_traceback(plain, raised)
    file.write(_written_out(plain.getvalue()))


def _shown(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _written_out(value)
    return line


def _json(logger: Any, method: str, line: MutableMapping[str, Any]) -> str:
    return DRIVES_A_TERMINAL.sub(lambda match: f"\\u{ord(match[0]):04x}", str(_to_json(logger, method, line)))


def configure_logging(form: Literal["console", "json"], level: str) -> None:
    """Send structlog and the standard library's loggers through one renderer to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if form == "json":
        shared.append(structlog.processors.format_exc_info)
        renderer: Any = _json
    else:
        shared.append(_shown)
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28, exception_formatter=_traceback)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
