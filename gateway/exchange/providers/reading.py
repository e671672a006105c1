"""Read a department's HTTP answer and believe nothing: status, type, JSON and shape.

Plain functions. What is wrong becomes a kin of ProviderError that says so in both languages; nothing that the
department sent gets into it, except its HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.catalogue.outbound import Fetched
from gateway.errors import ProviderNonconformant, ProviderRefused, ProviderTimedOut, ProviderUnavailable
from gateway.exchange.providers.base import Reply
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.clock import parse_rfc3339, rfc3339

JSON: Final = "application/json"
MAX_RECORDS: Final = 200  # the contract's limit
MAX_REPORTED: Final = 200  # field paths in one report
SIGNATURE_HEADER: Final = "tongqu-record-signature"
MAX_SIGNATURE: Final = 2048  # characters
RETRY_AFTER_S: Final = 5  # when the department does not say
MAX_RETRY_AFTER_S: Final = 3600

_OBJECTS: Final = frozenset((dict,))
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_OURS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)  # as rfc3339 writes it
_DETACHED: Final = re.compile(r"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}(?:\.[A-Za-z][A-Za-z0-9]{0,63}){0,5}")


def read(fetched: Fetched) -> Reply:
    """The reply in a 200. Raises ProviderNonconformant, and for any other status what ``failure`` says of it."""
    if fetched.status != 200:
        raise failure(fetched)
    kind = fetched.headers.get("content-type", "")
    if kind != JSON and kind.partition(";")[0].strip().lower() != JSON:
        raise nonconformant("类型应为 application/json", "it must be application/json")
    if fetched.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise nonconformant("不得压缩", "it must not be compressed")
    try:
        document = strict_loads(fetched.body)
    except MalformedJson as error:  # its message names the kind of fault and the place, never the content
        raise nonconformant(f"不是有效的 JSON（{error}）", f"it is not valid JSON ({error})") from None
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list) or not _OBJECTS.issuperset(map(type, records)):
        raise nonconformant("应有 records 数组，元素为对象", "it must have records, an array of objects")
    if len(records) > MAX_RECORDS:
        raise nonconformant(f"超过 {MAX_RECORDS} 条记录", f"it holds more than {MAX_RECORDS} records")
    signature = _signature(fetched.headers.get(SIGNATURE_HEADER))
    return Reply(records, _as_of(document.get("as_of")), _report(document.get("report")), signature)


def _signature(value: str | None) -> str | None:
    """The department's signature over its records, a detached JWS. Whether it holds, whoever relies on it will see."""
    return value if value is not None and len(value) <= MAX_SIGNATURE and _DETACHED.fullmatch(value) else None


def _as_of(value: Any) -> str | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and _OURS.fullmatch(value) and parse_rfc3339(value):
            return value
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return rfc3339(parse_rfc3339(value))
    except (ValueError, OverflowError):  # no such day, or a year that UTC pushes out of the calendar
        pass
    raise nonconformant("as_of 应为带时区的 RFC 3339 时间", "as_of must be an RFC 3339 time with a zone")


def _report(value: Any) -> Mapping[str, tuple[str, ...]] | None:
    """Names of fields only: whatever else a department puts there is dropped, for it might be data."""
    if not isinstance(value, dict):
        return None
    return {kind: _paths(value.get(kind)) for kind in ("defaulted", "lost")}


def _paths(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(path for path in listed[:MAX_REPORTED] if isinstance(path, str) and _FIELD.fullmatch(path))


def shows_life(status: int) -> bool:
    """Whether this refusal comes from a system that works; 429 comes from one that has too much to do."""
    return 400 <= status < 500 and status != 429


# ── every other status ────────────────────────────────────────────────────────────────────────────────────────────────
def failure(fetched: Fetched) -> ProviderUnavailable | ProviderTimedOut | ProviderRefused | ProviderNonconformant:
    """What a status other than 200 means (standards/provider-openapi.yaml)."""
    status = fetched.status
    if status in (429, 503):
        return ProviderUnavailable(
            "数据提供部门的系统暂不可用。",
            "The department's system is unavailable for now.",
            retry_after=_retry_after(fetched.headers.get("retry-after", "")),
        )
    if status == 504:
        return ProviderTimedOut("数据提供部门未在时限内答复。", "The department did not answer in time.")
    if status >= 500:
        return ProviderUnavailable(
            f"数据提供部门的系统出错（HTTP {status}）。",
            f"The department's system failed (HTTP {status}).",
            retry_after=RETRY_AFTER_S,
        )
    if status in _REFUSALS:
        zh, en, fix_zh, fix_en = _REFUSALS[status]
        return ProviderRefused(
            f"数据提供部门的系统{zh}（HTTP {status}）。",
            f"The department's system {en} (HTTP {status}).",
            fix_zh=fix_zh,
            fix_en=fix_en,
        )
    if status == 422:
        return ProviderNonconformant(
            "部门有相关数据，但无法按数据标准提供。",
            "The department has data but cannot give it in the standard.",
            fix_zh="请数据提供部门按其日志所列的行与列更正数据或对照表。",
            fix_en="The department must mend its data or crosswalk at the rows and columns that its own log names.",
        )
    return nonconformant(f"HTTP 状态为 {status}", f"its HTTP status is {status}")


_REFUSALS: Final = {
    401: (
        "不认可网关的请求签名",
        "does not accept the gateway's signature",
        "请数据提供部门核对网关公钥、服务编号与系统时钟。",
        "The department should check the gateway's keys, the id of its service, and its clock.",
    ),
    403: (
        "不在此协议下提供数据",
        "does not serve this agreement",
        "请数据提供部门在其系统中登记该协议。",
        "The department must list this agreement in its own system.",
    ),
}


def _retry_after(text: str) -> int:
    """Whole seconds, within reason; a date would need the department's clock to be right."""
    if not (text.isascii() and text.isdecimal()):
        return RETRY_AFTER_S
    return max(1, min(int(text[:9]), MAX_RETRY_AFTER_S))


def nonconformant(zh: str, en: str) -> ProviderNonconformant:
    return ProviderNonconformant(
        f"数据提供部门的答复不符合接口约定：{zh}。",
        f"The department's answer breaks the provider contract: {en}.",
        fix_zh="请数据提供部门运行符合性测试并按其提示修正。",
        fix_en="The department should run the conformance test and mend what it names.",
    )
