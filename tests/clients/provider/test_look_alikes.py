"""Columns that look like an element and are another thing: whatever is proposed, they are never called certain."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from tongqu_client.provider.mapping.model import Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.table import Row, Table

import standards
from tests.clients.provider.corpus_people import firm, home, person, uscc

ROWS = 40


def _people(seed: int) -> list[tuple[str, str, str, str, str]]:
    random = Random(seed)
    found = []
    for _ in range(ROWS):
        one, where = person(random), home(random)
        found.append((one.id, one.name, one.phone, where.text, where.street))
    return found


MINE, THEIRS = _people(1), _people(2)
VALUES: dict[str, list[str]] = {
    "id": [one[0] for one in MINE],
    "name": [one[1] for one in MINE],
    "phone": [one[2] for one in MINE],
    "address": [one[3] for one in MINE],
    "street": [one[4] for one in MINE],
    "other id": [one[0] for one in THEIRS],
    "other name": [one[1] for one in THEIRS],
    "other phone": [one[2] for one in THEIRS],
    "other address": [one[3] for one in THEIRS],
    "day": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(ROWS)],
    "other day": [f"2023-{1 + i % 11:02}-{1 + i % 27:02}" for i in range(ROWS)],
    "month": [f"2024{1 + i % 12:02}" for i in range(ROWS)],
    "amount": [f"{300 + 7 * i}.00" for i in range(ROWS)],
    "count": [str(1 + i % 5) for i in range(ROWS)],
    "number": [f"BH2024{i:05}" for i in range(ROWS)],
    "firm": [firm(Random(i)) for i in range(ROWS)],
    "uscc": [uscc(Random(i)) for i in range(ROWS)],
    "other uscc": [uscc(Random(i + 500)) for i in range(ROWS)],
    "marital": [("已婚", "未婚", "离婚")[i % 3] for i in range(ROWS)],
    "yes": [("是", "否")[i % 2] for i in range(ROWS)],
    "sex": [("男", "女")[i % 2] for i in range(ROWS)],
    "state": [("正常", "注销")[i % 2] for i in range(ROWS)],
    "satisfied": [("满意", "不满意")[i % 2] for i in range(ROWS)],
    "insurance": [("失业保险", "工伤保险")[i % 2] for i in range(ROWS)],
    "words": [f"第{i}次说明的情况" for i in range(ROWS)],
}
PERSON = {"身份证号": "id", "姓名": "name"}
# standard, what stands beside, the look-alike's heading and values, the element that it is not
TRAPS = [
    ("person-basic", PERSON, "紧急联络/电话", "other phone", "phone"),
    ("person-basic", PERSON, "工作单位/电话", "other phone", "phone"),
    ("person-basic", PERSON, "学校/地址", "other address", "domicileAddress.text"),
    ("person-basic", PERSON, "父母/婚姻状况", "marital", "maritalStatus"),
    ("person-basic", PERSON, "子女情况/性别", "sex", "sex"),
    ("person-basic", PERSON, "推荐单位/区划代码", "street", "domicileAddress.divisionCode"),
    ("person-basic", PERSON, "work_address", "other address", "domicileAddress.text"),
    ("person-basic", PERSON, "old_phone", "other phone", "phone"),
    ("person-basic", {"id_card": "id", "full_name": "name"}, "agent_name", "other name", "name"),
    ("person-basic", {"id_card": "id", "full_name": "name"}, "referrer_name", "other name", "formerName"),
    ("residence-record", PERSON, "疫苗有效期至", "day", "permitValidTo"),
    ("residence-record", PERSON, "暂缓期起", "day", "arrivalDate"),
    ("residence-record", PERSON, "探亲/起始日期", "day", "arrivalDate"),
    ("residence-record", PERSON, "单位住址", "other address", "residenceAddress.text"),
    ("residence-record", PERSON, "permit_print_date", "day", "permitValidTo"),
    ("rental-housing", {"房屋编码": "number", "房屋地址": "address"}, "保险期限/起", "day", "leaseFrom"),
    ("rental-housing", {"房屋编码": "number", "房屋地址": "address"}, "免租期止", "day", "leaseTo"),
    ("rental-housing", {"房屋编码": "number", "房屋地址": "address"}, "抵押期限/止", "day", "leaseTo"),
    ("rental-housing", {"房屋编码": "number", "房屋地址": "address"}, "物业公司/联系人", "other name", "managerName"),
    ("rental-housing", {"房屋编码": "number", "房屋地址": "address"}, "押金（元）", "amount", "floorArea"),
    ("social-assistance", PERSON, "实习期起", "day", "approvedFrom"),
    ("social-assistance", PERSON, "贷款/月金额（元）", "amount", "monthlyAmount"),
    ("social-assistance", PERSON, "复核报告编号", "number", "caseId"),
    ("social-assistance", PERSON, "loan_amount_yuan", "amount", "monthlyAmount"),
    ("elderly-disability", PERSON, "体检/起始年月", "month", "allowances.from"),
    ("elderly-disability", PERSON, "驾驶证/有效期至", "day", "certValidTo"),
    ("elderly-disability", PERSON, "护理员/联系电话", "other phone", "guardian.phone"),
    ("social-insurance", PERSON, "补缴/起始年月", "month", "firstInsuredMonth"),
    ("social-insurance", PERSON, "公积金基数（元）", "amount", "contributionBase"),
    ("social-insurance", PERSON, "last_login_month", "month", "lastPaidMonth"),
    ("social-insurance", PERSON, "家属参保险种", "insurance", "insuranceType"),
    ("employment", PERSON, "试用期起", "day", "employedFrom"),
    ("employment", PERSON, "原单位信用代码", "other uscc", "employer"),
    ("employment", PERSON, "见习/开始日期", "day", "employedFrom"),
    ("market-entity", {"信用代码": "uscc", "企业名称": "firm"}, "代理机构/名称", "firm", "name"),
    ("market-entity", {"信用代码": "uscc", "企业名称": "firm"}, "合同期限/止", "day", "validTo"),
    ("market-entity", {"信用代码": "uscc", "企业名称": "firm"}, "parent_credit_code", "other uscc", "uscc"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "loan_start", "day", "validFrom"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "last_check_date", "day", "establishedAt"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "paid_capital_wan", "amount", "registeredCapital"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "tax_status", "state", "status"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "warehouse_address", "address", "domicile.text"),
    ("birth-service", {"母亲身份证号": "id", "母亲姓名": "name"}, "接生人员/姓名", "other name", "childName"),
    ("birth-service", {"母亲身份证号": "id", "母亲姓名": "name"}, "预产期", "day", "childBirthDate"),
    ("marriage-record", {"男方身份证号": "id", "男方姓名": "name"}, "证婚人姓名", "other name", "spouse.name"),
    ("marriage-record", {"男方身份证号": "id", "男方姓名": "name"}, "上次登记日期", "other day", "registeredAt"),
    ("hazard-inspection", {"检查编号": "number", "检查地址": "address"}, "保险期限/止", "day", "rectifyBy"),
    ("hazard-inspection", {"检查编号": "number", "检查地址": "address"}, "next_check_date", "day", "inspectedAt"),
    ("service-evaluation", {"评价编号": "number"}, "餐饮满意度", "satisfied", "grade"),
    ("grid-event", {"事件编号": "number", "事件描述": "words"}, "合同截止时间", "day", "dueAt"),
    ("grid-event", {"event_no": "number", "event_desc": "words"}, "review_finish_time", "day", "handledAt"),
    ("household", {"户主身份证号": "id", "户主姓名": "name"}, "前户主姓名", "other name", "headName"),
    ("household", {"户主身份证号": "id", "户主姓名": "name"}, "搬迁地址", "other address", "address.text"),
    ("service-item", {"事项编码": "number", "事项名称": "words"}, "免费期（工作日）", "count", "legalWorkingDays"),
    ("organisation", {"信用代码": "uscc", "单位名称": "firm"}, "党组织/电话", "phone", "officePhone"),
    ("organisation", {"信用代码": "uscc", "单位名称": "firm"}, "租约终止日期", "day", "endedAt"),
    ("task-request", {"任务编号": "number", "任务名称": "words"}, "会议/时间", "day", "issuedAt"),
    ("market-entity", {"credit_code": "uscc"}, "dept_name", "firm", "name"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "org_address", "address", "domicile.text"),
    ("market-entity", {"credit_code": "uscc", "ent_name": "firm"}, "unit_found_date", "day", "establishedAt"),
    ("organisation", {"uscc": "uscc", "org_name": "firm"}, "dept_tel", "phone", "officePhone"),
    ("organisation", {"uscc": "uscc", "org_name": "firm"}, "上级部门电话", "phone", "officePhone"),
    ("person-basic", {"身份证号": "id"}, "user_name", "other name", "name"),
    ("person-basic", {"身份证号": "id"}, "worker_name", "other name", "name"),
    ("person-basic", PERSON, "worker_phone", "other phone", "phone"),
    ("person-basic", PERSON, "user_phone", "other phone", "phone"),
    ("person-basic", PERSON, "emp_phone", "other phone", "phone"),
    ("information-release", {"索引号": "number", "标题": "words"}, "报名有效期至", "day", "validTo"),
]


@pytest.mark.parametrize(
    ("standard", "beside", "heading", "values", "path"),
    TRAPS,
    ids=[f"{trap[0]}-{trap[2]}".replace("/", "／") for trap in TRAPS],
)
def test_a_look_alike_is_never_certain(
    standard: str, beside: dict[str, str], heading: str, values: str, path: str
) -> None:
    cells: dict[str, Sequence[str]] = {head: VALUES[kind] for head, kind in beside.items()} | {heading: VALUES[values]}
    rows = [Row(i + 2, dict(zip(cells, row, strict=True))) for i, row in enumerate(zip(*cells.values(), strict=True))]
    found = propose(standards.get(f"{standard}/1.0.0"), Table(tuple(cells), tuple(rows), (), {}), {}, Wishes())
    certain = {
        choice.element.path for choice in found.choices if heading in choice.columns and choice.certainty == "certain"
    }
    assert not certain, f"{heading} is called {certain}, and surely not {path}"
