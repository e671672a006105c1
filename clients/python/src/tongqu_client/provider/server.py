"""Serve the application with gunicorn (threads), or for a moment in a thread of this process (`test`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn has no type hints
from werkzeug.serving import WSGIRequestHandler, make_server

from tongqu_client.provider import trust as trust_of
from tongqu_client.provider.app import Parts, create_provider_app
from tongqu_client.provider.config import Config
from tongqu_client.provider.envelope import Trust
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.ledger import Ledger, audit_key
from tongqu_client.provider.service import Service

LEDGER = "ledger.sqlite"


def build(config: Config, *, trust: Trust | None = None, ledger: Path | None = None) -> Parts:
    """Everything the application needs, opened and checked. Raises KitError in words if something is missing."""
    if not config.service:
        raise ConfigInvalid(
            "还没有服务编号：先运行 tongqu provider register",
            "there is no service id yet: run tongqu provider register first",
        )
    service = Service.of(config)
    service.open()
    book = Ledger(ledger or config.state / LEDGER, audit_key(config.audit_key_path))
    return Parts(service, trust or trust_of.load(config), book)


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # as above
    """Gunicorn with settings given here instead of on its own command line."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "worker_class": "gthread",
            "workers": 1,  # one process watches the file; look-ups wait for SQLite or a database, for which threads do
            "threads": self._config.threads,
            "timeout": 30,
            "limit_request_line": 1024,
            "limit_request_field_size": 16_384,
            "accesslog": None,  # paths and headers tell nothing the local ledger does not; errors go to stderr
            "proc_name": "tongqu-provider",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called in the worker, after the fork: connections and the watching thread belong to it."""
        parts = build(self._config)
        parts.service.watch()
        return create_provider_app(parts)


def serve(config: Config) -> None:
    """Serve until the process is told to stop. What is missing is said before gunicorn starts."""
    parts = build(config)
    parts.ledger.close()
    _Gunicorn(config).run()


class _Silent(WSGIRequestHandler):
    """No access log: the local ledger says more, and says it without addresses."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextmanager
def running(parts: Parts, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The application on this port, or a free one, for as long as the block lasts; gives its base URL."""
    server = make_server(host, port, create_provider_app(parts), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, name="provider-test", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
