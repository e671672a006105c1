"""What the commands share: where the configuration is, and a store that is closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.config import Settings, load

if TYPE_CHECKING:
    from gateway.wiring import Store

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_FILE = Path("tongqu.toml")


def config_option(command: F) -> F:
    """``--config FILE``; without it tongqu.toml of the working directory, if there is one."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="TOML file (default: ./tongqu.toml if it exists); every key can be overridden by TONGQU_<KEY>",
    )(command)


def settings_of(config_file: Path | None, **overrides: Any) -> Settings:
    return load(config_file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None), **overrides)


@contextmanager
def store_of(config_file: Path | None) -> Iterator[Store]:
    from gateway.wiring import Store

    store = Store(settings_of(config_file))
    try:
        yield store
    finally:
        store.close()
