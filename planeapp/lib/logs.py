"""Logs: one JSON object a line (or readable text), with request, delivery and run ids, and no secret."""

from __future__ import annotations

import re
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_NAME = re.compile(r"token|secret|password|authorization|signature|api_key|cookie|credential", re.I)
_SECRET_TEXT = re.compile(
    r"(?i)(bearer\s+|basic\s+)[\w.~+/=-]{6,}|\bpln_\w{6,}|\bplr_pat_[\w.]{6,}|\bplane_wh_\w{6,}"
    r"|([?&](?:code|state|token|access_token|refresh_token|client_secret)=)[^&\s\"']+"
)

MAY_BE_EMPTY = frozenset({"request", "run"})


def scrub(text: str) -> str:
    """The text with whatever looks like a credential taken out."""
    return _SECRET_TEXT.sub(lambda match: (match.group(1) or match.group(2) or "") + "[hidden]", text)


def _scrub_entry(logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
    for name, value in entry.items():
        if not name.startswith("_"):
            entry[name] = _clean(name, value)
    return entry


def _clean(name: str, value: Any) -> Any:
    """The value without credentials, inside lists and dicts too; ``name`` is what it stands under."""
    if _SECRET_NAME.search(name):
        return "[hidden]"
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean("", inner) for inner in value]
    return scrub(value) if isinstance(value, str) else value


def _without_empty_ids(logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
    """Ids that are bound to nothing (no run has begun yet) are left out."""
    return {name: value for name, value in entry.items() if value is not None or name not in MAY_BE_EMPTY}


def _steps() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        _without_empty_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def logging_config(form: str) -> dict[str, Any]:
    """A ``dictConfig`` for ``form`` (``json`` or ``console``); also sets structlog up."""
    structlog.configure(
        processors=[*_steps(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    # Tracebacks are turned into text before the scrubbing, so that it reaches them too.
    last = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _scrub_entry,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "ours": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _steps(),
                "processors": [*last, renderer],
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "ours"}},
        "root": {"handlers": ["out"], "level": "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "mcp": {"level": "WARNING"},
        },
    }
