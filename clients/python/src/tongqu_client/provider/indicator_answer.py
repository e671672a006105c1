"""What POST /indicators asks for, checked, and the figure it is answered with.

Only published indicators are computed: an indicator is named with the digest of its text, and the text is the one in
this package. Whoever could send a definition of their own could send two that differ by one person.
"""

from __future__ import annotations

from dataclasses import dataclass

from standards import indicators
from standards.indicators import Figure, Indicator, PeriodInvalid, UnknownIndicator

from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client.provider.envelope import Envelope
from tongqu_client.provider.errors import ConfigInvalid, KitError
from tongqu_client.provider.figures import compute
from tongqu_client.provider.refused import Refused, malformed
from tongqu_client.provider.service import Service


@dataclass(frozen=True, slots=True)
class FigureAsked:
    """A checked request for a figure."""

    indicator: Indicator
    period: str


def indicator_asked(service: Service, envelope: Envelope, body: bytes) -> FigureAsked:
    """What the body asks for. Raises Refused."""
    try:
        document = strict_loads(body)
    except MalformedJson as error:
        raise malformed(f"请求体不是 JSON（{error}）", f"the body is not JSON ({error})") from None
    members = {"indicator", "digest", "period"}
    if (
        not isinstance(document, dict)
        or set(document) != members
        or not all(isinstance(text, str) for text in document.values())
    ):
        raise malformed(
            "请求体应恰有 indicator、digest、period 三个文本",
            "the body must have exactly the texts indicator, digest and period",
        )
    indicator = _published(document["indicator"], document["digest"])
    if indicator.standard.id != service.standard.id:
        raise Refused(404, "unknown_standard", "本服务不提供该指标所依据的标准", "the standard is not served here")
    if (envelope.standard, envelope.fields) != (indicator.standard.id, indicator.elements):
        raise Refused(
            401,
            "request_signature_invalid",
            "信封的 standard、fields 与指标用到的数据项不一致（claims_differ）",
            "standard and fields of the envelope are not what the indicator reads (claims_differ)",
        )
    try:
        indicator.period(document["period"])
    except PeriodInvalid as error:
        raise malformed(error.zh, error.en) from None
    return FigureAsked(indicator, document["period"])


def indicator_figure(service: Service, asked: FigureAsked) -> Figure:
    """Count all rows; one at a time, since each count reads the whole source. Raises Refused."""
    if not service.counting.acquire(blocking=False):
        raise Refused(503, "unavailable", "正在计算另一个指标，请稍后", "another indicator is being computed")
    try:
        return compute(service, asked.indicator, asked.period)
    except ConfigInvalid as error:
        raise Refused(422, "indicator_unusable", error.zh, error.en) from None
    except KitError as error:
        raise Refused(
            503, "unavailable", f"暂时无法计算：{error.zh}", f"cannot compute at present: {error.en}"
        ) from None
    finally:
        service.counting.release()


def _published(name: str, digest: str) -> Indicator:
    try:
        indicator = indicators.get(name)
    except UnknownIndicator:
        raise Refused(
            404,
            "unknown_indicator",
            "本服务没有这个已公布的指标",
            "this service has no published indicator of that name",
        ) from None
    if indicator.digest != digest:
        raise Refused(
            404,
            "unknown_indicator",
            "本服务所存的该指标与网关的内容不同（digest 不符），请更新软件包",
            "this service holds another text under that name (digest differs); update the package",
        )
    return indicator
