"""``tongqu provider map``: propose a crosswalk, say how sure each field is and why, show a few rows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from typing import Any

import standards

from tongqu_client.cli.provider_common import add, english, newest, say, show
from tongqu_client.provider import crosswalks, sources, unknown_words
from tongqu_client.provider.config import CROSSWALK, Config, Source, SourceKind, load, with_source, write_private
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.mapping import report as mapping_report
from tongqu_client.provider.mapping.ask import answer_open
from tongqu_client.provider.mapping.model import Choice, Proposal, Wishes
from tongqu_client.provider.mapping.preview import preview
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.mapping.ranking import Ranked, clear, rank
from tongqu_client.provider.service import standard_of


def add_map(commands: Any) -> None:
    parser = add(
        commands, "map", _map, "提出对照表；也可直接给一个文件", "propose the crosswalk; a file will do as well"
    )
    parser.add_argument("--standard", help="不写则提出最相近的 / without it the nearest is proposed")
    parser.add_argument("--table", help="文件是 SQLite 时的表 / table, if the file is SQLite")
    parser.add_argument("--yes", action="store_true", help="不询问 / do not ask, also on a terminal")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="每行都用此值 / a constant")
    parser.add_argument(
        "--use", action="append", default=[], metavar="FIELD=COLUMN[,COLUMN]", help="取自这些列 / take it from"
    )
    parser.add_argument(
        "--code", action="append", default=[], metavar="FIELD:WORD=CODE", help="某词即某代码 / a word's code"
    )
    parser.add_argument("--skip", action="append", default=[], metavar="FIELD", help="不提供此项 / leave it out")
    parser.add_argument(
        "--other-party", action="store_true", help="一行两人时以第二人为本人 / of two people in a row, the second"
    )
    parser.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN=V1[,V2]", help="只提供这些行 / serve these rows only"
    )


def _map(args: argparse.Namespace) -> int:
    file = args.folder.is_file()
    config = _of_file(args) if file else load(args.folder)
    table, comments = sources.read_table(config), sources.comments_of(config)
    ranked: list[Ranked] = []
    config = replace(config, standard=newest(args.standard or config.standard))
    if not config.standard:
        ranked = _with_fields(rank(table, comments), args)
        config = replace(config, standard=ranked[0].standard)
    standard, wishes = standard_of(config), _wishes(args)
    for path in (*wishes.set, *wishes.use, *wishes.codes, *wishes.skip):
        _known_field(standard, path)
    _known_columns(table.columns, [column for columns in wishes.use.values() for column in columns])
    kept = {column: tuple(values.split(",")) for column, values in map(_pair, args.keep)}
    _known_columns(table.columns, list(kept))
    proposal = propose(standard, table, comments, wishes)
    if not args.yes and not args.json and not file and sys.stdin.isatty():
        proposal = answer_open(standard, table, comments, wishes, proposal)
    settled = not ranked or clear(ranked)
    if not file and settled:
        _write_mapping(titled(config), proposal, kept)
    shown = preview(standard, table, proposal)
    if args.json:
        told = {"standards": [asdict(one) for one in ranked[:5]], "standard_settled": settled, "preview": shown}
        show(mapping_report.document(proposal) | told)
    else:
        _show_ranked(ranked)
        print(mapping_report.for_terminal(proposal, shown, english=english()))
    if not settled:
        say(*_which_standard(ranked, args.folder), stream=sys.stderr)
        return ConfigInvalid.exit_code
    if proposal.open:
        say(*_how_to_give(proposal, args.folder), stream=sys.stderr)
        return ConfigInvalid.exit_code
    crosswalks.compiled(proposal.document, standard)
    if not args.json and not file:
        say(f"下一步：tongqu provider test {args.folder}", f"next: tongqu provider test {args.folder}")
    return 0


def _with_fields(ranked: list[Ranked], args: argparse.Namespace) -> list[Ranked]:
    """Only standards that have every field the user has named; all of them if none has."""
    wishes = _wishes(args)
    named = {*wishes.set, *wishes.use, *wishes.codes, *wishes.skip}
    having = [one for one in ranked if named <= {element.path for element in standards.get(one.standard).elements}]
    return having or ranked


_KINDS: Mapping[str, SourceKind] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel", ".ods": "excel",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".sqlite": "sql", ".sqlite3": "sql", ".db": "sql",
}  # fmt: skip


def _of_file(args: argparse.Namespace) -> Config:
    """A file named in place of a folder is looked at and mapped; nothing is written."""
    path: Path = args.folder.resolve()
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        known = " ".join(_KINDS)
        raise ConfigInvalid(f"认不出 {path.name} 是什么文件；认得：{known}", f"what is {path.name}? known: {known}")
    if kind != "sql":
        return Config(path.parent, "", Source(kind, path=path.name))
    url = f"sqlite:///{path}"
    table = args.table or _only_table(url)
    return Config(path.parent, "", Source("sql", url=url, table=table))


def _only_table(url: str) -> str:
    from tongqu_client.provider.readers.sqltable import SqlTable

    with closing(SqlTable(url, "")) as database:
        tables = database.tables()
    if len(tables) != 1:
        listed = "、".join(tables)
        raise ConfigInvalid(f"用 --table 说明哪张表：{listed}", f"say which with --table: {listed}")
    return tables[0]


def titled(config: Config) -> Config:
    """With the standard's titles where none were given. Raises ConfigInvalid for an unknown standard."""
    standard = standard_of(config)
    return replace(config, title_zh=config.title_zh or standard.zh, title_en=config.title_en or standard.en)


def _show_ranked(ranked: Sequence[Ranked]) -> None:
    for one in ranked[:3]:
        zh = f"相近的标准：{one.standard}（{one.zh}），对上 {one.fields} 列，必填而缺 {one.open} 项，得分 {one.score}"
        en = f"near: {one.standard} ({one.en}): {one.fields} columns, {one.open} required missing, score {one.score}"
        say(zh, en)


def _which_standard(ranked: Sequence[Ranked], folder: Path) -> tuple[str, str]:
    listed = "、".join(one.standard for one in ranked[:3])
    return (
        f"几个标准相差不多，请指明一个：tongqu provider map {folder} --standard …（{listed}）；对照表未写入",
        f"several standards are about as near; name one with --standard ({listed}); nothing was written",
    )


def _write_mapping(config: Config, proposal: Proposal, kept: dict[str, tuple[str, ...]]) -> None:
    text = json.dumps(proposal.document, ensure_ascii=False, indent=1) + "\n"
    write_private(config.folder / CROSSWALK, text.encode())
    write_private(config.folder / "mapping.md", mapping_report.markdown(proposal).encode())
    changed = with_source(config, keep=kept) if kept else config
    changed.save()


def _how_to_give(proposal: Proposal, folder: Path) -> tuple[str, str]:
    flags = " ".join(_flags(choice) for choice in proposal.open if choice.element.kind != "array")
    names = "、".join(f"{choice.element.zh}（{choice.element.path}）" for choice in proposal.open)
    listed = ", ".join(f"{choice.element.en} ({choice.element.path})" for choice in proposal.open)
    command = f"tongqu provider map {folder} {flags}"
    zh, en = (
        "请给出取值（--set）、列名（--use）或词的代码（--code）",
        "give a value (--set), columns (--use) or codes (--code)",
    )
    return (
        f"标准必填而没有列给出：{names}\n{zh}：{command}",
        f"required, but no column gives it: {listed}\n{en}: {command}",
    )


def _flags(choice: Choice) -> str:
    """A constant is no answer where a column is there and only some of its words are unknown."""
    path = choice.element.path
    if not choice.unknown:
        return f"--set {path}=…"
    words = " ".join(unknown_words.option(path, word) for word in choice.unknown)
    return f"--use {quote(f'{path}={choice.near[0]}')} {words}" if choice.near else words


def _wishes(args: argparse.Namespace) -> Wishes:
    codes: dict[str, dict[str, str]] = {}
    for text in args.code:
        path, _, rest = text.partition(":")
        word, code = _pair(rest)
        codes.setdefault(path, {})[word] = code
    used = {path: tuple(columns.split(",")) for path, columns in map(_pair, args.use)}
    return Wishes(dict(map(_pair, args.set)), used, codes, frozenset(args.skip), args.other_party)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ConfigInvalid(f"应写作 名=值，来的是 {text}", f"expected NAME=VALUE, got {text}")
    return name, value


def _known_field(standard: Any, path: str) -> None:
    if path not in {element.path for element in standard.elements}:
        raise ConfigInvalid(f"标准没有数据项 {path}", f"the standard has no field {path}")


def _known_columns(columns: tuple[str, ...], wanted: list[str]) -> None:
    for column in wanted:
        if column not in columns:
            listed = "、".join(columns)
            raise ConfigInvalid(f"没有列 {column}；有：{listed}", f"no column {column}; there are: {listed}")
