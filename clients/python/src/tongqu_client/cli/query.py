"""``tongqu query`` and ``tongqu explain``. An identifier never stands in the arguments, where others could read it."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client._client import Gateway
from tongqu_client._delivery import InOwnFormat
from tongqu_client._models import Answer, Decision, Subject
from tongqu_client._officer import Officer
from tongqu_client.cli._output import Output, flat, write_csv, write_table
from tongqu_client.verify.receipts import VerifiedReceipt


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    query = subparsers.add_parser("query", parents=[common], help="查询一个人的记录 / ask for one person's record")
    _terms(query)
    _identifier(query, required=True)
    query.add_argument("--case", help="办件编号 / the case this is for")
    _officer(query)
    query.add_argument("--consent", help="同意书编号 / id of the consent")
    query.add_argument("-o", "--output", choices=("json", "table", "csv"), help="输出格式 / form of the output")
    query.add_argument("--save", type=Path, metavar="FILE", help="连同回执与证明存档 / keep answer, receipt and proof")
    query.add_argument(
        "--deliver-as", type=Path, metavar="CROSSWALK", help="按本单位对照表的格式输出 / in your own columns"
    )
    query.add_argument("--idempotency-key", help="取回上次未收到的答复 / fetch an answer that got lost")
    query.add_argument("--timeout", type=float, help="总时限（秒）/ seconds in all")
    query.set_defaults(run=run_query)

    explain = subparsers.add_parser("explain", parents=[common], help="能否查询、为什么 / would it be allowed, and why")
    _terms(explain)
    _identifier(explain, required=False)
    explain.add_argument("--case", help="办件编号 / the case this is for")
    _officer(explain)
    explain.set_defaults(run=run_explain)


def _terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("standard", help="如 / such as person-basic/1.0.0")
    parser.add_argument("--agreement", required=True, help="共享协议编号 / id of the agreement")
    parser.add_argument("--purpose", required=True, help="用途代码 / code of the purpose")
    parser.add_argument("--fields", help="只要这些字段，逗号分隔 / only these, separated by commas")


def _identifier(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--scheme", default="cn.resident-id", help="证件类别 / kind of identifier")
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument(
        "--id-stdin", action="store_true", help="从标准输入读取证件号码 / read the identifier from stdin"
    )
    source.add_argument("--id-file", type=Path, metavar="FILE", help="从文件读取证件号码 / read it from a file")


def _officer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--officer",
        type=Path,
        metavar="KEYFILE",
        help="代这位工作人员查询：本人或本单位的断言密钥 / ask for this officer: the key that vouches",
    )
    parser.add_argument(
        "--officer-id", metavar="off_…", help="密钥文件未写明时 / where the file does not say whose it is"
    )
    parser.add_argument("--officer-party", metavar="PARTY", help="同上：单位 / as above: the party")


def run_query(args: argparse.Namespace, out: Output) -> int:
    subject = _subject(args)
    assert subject is not None
    with gateway_for(args) as gateway:
        out.progress("正在查询……", "Asking …")
        answer = gateway.query(
            args.standard,
            subject,
            agreement=args.agreement,
            purpose=args.purpose,
            case=args.case,
            fields=_fields(args),
            consent=args.consent,
            idempotency_key=args.idempotency_key,
            timeout=args.timeout,
        )
        verified = _verified(answer, out)
    if args.save:
        answer.save(args.save)
        out.progress(f"已存档：{args.save}", f"Kept in {args.save}")
    if args.deliver_as:
        _show_delivered(answer.as_format(args.deliver_as), args.output, out)
    else:
        _show(answer, verified, args.output, out)
    return 0 if answer.found else errors.NotFound.exit_code


def run_explain(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        decision = gateway.explain(
            args.standard,
            _subject(args),
            agreement=args.agreement,
            purpose=args.purpose,
            fields=_fields(args),
            case=args.case,
        )
    if out.as_json:
        out.document(_decided(decision))
    else:
        _tell(decision, out)
    return 0 if decision.permitted else errors.Denied.exit_code


def gateway_for(args: argparse.Namespace) -> Gateway:
    """The Gateway of the environment or profile, speaking the chosen language."""
    language = "en" if args.lang == "en" else "zh-CN"
    given = {}
    if (file := getattr(args, "officer", None)) is not None:
        given["officer"] = Officer.load(file, party=args.officer_party, id=args.officer_id)
    return Gateway.from_env(profile=args.profile, language=language, **given)


def _fields(args: argparse.Namespace) -> list[str] | None:
    return [name.strip() for name in args.fields.split(",") if name.strip()] if args.fields else None


def _subject(args: argparse.Namespace) -> Subject | None:
    """The identifier from where it may stand; typed unseen when standard input is a terminal."""
    if args.id_file is not None:
        try:
            text = args.id_file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise errors.InvalidRequest(
                f"读不出 {args.id_file}：应为 UTF-8 文本文件。", f"{args.id_file} cannot be read as UTF-8 text."
            ) from None
    elif args.id_stdin:
        text = getpass.getpass("证件号码 / identifier: ") if sys.stdin.isatty() else sys.stdin.read()
    else:
        return None
    lines = text.split()
    if len(lines) != 1:
        raise errors.InvalidRequest(
            f"应有一个证件号码，读到 {len(lines)} 个。", f"Expected one identifier, found {len(lines)}."
        )
    return Subject(args.scheme, lines[0])


def _verified(answer: Answer, out: Output) -> VerifiedReceipt | None:
    """Evidence that does not hold stops everything; evidence that is only late does not."""
    try:
        return answer.verify()
    except errors.NotYetLogged:
        out.warn(
            "日志尚未公布此条目；请用 --save 存档，稍后 tongqu verify。",
            "The log does not show this entry yet; keep the answer with --save and run tongqu verify later.",
        )
        return None


def _show(answer: Answer, verified: VerifiedReceipt | None, form: str | None, out: Output) -> None:
    rows = [flat(record) for record in answer.data]
    if form == "json" or out.as_json:
        out.document({**answer.body(), "verified": verified is not None})
    elif form == "csv":
        write_csv(rows)
    elif not rows:
        out.line("该部门没有此人的记录。", "The department has no record of this person.")
    else:
        write_table(rows)
    for field in answer.withheld:
        out.progress(f"未提供：{field.get('field')}（{field.get('reason')}）", f"Withheld: {field.get('field')}")
    if verified is not None:
        out.progress(f"已核验：日志第 {verified.index} 条。", f"Verified: entry {verified.index} of the log.")


def _show_delivered(made: InOwnFormat, form: str | None, out: Output) -> None:
    rows = [{column: str(row.get(column, "")) for column in made.columns} for row in made.rows]
    if form == "json" or out.as_json:
        out.document({"rows": made.rows, "report": dict(made.report)})
    elif form == "csv":
        write_csv(rows)
    else:
        write_table(rows)
    for loss in made.losses:
        out.warn(f"没有带过去：{loss['field']}（{loss['zh']}）", f"Not carried over: {loss['field']} ({loss['en']})")


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "effect": decision.effect,
        "fields": list(decision.fields),
        "consent": decision.consent,
        "rules": list(decision.rules),
        "reasons": [
            {name: getattr(reason, name) for name in ("rule", "code", "zh", "en", "fix_zh", "fix_en")}
            for reason in decision.reasons
        ],
    }


def _tell(decision: Decision, out: Output) -> None:
    if decision.permitted:
        names = ", ".join(decision.fields)
        out.line(f"✓ 可以查询。字段：{names}", f"✓ Permitted. Fields: {names}")
        if decision.consent == "required":
            out.line("  须有居民同意。", "  The resident's consent is needed.")
        return
    out.line("✗ 不会获准：", "✗ It would be refused:")
    for reason in decision.reasons:
        out.line(f"  {reason.rule} {reason.zh}", f"  {reason.rule} {reason.en}")
        if reason.fix_zh or reason.fix_en:
            out.line(f"      怎么办：{reason.fix_zh}", f"      What to do: {reason.fix_en}")
