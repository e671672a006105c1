"""What the commands of the provider kit share: their arguments, their sentences, their errors."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import standards

from tongqu_client.provider.config import FILE
from tongqu_client.provider.errors import KitError


def newest(name: str) -> str:
    """``person-basic`` with its newest published version; what is no name of a standard stays as it is."""
    versions = standards.versions(name)
    return f"{name}/{versions[-1]}" if versions else name


def add(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], zh: str, en: str
) -> argparse.ArgumentParser:
    """A command with its folder, ``--json`` and errors told in the chosen language."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=f"{zh} / {en}")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help=f"放 {FILE} 的目录 / folder of {FILE}")
    parser.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    parser.set_defaults(run=lambda args: guarded(run, args))
    return parser


def guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    try:
        return run(args)
    except KitError as error:
        say(error.zh, error.en, stream=sys.stderr)
        return error.exit_code


def english() -> bool:
    """The chosen language (TONGQU_LANG)."""
    return os.environ.get("TONGQU_LANG", "zh").startswith("en")


def say(zh: str, en: str, *, stream: Any = None) -> None:
    """One sentence in the chosen language."""
    print(en if english() else zh, file=stream or sys.stdout)


def at(row: int | None) -> str:
    return f"[{row}] " if row is not None else ""


def show(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=1))
