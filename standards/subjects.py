"""What a record may be about, and by which identifier it is asked for. Each scheme is one element of the dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to name a subject. ``element``: the shared element whose rules the identifier obeys."""

    id: str
    element: str
    zh: str
    en: str


# ``cn.``: given by a national rule; ``local.``: given by a city or a department, unique only there.
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        scheme.id: scheme
        for scheme in (
            Scheme("cn.resident-id", "idNumber", "公民身份号码", "Resident identity number"),
            Scheme("cn.uscc", "uscc", "统一社会信用代码", "Unified social credit code"),
            Scheme("cn.division-code", "divisionCode", "行政区划代码", "Administrative division code"),
            Scheme("cn.address-code", "addressCode", "地址编码", "Address code"),
            Scheme("cn.service-item", "serviceItemCode", "政务服务事项编码", "Service item code"),
            Scheme("cn.information-index", "informationIndex", "信息索引号", "Index number of public information"),
            Scheme("cn.catalogue-code", "catalogueCode", "政务数据目录代码", "Catalogue entry code"),
            Scheme("local.house-code", "houseCode", "房屋编码", "House code"),
            Scheme("local.event-number", "eventNumber", "事件编号", "Event number"),
            Scheme("local.hazard-number", "hazardNumber", "隐患编号", "Hazard number"),
            Scheme("local.task-number", "taskNumber", "任务编号", "Task number"),
            Scheme("local.indicator", "indicatorId", "统计指标编码", "Indicator identifier"),
            Scheme("local.form", "formId", "表单编码", "Form identifier"),
        )
    }
)
