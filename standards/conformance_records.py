"""Checks of conformance.py on health, on the records answered, and on the form of answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from standards.conformance_finding import NO_SUBJECT, PASS, Finding, fail
from standards.conformance_probe import Probe, Response

SHOWN = 8  # violations listed per check; more do not help to mend
FUTURE = timedelta(seconds=60)  # how far as_of may run ahead of our clock


# ── health and records ────────────────────────────────────────────────────────────────────────────────────────────────
def health(probe: Probe) -> Finding:
    response = probe.send("GET", "/health", {"Accept": "application/json"}, b"", probe.timeout)
    probe.requests += 1
    document = response.json()
    probe.answers["health"] = response
    if response.status != 200 or not isinstance(document, dict):
        return fail(
            f"GET /health 应为 200 与 JSON 对象，实为 {response.status}",
            f"expected 200 and a JSON object, got {response.status}",
        )
    wrong = [
        name
        for name, wanted in (("standard", probe.standard.id), ("service", probe.service_id))
        if document.get(name) != wanted
    ]
    wrong += [] if document.get("status") in ("ok", "stale") else ["status"]
    wrong += [] if _instant(document.get("as_of")) else ["as_of"]
    if wrong:
        names = ", ".join(wrong)
        return fail(
            f"以下成员缺失或不符：{names}", f"these members are missing or differ from what was registered: {names}"
        )
    return PASS


def found(probe: Probe) -> Finding:
    if probe.found is None:
        return NO_SUBJECT
    records, trouble = _records(probe.once("found", subject=probe.found, fields=probe.all_fields))
    if records is None:
        return trouble
    if not records:
        return fail("应查到至少一条记录，实为空数组", "expected at least one record, got an empty array")
    if probe.standard.cardinality == "one" and len(records) > 1:
        return fail(
            f"此标准一人一条，实有 {len(records)} 条", f"this standard has one record per subject, got {len(records)}"
        )
    return PASS


def obeys(probe: Probe) -> Finding:
    if probe.found is None:
        return NO_SUBJECT
    records, _ = _records(probe.once("found", subject=probe.found, fields=probe.all_fields))
    if not records:
        return ("skipped", "没有记录可查", "there was no record to look at")
    return _judge_records(probe, records, None)


def profile(probe: Probe) -> Finding:
    if probe.found is None:
        return NO_SUBJECT
    if probe.crosswalk is not None:
        return ("skipped", "服务以原始列名答复，由网关裁剪", "the service answers in its own columns; the gateway cuts")
    for fields in _profiles(probe):
        records, trouble = _records(probe.ask(subject=probe.found, fields=fields))
        if records is None:
            return trouble
        if not records:
            return fail("只问部分数据项时查不到同一个人", "the same person is not found when fewer fields are asked")
        extra = sorted({name for record in records for name in record} - set(fields))
        if extra:
            return fail(
                f"多给了没有问的数据项：{', '.join(map(_safe, extra[:SHOWN]))}",
                f"answered with fields that were not asked for: {', '.join(map(_safe, extra[:SHOWN]))}",
            )
        finding = _judge_records(probe, records, fields)
        if finding[0] == "fail":
            return finding
    return PASS


def same_subject(probe: Probe) -> Finding:
    if probe.found is None:
        return NO_SUBJECT
    records, _ = _records(probe.once("found", subject=probe.found, fields=probe.all_fields))
    if not records:
        return ("skipped", "没有记录可查", "there was no record to look at")
    strangers = 0
    for record in records:
        translated = record if probe.crosswalk is None else probe.crosswalk.apply(record).record
        if (translated or {}).get(probe.standard.subject_field) != probe.found["id"]:
            strangers += 1
    if strangers:
        return fail(
            f"{strangers} 条记录的 {probe.standard.subject_field} 不是被问的人",
            f"{strangers} record(s) whose {probe.standard.subject_field} is not the subject asked about",
        )
    return PASS


def absent(probe: Probe) -> Finding:
    if probe.absent is None:
        return (
            "skipped",
            "没有给出一个查不到的对象（subject_absent）",
            "no subject that cannot be found was given (subject_absent)",
        )
    response = probe.once("absent", subject=probe.absent, fields=probe.all_fields)
    records, trouble = _records(response)
    if records is None:
        return trouble
    return (
        PASS
        if not records
        else fail(
            f"查无此人应为空数组，实有 {len(records)} 条", f"expected an empty array, got {len(records)} record(s)"
        )
    )


def as_of(probe: Probe) -> Finding:
    seen = [
        probe.answers[name]
        for name in ("found", "absent")
        if name in probe.answers and probe.answers[name].status == 200
    ]
    if not seen:
        return ("skipped", "没有成功的答复可查", "there was no successful answer to look at")
    for response in seen:
        document = response.json()
        instant = _instant(document.get("as_of")) if isinstance(document, dict) else None
        if instant is None:
            return fail(
                "as_of 缺失，或不是带时区的 RFC 3339 时间", "as_of is missing or is no RFC 3339 time with a zone"
            )
        if instant > probe.now() + FUTURE:
            return fail("as_of 晚于现在", "as_of lies in the future")
    return PASS


# ── form ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def problem_documents(probe: Probe) -> Finding:
    if not probe.errors:
        return ("skipped", "没有出错的答复可查", "there was no error answer to look at")
    for label, response in probe.errors:
        document = response.json()
        if not response.header("content-type").lower().startswith("application/problem+json"):
            return fail(
                f"{label}：Content-Type 应为 application/problem+json",
                f"{label}: expected Content-Type application/problem+json",
            )
        lacking = [
            name
            for name in ("type", "title", "status", "code")
            if not isinstance(document, dict) or not document.get(name)
        ]
        if lacking:
            return fail(f"{label}：缺少成员 {', '.join(lacking)}", f"{label}: lacks the members {', '.join(lacking)}")
        if document["status"] != response.status:
            return fail(f"{label}：status 与 HTTP 状态码不同", f"{label}: status differs from the HTTP status")
    return PASS


def no_personal_data(probe: Probe) -> Finding:
    for label, response in probe.errors:
        if probe.found and probe.found["id"].encode() in response.body:
            return fail(
                f"{label}：错误答复里写出了被查询人的号码", f"{label}: the error answer repeats the subject's number"
            )
    if probe.found is None:
        return NO_SUBJECT
    return PASS if probe.errors else ("skipped", "没有出错的答复可查", "there was no error answer to look at")


def content_type(probe: Probe) -> Finding:
    seen = [
        probe.answers[name]
        for name in ("found", "absent")
        if name in probe.answers and probe.answers[name].status == 200
    ]
    if not seen:
        return ("skipped", "没有成功的答复可查", "there was no successful answer to look at")
    for response in seen:
        if not response.header("content-type").lower().startswith("application/json"):
            return fail(
                "成功答复的 Content-Type 应为 application/json", "expected Content-Type application/json on success"
            )
        if "no-store" not in response.header("cache-control").lower():
            return fail("成功答复缺少 Cache-Control: no-store", "a successful answer lacks Cache-Control: no-store")
    return PASS


def time_and_size(probe: Probe) -> Finding:
    if probe.slowest > probe.timeout:
        return fail(
            f"最慢的答复用了 {probe.slowest:.1f} 秒，限 {probe.timeout:.1f} 秒",
            f"the slowest answer took {probe.slowest:.1f} s of the {probe.timeout:.1f} s allowed",
        )
    if probe.largest > probe.max_bytes:
        return fail(
            f"最大的答复 {probe.largest} 字节，限 {probe.max_bytes}",
            f"the largest answer has {probe.largest} bytes of the {probe.max_bytes} allowed",
        )
    return PASS


# ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _records(response: Response) -> tuple[list[dict[str, Any]] | None, Finding]:
    """The records of a 200, or None and why not."""
    if response.status != 200:
        return None, fail(
            f"应为 200，实为 {response.status}{_code(response)}",
            f"expected 200, got {response.status}{_code(response)}",
        )
    document = response.json()
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None, fail(
            "答复应为 JSON 对象，records 为对象数组", "expected a JSON object whose records are an array of objects"
        )
    return records, PASS


def _judge_records(probe: Probe, records: list[dict[str, Any]], fields: Sequence[str] | None) -> Finding:
    validator = probe.standard.validator(tuple(fields) if fields else None)
    zh, en = [], []
    for number, record in enumerate(records, 1):
        if probe.crosswalk is not None:
            translated = probe.crosswalk.apply(record)
            zh += [
                f"第 {number} 条 {_safe(refusal.source)} → {refusal.target}：{refusal.zh}"
                for refusal in translated.refused
            ]
            en += [
                f"record {number} {_safe(refusal.source)} → {refusal.target}: {refusal.en}"
                for refusal in translated.refused
            ]
            if translated.record is None:
                continue
            record = translated.record
        for violation in validator.errors(record):
            zh.append(f"第 {number} 条 {_safe(violation.pointer or '/')}：{violation.zh}")
            en.append(f"record {number} {_safe(violation.pointer or '/')}: {violation.en}")
    if zh:
        return fail("；".join(zh[:SHOWN]), "; ".join(en[:SHOWN]))
    return PASS


def _profiles(probe: Probe) -> list[tuple[str, ...]]:
    """Two cuts to try: the subject field alone, and it with every second of the others."""
    key = probe.standard.subject_field
    others = [name for name in probe.all_fields if name != key]
    return [(key,), (key, *others[::2])]


def _instant(text: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text) if isinstance(text, str) and "T" in text else None
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None


def _code(response: Response) -> str:
    document = response.json()
    code = document.get("code") if isinstance(document, dict) else None
    return f" ({_safe(code)})" if isinstance(code, str) else ""


def _safe(name: Any) -> str:
    """A name the endpoint chose, cut and cleaned: it goes into a report people read."""
    return "".join(character if character.isprintable() else "?" for character in str(name))[:60]
