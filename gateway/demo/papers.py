"""The agreements of the demo city, as their parties would write them."""

from __future__ import annotations

from typing import Any

from gateway.demo import city
from gateway.demo.people import MAPLE as MAPLE_DIVISION

PERSON, RESIDENCE, ASSISTANCE = "person-basic/1.0.0", "residence-record/1.0.0", "social-assistance/1.0.0"
VALID = {"from": "2026-01-01T00:00:00.000Z", "until": "2036-01-01T00:00:00.000Z", "review_by": None}

IDENTITY_CHECK = {
    "provider": city.POLICE,
    "standard": PERSON,
    "title": ("窗口办事身份核对", "Identity at the counter"),
    "fields": ("idNumber", "name", "sex", "birthDate", "domicileAddress", "phone"),
    "masks": {"phone": "last-four"},
    "purpose": ("counter.identity", "窗口办事核对身份", "Confirm who stands at the counter"),
    "basis": ("13.1.3", "中华人民共和国户口登记条例；在线政务服务若干规定第七条"),
    "consent": "none",
    "quota": {"unit": "day", "max": 500},
    "predicates": ("isAdult", "isElderly"),
    "emergency": "allowed",
}
ASSISTANCE_CHECK = {
    "provider": city.CIVIL,
    "standard": ASSISTANCE,
    "title": ("社会救助状态核对（须本人同意）", "Social assistance, with the resident's consent"),
    "fields": ("caseId", "assistanceType", "applicantIdNumber", "monthlyAmount", "approvedFrom", "status"),
    "masks": {},
    "purpose": ("dibao.initial", "最低生活保障申请受理", "Receive an application for the minimum living allowance"),
    "basis": ("13.1.1", "社会救助暂行办法第五十八条；个人信息保护法第二十三条"),
    "consent": "required",
    "quota": {"unit": "day", "max": 100},
}
OWN_RESIDENTS = {
    "provider": city.POPULATION,
    "standard": RESIDENCE,
    "title": ("本辖区流动人口登记回流", "Registered residents of the own division"),
    "fields": ("recordId", "idNumber", "residenceAddress", "arrivalDate"),
    "masks": {},
    "purpose": ("residence.service", "居住登记服务", "Serve registered residents"),
    "basis": ("13.1.3", "居住证暂行条例第七条；政务数据共享条例第二十四条"),
    "consent": "none",
    "quota": {"unit": "month", "max": 2000},
    "divisions": [MAPLE_DIVISION],
}
HEALTH_FILE = {
    "provider": city.HEALTH,
    "standard": PERSON,
    "title": ("家庭医生签约核对", "Family-doctor registration"),
    "fields": ("idNumber", "name", "sex", "birthDate"),
    "masks": {"idNumber": "hide-middle"},
    "purpose": ("health.enrol", "家庭医生签约", "Enrol with a family doctor"),
    "basis": ("13.1.3", "基本医疗卫生与健康促进法第三十一条"),
    "consent": "none",
    "quota": {"unit": "day", "max": 2},
}


def document(paper: dict[str, Any], consumer: str) -> dict[str, Any]:
    """The draft that a party sends; the gateway adds id, version and the standard's digest."""
    code, zh, en = paper["purpose"]
    basis, citation = paper["basis"]
    return {
        "title_zh": paper["title"][0],
        "title_en": paper["title"][1],
        "parties": [
            {"role": "provider", "party": paper["provider"], "function": citation, "contact": "数据管理科"},
            {"role": "consumer", "party": consumer, "function": "街道办事处便民服务职责", "contact": "公共服务办"},
        ],
        "purposes": [{"code": code, "zh": zh, "en": en}],
        "legal_basis": [{"id": "lb1", "type": basis, "citation": citation}],
        "items": [
            {
                "standard": paper["standard"],
                "fields": list(paper["fields"]),
                "legal_basis": "lb1",
                "consent": paper["consent"],
                "min_proof_level": 1,
                "masks": paper["masks"],
                **({"predicates": [{"name": name} for name in paper["predicates"]]} if "predicates" in paper else {}),
            }
        ],
        "access": {
            "mode": "query",
            "quota": paper["quota"],
            "subjects_per_request": 1,
            "case_required": True,
            "hours": None,
        },
        "jurisdiction": {"divisions": paper["divisions"]} if "divisions" in paper else None,
        "retention": {"consumer": "P2Y", "destruction": "办结后按档案规定销毁"},
        "onward_disclosure": "prohibited",
        "subject_visibility": "immediate",
        "validity": VALID,
        "obligations": [],
        "emergency": paper.get("emergency", "none"),
    }
