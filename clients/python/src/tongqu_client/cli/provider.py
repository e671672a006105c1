"""``tongqu provider init|map|convert|test|serve|register|indicator``: from a file or table to an endpoint.

tongqu provider init --csv people.csv --standard person-basic/1.0.0 people/
tongqu provider map people/              proposes crosswalk.json; asks what no column gives
tongqu provider convert people/          every row into a record of the standard, every row counted
tongqu provider test people/             translates every row, runs the conformance test
tongqu provider register people/ --gateway https://… --client-id … --key client.jwk.json
tongqu provider serve people/
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongqu_client.cli import provider_convert, provider_indicator, provider_map
from tongqu_client.cli.provider_common import add, at, newest, say, show
from tongqu_client.provider import crosswalks, sources
from tongqu_client.provider.config import FILE, Config, Source, load, with_source
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.service import standard_of

if TYPE_CHECKING:
    from tongqu_client.provider import register, rowcheck

EXIT_BAD_ROWS = 2  # `test --strict`: some rows cannot be served
EXIT_NOT_CONFORMANT = 7  # as for a provider's fault in the table of exit codes


# What only one command needs is imported by it: a conversion waits for no web server.


def add_parser(subparsers: Any) -> None:
    """Hang ``provider`` and its commands into the command ``tongqu``."""
    provider = subparsers.add_parser(
        "provider", help="把部门的文件或数据表接入通衢 / serve a department's file or table"
    )
    steps = "init|map|convert|test|serve|register|indicator"
    commands = provider.add_subparsers(dest="step", required=True, metavar=steps)
    kit = (_add_init, provider_map.add_map, provider_convert.add_convert, _add_test, _add_serve, _add_register)
    for hang in (*kit, _add_indicator):
        hang(commands)


# ── init ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _add_init(commands: Any) -> None:
    parser = add(commands, "init", _init, "说明数据从哪里来", "say where the data come from")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--csv", type=Path, metavar="FILE")
    kind.add_argument("--excel", type=Path, metavar="FILE", help=".xlsx .xls .ods")
    kind.add_argument("--jsonl", type=Path, metavar="FILE", help="每行一个 JSON 对象 / a JSON object a line")
    kind.add_argument("--db", metavar="URL", help="SQLAlchemy URL; ${NAME} 取自环境变量 / from the environment")
    parser.add_argument("--table", help="表或视图 / table or view, for --db")
    parser.add_argument("--standard", help="如 person-basic/1.0.0；不写则由 map 提出 / without it map proposes one")
    parser.add_argument("--encoding", help="声明编码 / declare the encoding of a CSV file")
    parser.add_argument("--separator", help="声明分隔符 / declare the separator of a CSV file")
    parser.add_argument("--sheet", help="工作表 / sheet of an Excel file")
    parser.add_argument("--header-row", type=int, help="表头从第几行起 / first row of the headings")
    parser.add_argument("--header-rows", type=int, default=1, help="表头几行 / rows of headings")
    parser.add_argument("--title-zh", default="", help="目录中的名称 / Chinese name in the catalogue")
    parser.add_argument("--title-en", default="", help="English name in the catalogue")
    parser.add_argument("--contact", default="", help="联系岗位 / whom to call")
    parser.add_argument("--trust", metavar="FILE|URL", help="网关的信任文件 / the gateway's trust document, to pin now")
    parser.add_argument("--force", action="store_true", help=f"覆盖已有的 {FILE} / overwrite")


def _init(args: argparse.Namespace) -> int:
    from tongqu_client.provider import trust
    from tongqu_client.provider.ledger import audit_key

    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / FILE).exists() and not args.force:
        raise ConfigInvalid(
            f"{folder / FILE} 已存在；要覆盖请加 --force", f"{folder / FILE} exists already; add --force to overwrite"
        )
    config = Config(folder, newest(args.standard or ""), _source(args), title_zh=args.title_zh, title_en=args.title_en)
    config = replace(provider_map.titled(config) if config.standard else config, contact=args.contact)
    table = sources.read_table(config)
    config = with_source(config, **table.declared)
    config.save()
    audit_key(config.audit_key_path)
    if args.trust:
        _show_pinned(trust.pin(config, trust.read(args.trust)))
    if args.json:
        show({"folder": str(folder), "rows": len(table.rows), "columns": list(table.columns), **table.declared})
        return 0
    say(
        f"读到 {len(table.rows)} 行、{len(table.columns)} 列，写入 {folder / FILE}",
        f"{len(table.rows)} rows and {len(table.columns)} columns read; wrote {folder / FILE}",
    )
    for note in [note for note in table.notes if note.rule in ("encoding", "sheet", "title", "total", "signature")]:
        say(f"  {at(note.row)}{note.zh}", f"  {at(note.row)}{note.en}")
    say(f"下一步：tongqu provider map {folder}", f"next: tongqu provider map {folder}")
    return 0


def _source(args: argparse.Namespace) -> Source:
    headings: dict[str, Any] = (
        {"header_row": args.header_row, "header_rows": args.header_rows} if args.header_row else {}
    )
    if args.csv:
        given: dict[str, Any] = {"encoding": args.encoding or "", "separator": args.separator or ""}
        return Source("csv", path=_relative(args.csv, args.folder), **given, **headings)
    if args.excel:
        return Source("excel", path=_relative(args.excel, args.folder), sheet=args.sheet or "", **headings)
    if args.jsonl:
        return Source("jsonl", path=_relative(args.jsonl, args.folder))
    if not args.table:
        raise ConfigInvalid("--db 需要 --table：哪张表或视图？", "--db needs --table: which table or view?")
    if "@" in args.db and ":" in args.db.split("@")[0].partition("//")[2] and "${" not in args.db:
        zh = "提示：地址里写了密码，命令行与文件都会留下它；宜写作 ${TONGQU_DB_PASSWORD} 并由环境变量给出"
        en = "note: the URL holds a password, which stays in your shell history; better write ${TONGQU_DB_PASSWORD}"
        say(zh, en, stream=sys.stderr)
    return Source("sql", url=_absolute(args.db), table=args.table)


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())


def _absolute(url: str) -> str:
    """A SQLite file as seen from where the command runs, not from the folder of the configuration."""
    name = url.removeprefix("sqlite:///")
    return url if name == url else f"sqlite:///{Path(name).resolve()}"


# ── test ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _add_test(commands: Any) -> None:
    parser = add(commands, "test", _test, "翻译每一行并做一致性测试", "translate every row, test conformance")
    parser.add_argument("--strict", action="store_true", help="有一行不能提供即失败 / fail if any row cannot be served")
    parser.add_argument(
        "--id-stdin", action="store_true", help="从标准输入读取测试用的号码 / read the sample identifier"
    )


def _test(args: argparse.Namespace) -> int:
    from tongqu_client.provider import conform, reporting, rowcheck

    config = load(args.folder)
    standard = standard_of(config)
    crosswalk = crosswalks.load(config.crosswalk_path, standard)
    rows = rowcheck.check_rows(config, crosswalk, sources.read_table(config))
    subject = {"scheme": standard.subject_scheme, "id": sys.stdin.readline().strip()} if args.id_stdin else None
    report = conform.conform_here(config, subject)
    written = reporting.write(config.folder, config, rows, report)
    if args.json:
        show({"rows": rows.to_dict(), "conformance": report.to_dict()})
    else:
        _show_test(rows, report, written)
    if not report.passed:
        return EXIT_NOT_CONFORMANT
    return EXIT_BAD_ROWS if args.strict and not rows.clean else 0


def _show_test(rows: rowcheck.RowReport, report: Any, written: tuple[Path, Path]) -> None:
    from tongqu_client.provider import reporting

    document = rows.to_dict()
    say(reporting.summary_zh(document), reporting.summary_en(document))
    for finding in rows.findings[:50]:
        place = f"{at(finding.row)}{finding.column or '—'} → {finding.field or '—'}"
        say(f"  ✗ {place}：{finding.zh}", f"  ✗ {place}: {finding.en}")
    if len(rows.findings) > 50:
        more = len(rows.findings) - 50
        say(f"  …… 另有 {more} 条，见 {written[0]}", f"  … {more} more in {written[0]}")
    for remark in rows.remarks:
        place = f"{remark.column or '—'} → {remark.field or '—'}"
        say(f"  · {place}：{remark.zh}（{len(remark.rows)} 行）", f"  · {place}: {remark.en} ({len(remark.rows)} rows)")
    for words in rows.unknown_words:
        place = f"{words['column']} → {words['field']}"
        say(f"  ? {place}：{words['zh']}", f"  ? {place}: {words['en']}")
    done, all_of_them = sum(check.outcome == "pass" for check in report.checks), len(report.checks)
    verdict = ("通过", "passed") if report.passed else ("未通过", "not passed")
    say(
        f"一致性测试：{verdict[0]}（{done}/{all_of_them} 项，最慢 {report.slowest_ms} 毫秒）",
        f"conformance: {verdict[1]} ({done}/{all_of_them} checks, slowest {report.slowest_ms} ms)",
    )
    for check in report.failed:
        say(
            f"  ✗ {check.title_zh}：{check.zh}\n    {check.mend_zh}",
            f"  ✗ {check.title_en}: {check.en}\n    {check.mend_en}",
        )
    for check in report.skipped:
        say(f"  – {check.title_zh}：{check.zh}", f"  – {check.title_en}: {check.en}")
    say(f"报告：{written[0]}、{written[1]}", f"reports: {written[0]}, {written[1]}")


# ── serve, register ───────────────────────────────────────────────────────────────────────────────────────────────────
def _add_serve(commands: Any) -> None:
    parser = add(commands, "serve", _serve, "提供服务", "serve")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)


def _serve(args: argparse.Namespace) -> int:
    from tongqu_client.provider import server

    config = load(args.folder)
    config = replace(config, host=args.host or config.host, port=args.port or config.port)
    say(
        f"服务 {config.service}（{config.standard}）：http://{config.host}:{config.port}",
        f"service {config.service} ({config.standard}): http://{config.host}:{config.port}",
        stream=sys.stderr,
    )
    server.serve(config)
    return 0


def _add_register(commands: Any) -> None:
    parser = add(
        commands, "register", _register, "登记到网关目录并测试", "enter it in the gateway's catalogue and test it"
    )
    parser.add_argument("--gateway", required=True, metavar="URL")
    parser.add_argument("--client-id", required=True)
    parser.add_argument(
        "--key", required=True, type=Path, help="客户端私钥文件 / the client's private key (JWK or PEM)"
    )
    parser.add_argument("--base-url", help="网关访问本服务的地址 / where the gateway reaches this service")
    parser.add_argument("--no-conformance", action="store_true", help="只登记，不测试 / register only")


def _register(args: argparse.Namespace) -> int:
    from tongqu_client import Gateway
    from tongqu_client.provider import register

    config = load(args.folder)
    base_url = args.base_url or config.base_url or f"http://{config.host}:{config.port}"
    config = replace(config, base_url=base_url)
    with Gateway(args.gateway, client_id=args.client_id, key=str(args.key)) as gateway:
        done = register.register(config, args.gateway, gateway)
        _show_pinned(done.fingerprints)
        say(f"服务编号 {done.config.service}，状态 {done.state}", f"service {done.config.service}, state {done.state}")
        if args.no_conformance:
            return 0
        done = register.conform(done, gateway)
    if args.json:
        show({"service": done.config.service, "state": done.state, "conformance": done.report})
    return _show_conformance(done)


def _add_indicator(commands: Any) -> None:
    parser = add(commands, "indicator", _indicator, "在本地计算统计指标", "compute an indicator at home")
    provider_indicator.add_arguments(parser)


def _indicator(args: argparse.Namespace) -> int:
    return provider_indicator.run(args, say)


def _show_conformance(done: register.Registered) -> int:
    checks = [dict(check) for check in (done.report or {}).get("checks", ())]
    for check in [check for check in checks if check["outcome"] == "fail"]:
        say(
            f"  ✗ {check['title_zh']}：{check['zh']}\n    {check['mend_zh']}", f"  ✗ {check['title_en']}: {check['en']}"
        )
    passed = (done.report or {}).get("outcome") == "pass"
    say(
        f"网关的一致性测试：{'通过' if passed else '未通过'}；状态 {done.state}",
        f"the gateway's conformance test: {'passed' if passed else 'not passed'}; state {done.state}",
    )
    if passed:
        folder = done.config.folder
        say(
            f"待主管部门核准后生效。启动服务：tongqu provider serve {folder}",
            f"It awaits approval by the data bureau. To serve: tongqu provider serve {folder}",
        )
    return 0 if passed else EXIT_NOT_CONFORMANT


def _show_pinned(fingerprints: list[str]) -> None:
    for fingerprint in fingerprints:
        say(
            f"已信任网关的请求签名公钥，请与主管部门核对指纹：{fingerprint}",
            f"the gateway's request key is trusted; compare its fingerprint with the data bureau: {fingerprint}",
            stream=sys.stderr,
        )
