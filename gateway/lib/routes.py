"""What Flask and flask-smorest make of every address as an application is built, left until somebody wants it.

It is half of what building takes. A serving gateway wants neither: pages write addresses themselves (no ``url_for``),
and the contract is a file (``gateway openapi``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_smorest
from werkzeug.routing import Rule as _Rule


class Rule(_Rule):
    """One address. Werkzeug compiles two functions for each that write it: by syntax trees, at the first use."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: _Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(_Rule._compile_builder(self, append_unknown))
            return compiled[0](rule, **values)

        return build


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """Some addresses of the API. What describes them is copied, deeply, when the contract is written."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._to_describe: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def _store_endpoint_docs(self, *args: Any, **options: Any) -> None:
        self._to_describe.append((args, options))

    def register_views_in_doc(self, *args: Any, **named: Any) -> None:
        for given, options in self._to_describe:
            super()._store_endpoint_docs(*given, **options)
        self._to_describe.clear()
        super().register_views_in_doc(*args, **named)
