"""An answer in the asker's own format. The signed answer itself stays as it came, so its receipt still proves it."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongqu_client import errors

if TYPE_CHECKING:
    from tongqu_client._models import Answer


@dataclass(frozen=True, slots=True)
class InOwnFormat:
    """``rows`` in the columns of the format, in the order of ``columns``; ``report`` says what was lost, and why.

    ``report["evidence"]`` binds both: the digest of the receipt that proves the answer, and that of the crosswalk.
    """

    rows: list[dict[str, Any]] = field(repr=False)
    columns: tuple[str, ...]
    report: Mapping[str, Any]

    @property
    def losses(self) -> list[dict[str, Any]]:
        """Fields of the answer that the format cannot carry: field, why_code, count, a sentence in each language."""
        found: list[dict[str, Any]] = self.report["losses"]
        return found


def in_format(answer: Answer, crosswalk: Mapping[str, Any] | str | Path) -> InOwnFormat:
    """Turn the asker's crosswalk (own columns → standard) round and write the answer's records in its columns.

    Only fields of the answer can be in it. Needs the extra ``provider``, which holds the crosswalk engine; raises
    ConfigError without it, InvalidRequest for a crosswalk that is none or is to another standard.
    """
    try:
        engine, standards = importlib.import_module("standards.crosswalk"), importlib.import_module("standards")
        delivery = importlib.import_module("standards.crosswalk_delivery")
    except ModuleNotFoundError as error:
        raise errors.ConfigError(
            f"按本单位格式交付需要附加组件（缺 {error.name}）：pip install 'tongqu-client[provider]'。",
            f"Delivery in your own format needs an extra (no {error.name}): pip install 'tongqu-client[provider]'.",
        ) from None
    document = _read(crosswalk)
    wanted = str(answer.request.get("standard"))
    if document.get("standard") != wanted:
        raise errors.InvalidRequest(
            f"对照表应是到 {wanted} 的，来的是到 {document.get('standard')} 的。",
            f"Expected a crosswalk to {wanted}, got one to {document.get('standard')}.",
        )
    try:
        compiled = engine.compile(document, standards.get(wanted))
    except engine.CrosswalkInvalid as error:
        places = "; ".join(f"{one.pointer or '/'}: {one.en}" for one in error.problems[:5])
        raise errors.InvalidRequest(f"对照表有误：{places}", f"The crosswalk is not valid: {places}") from None
    except standards.UnknownStandard:
        raise errors.InvalidRequest(
            f"本机没有标准 {wanted}，请更新附加组件。", f"The standard {wanted} is not installed; update the extra."
        ) from None
    made = delivery.Delivery(compiled).deliver(answer.data)
    evidence = {
        "request_id": answer.request_id,
        "receipt": "sha-256:" + hashlib.sha256(answer.receipt.encode()).hexdigest(),
        "crosswalk": made.crosswalk,
        "withheld": [str(one.get("field")) for one in answer.withheld],
    }
    return InOwnFormat(made.rows, made.columns, {**made.report(), "evidence": evidence})


def _read(crosswalk: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    if isinstance(crosswalk, Mapping):
        return crosswalk
    try:
        document = json.loads(Path(crosswalk).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise errors.InvalidRequest(
            f"读不出对照表 {Path(crosswalk).name}。", f"The crosswalk {Path(crosswalk).name} cannot be read."
        ) from None
    if not isinstance(document, dict):
        raise errors.InvalidRequest("对照表应为 JSON 对象。", "A crosswalk is a JSON object.")
    return document
