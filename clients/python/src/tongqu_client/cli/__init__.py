"""The command ``tongqu``. Needs nothing but the standard library and this client; exit codes are those of errors.py."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from tongqu_client import __version__
from tongqu_client.cli._output import Output
from tongqu_client.errors import ConfigError, GatewayError

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    language = "en" if os.environ.get("TONGQU_LANG", "zh").startswith("en") else "zh"
    out = Output(language, "--json" in arguments)
    try:
        args = _parser(arguments, language).parse_args(arguments)
        if args.command == "provider":
            return int(args.run(args))
        out = Output(args.lang, args.json)
        return int(args.run(args, out))
    except GatewayError as error:
        out.error(error)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser(arguments: Sequence[str], language: str) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="以 JSON 输出 / print JSON")
    common.add_argument("--lang", choices=("zh", "en"), default=language, help="语言 / language")
    common.add_argument("--profile", help="配置文件中的一节 / a section of the profile file")
    parser = argparse.ArgumentParser(
        prog="tongqu", description="通衢：部门间数据查询与核验 / Tongqu: ask other departments, verify their answers"
    )
    parser.add_argument("--version", action="version", version=f"tongqu-client {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    if next((word for word in arguments if not word.startswith("-")), "") == "provider":
        _add_provider(subparsers)
    else:
        _add_asking(subparsers, common)
        subparsers.add_parser("provider", help="把部门数据接入通衢 / serve a department's data (extra: provider)")
    return parser


def _add_asking(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Everything but the provider kit, which needs nothing of it and starts in half the time without."""
    for name in ("query", "verify", "evidence", "browse", "log", "order"):
        importlib.import_module(f"{__name__}.{name}").add_parser(subparsers, common)


def _add_provider(subparsers: Any) -> None:
    """The provider kit needs an extra; it is imported when it is asked for, so that all else works without."""
    try:
        kit = importlib.import_module("tongqu_client.cli.provider")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"此命令需要附加组件（缺 {error.name}）：pip install 'tongqu-client[provider]'。",
            f"This command needs an extra ({error.name} is missing): pip install 'tongqu-client[provider]'.",
        ) from None
    kit.add_parser(subparsers)
