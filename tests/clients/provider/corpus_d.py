"""Fourth part of the corpus: written last, measured once, then kept."""

from __future__ import annotations

from random import Random

from tests.clients.provider.corpus import Extract, column
from tests.clients.provider.corpus_people import firm, home, person, some_day, uscc

N = 30
WORD = {"1": "男", "2": "女"}


def extracts() -> list[Extract]:
    random = Random(909)
    people = [(person(random), person(random), home(random), some_day(random, 2018)) for _ in range(N)]
    return [
        Extract(
            "居住证申领",
            "residence-record",
            "csv-gb18030",
            [
                column("受理号", "recordId", [f"SL{i:06d}" for i in range(N)]),
                column("申领人姓名", None, [p.name for p, *_ in people]),
                column("申领人身份证号码", "idNumber", [p.id for p, *_ in people]),
                column("居住地址（详细到门牌）", "residenceAddress.text", [h.text for *_, h, _ in people]),
                column("居住地社区代码", "residenceAddress.divisionCode", [h.community for *_, h, _ in people]),
                column("入住日期", "arrivalDate", [f"{d:%Y-%m-%d}" for *_, d in people]),
                column("申领日期", None, [f"{d:%Y-%m-%d}" for *_, d in people]),
                column("居住证有效期止", "permitValidTo", [f"{d.year + 1}-{d.month:02d}-01" for *_, d in people]),
                column("住所类别", "dwellingType", ["出租屋" if i % 2 else "单位宿舍" for i in range(N)]),
                column("居住事由", "residenceReason", ["务工" if i % 2 else "经商" for i in range(N)]),
            ],
            title="居住证申领明细",
        ),
        Extract(
            "困难老人",
            "elderly-disability",
            "xlsx",
            [
                column("老人姓名", "name", [p.name for p, *_ in people]),
                column("老人身份证号", "idNumber", [p.id for p, *_ in people]),
                column("能力等级", "careLevel", ["重度失能" if i % 3 else "轻度失能" for i in range(N)]),
                column("评估时间", "assessedAt", [f"{d:%Y/%m/%d}" for *_, d in people]),
                column("是否独居老人", "livingAlone", ["是" if i % 2 else "否" for i in range(N)]),
                column("紧急联系人", None, [q.name for _, q, *_ in people]),
                column("紧急联系人电话", None, [q.phone for _, q, *_ in people]),
                column("居住街道代码", "divisionCode", [h.street for *_, h, _ in people]),
                column(
                    "补贴类别", "allowances.allowanceType", ["高龄津贴" if i % 2 else "养老服务补贴" for i in range(N)]
                ),
                column("年龄", None, [str(2026 - p.born.year) for p, *_ in people]),
            ],
            footer=True,
        ),
        Extract(
            "企业社保",
            "social-insurance",
            "csv-utf8",
            [
                column("个人编号", None, [f"{i:010d}" for i in range(N)]),
                column("身份证号码", "idNumber", [p.id for p, *_ in people]),
                column("姓名", "name", [p.name for p, *_ in people]),
                column("性别", None, [WORD[p.sex] for p, *_ in people]),
                column("单位信用代码", "employer", [uscc(random) for _ in people]),
                column("单位名称", None, [firm(random) for _ in people]),
                column("险种类型", "insuranceType", ["失业保险" if i % 2 else "工伤保险" for i in range(N)]),
                column("缴费基数（元）", "contributionBase", [str(random.randrange(2500, 20000)) for _ in people]),
                column("最近缴费月份", "lastPaidMonth", [f"2026-{random.randrange(1, 10):02d}" for _ in people]),
                column("经办人", None, ["张三丰"] * N),
            ],
        ),
        Extract(
            "全家登记",
            "household",
            "csv-gb18030",
            [
                column("户号", "householdId", [f"{i // 3:08d}" for i in range(N)]),
                column("姓名", "members.name", [p.name for p, *_ in people]),
                column("身份证号", "members.idNumber", [p.id for p, *_ in people]),
                column("与户主关系", "members.relationToHead", [("户主", "配偶", "子")[i % 3] for i in range(N)]),
                column("户籍地址", "address.text", [h.text for *_, h, _ in people]),
                column("社区代码", "address.divisionCode", [h.community for *_, h, _ in people]),
                column("迁入日期", "members.movedInAt", [f"{d:%Y%m%d}" for *_, d in people]),
            ],
        ),
        Extract(
            "消防隐患排查",
            "hazard-inspection",
            "sqlite",
            [
                column("JCBH", "inspectionId", [f"J{i:05d}" for i in range(N)]),
                column("BJCDW", "targetName", [firm(random) for _ in people]),
                column("XYDM", "targetUscc", [uscc(random) for _ in people]),
                column("JCSJ", "inspectedAt", [f"{d:%Y-%m-%d} 10:20:00" for *_, d in people]),
                column("YHMS", "hazard", ["线路老化" if i % 2 else "无应急灯" for i in range(N)]),
                column("ZGQX", "rectifyBy", [f"{d:%Y-%m-%d}" for *_, d in people]),
                column("ZGZT", "rectificationStatus", ["已整改" if i % 2 else "未整改" for i in range(N)]),
                column("DZ", "address.text", [h.text for *_, h, _ in people]),
                column("SQDM", "address.divisionCode", [h.community for *_, h, _ in people]),
                column("JCR", None, [q.name for _, q, *_ in people]),
            ],
        ),
    ]
