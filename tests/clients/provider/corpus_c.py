"""Third part of the corpus: events, hazards, services, tasks, and traps; written after the mapping, only measured."""

from __future__ import annotations

from random import Random

from tests.clients.provider.corpus import Extract, column
from tests.clients.provider.corpus_a import ETHNIC, SEX_WORD
from tests.clients.provider.corpus_people import COUNTY, OFFICES, firm, home, person, some_day, uscc

N = 32


def _events() -> list[Extract]:
    random = Random(501)
    rows = [(home(random), some_day(random, 2025, 2027), person(random)) for _ in range(N)]
    told = ["占道经营，影响通行", "小区垃圾未及时清运", "路灯不亮", "楼道堆放杂物", "井盖破损有安全隐患"]
    return [
        Extract(
            "网格事件工单",
            "grid-event",
            "csv-gb18030",
            [
                column("工单编号", "eventId", [f"GD2026{i:06d}" for i in range(N)]),
                column("上报时间", "reportedAt", [f"{d:%Y-%m-%d} 08:{i:02d}:00" for i, (_, d, _) in enumerate(rows)]),
                column("来源渠道", "source", [random.choice(("网格员上报", "12345热线", "视频巡查")) for _ in rows]),
                column("问题描述", "description", [told[i % 5] for i in range(N)]),
                column("事件大类", "eventClass", [random.choice(("市容环境", "街面秩序", "公用设施")) for _ in rows]),
                column("发生地址", "location.text", [h.text for h, *_ in rows]),
                column("社区编码", "location.divisionCode", [h.community for h, *_ in rows]),
                column("所属网格", "gridCode", [f"{h.community}{i % 9 + 100:03d}" for i, (h, *_) in enumerate(rows)]),
                column("上报人", None, [p.name for *_, p in rows]),
                column("上报人手机", "reporterPhone", [p.phone for *_, p in rows]),
                column("主办单位代码", "responsibleOffice.uscc", [OFFICES[i % 3] for i in range(N)]),
                column(
                    "主办单位",
                    "responsibleOffice.name",
                    [("示例街道城管科", "示例环卫所", "示例住建局")[i % 3] for i in range(N)],
                ),
                column("处理时限", "dueAt", [f"{d:%Y-%m-%d} 18:00:00" for _, d, _ in rows]),
                column("处理结果", "result", ["已清理" if i % 2 else "已修复" for i in range(N)]),
            ],
        ),
        Extract(
            "城管案件库",
            "grid-event",
            "sqlite",
            [
                column("ajbh", "eventId", [f"{i:08d}" for i in range(N)]),
                column("sbsj", "reportedAt", [f"{d:%Y%m%d}101500" for _, d, _ in rows]),
                column("wtms", "description", [told[i % 5] for i in range(N)]),
                column("fsdd", "location.text", [h.text for h, *_ in rows]),
                column("jddm", "location.divisionCode", [h.street for h, *_ in rows]),
                column("jd", "longitude", [f"113.9{random.randrange(10000, 99999)}" for _ in rows]),
                column("wd", "latitude", [f"22.5{random.randrange(10000, 99999)}" for _ in rows]),
                column("thcs", "returnCount", [str(i % 3) for i in range(N)]),
                column("jasj", "closedAt", [f"{d:%Y%m%d}171500" for _, d, _ in rows]),
                column("czy", None, ["admin"] * N),
            ],
        ),
        Extract(
            "安全检查记录",
            "hazard-inspection",
            "xlsx",
            [
                column("序号", None, [str(i + 1) for i in range(N)]),
                column("检查单号", "inspectionId", [f"JC{i:06d}" for i in range(N)]),
                column("受检单位", "targetName", [firm(random) for _ in rows]),
                column("受检单位信用代码", "targetUscc", [uscc(random) for _ in rows]),
                column("受检单位地址", "address.text", [h.text for h, *_ in rows]),
                column("街道编码", "address.divisionCode", [h.street for h, *_ in rows]),
                column("巡查时间", "inspectedAt", [f"{d.year}/{d.month}/{d.day} 09:30" for _, d, _ in rows]),
                column("检查人员", None, [p.name for *_, p in rows]),
                column("隐患等级", "hazardLevel", ["一般隐患" if i % 4 else "重大隐患" for i in range(N)]),
                column("隐患描述", "hazard", ["灭火器过期" if i % 2 else "安全通道堵塞" for i in range(N)]),
                column("限期整改日期", "rectifyBy", [f"{d.year}/{d.month}/28" for _, d, _ in rows]),
                column(
                    "复查日期",
                    "reinspectedAt",
                    [f"{d.year}/{d.month}/28 10:00" if i % 3 else "" for i, (_, d, _) in enumerate(rows)],
                ),
            ],
            title="安全生产检查台账",
            footer=True,
        ),
    ]


def _services() -> list[Extract]:
    random = Random(502)
    rows = [(home(random), some_day(random, 2025, 2027), person(random)) for _ in range(N)]
    return [
        Extract(
            "窗口评价器",
            "service-evaluation",
            "csv-utf8",
            [
                column("评价流水号", "evaluationId", [f"PJ{i:08d}" for i in range(N)]),
                column("办件号", "caseNumber", [f"SQ-2026-{i:05d}" for i in range(N)]),
                column("事项编码", "itemCode", ["11440399MB0000001C4440100001001"] * N),
                column("评价等级", "grade", [random.choice(("非常满意", "满意", "基本满意", "不满意")) for _ in rows]),
                column("评价时间", "evaluatedAt", [f"{d:%Y-%m-%d} 10:0{i % 6}:30" for i, (_, d, _) in enumerate(rows)]),
                column("文字评价", "comment", ["服务很好" if i % 3 else "等得太久" for i in range(N)]),
                column("窗口号", None, [str(i % 9) for i in range(N)]),
                column("评价人电话", None, [p.phone for *_, p in rows]),
            ],
        ),
        Extract(
            "事项目录",
            "service-item",
            "xlsx",
            [
                column("实施编码", "itemCode", [f"11440399MB0000001C44401{i:05d}001" for i in range(N)]),
                column("事项名称", "name", [f"高龄津贴申领（{i}类）" for i in range(N)]),
                column("事项类型", "itemType", [random.choice(("行政许可", "行政给付", "公共服务")) for _ in rows]),
                column("实施主体名称", "implementer.name", ["示例区民政局"] * N),
                column("法定办结时限（工作日）", "legalWorkingDays", [str(random.choice((10, 20, 30))) for _ in rows]),
                column("承诺办结时限（工作日）", "promisedWorkingDays", [str(random.choice((1, 3, 5))) for _ in rows]),
                column("是否收费", "fee", ["否" if i % 5 else "是" for i in range(N)]),
                column("跑动次数", "visits", [str(i % 2) for i in range(N)]),
                column("咨询电话", None, ["0755-22220000"] * N),
            ],
        ),
        Extract(
            "督办任务表",
            "task-request",
            "xlsx",
            [
                column("任务编号", "taskId", [f"RW{i:05d}" for i in range(N)]),
                column("任务名称", "title", [f"第{i}季度人口核查" for i in range(N)]),
                column("派发单位", "issuer.name", ["示例区政数局"] * N),
                column(
                    "承办单位", "assignee.name", ["示例街道办事处" if i % 2 else "演示街道办事处" for i in range(N)]
                ),
                column("派发时间", "issuedAt", [f"{d:%Y-%m-%d} 09:00:00" for _, d, _ in rows]),
                column("完成时限", "dueAt", [f"{d:%Y-%m-%d} 18:00:00" for _, d, _ in rows]),
                column("联系人", None, [p.name for *_, p in rows]),
            ],
        ),
        Extract(
            "公告清单",
            "information-release",
            "csv-utf8-sig",
            [
                column("索引号", "releaseId", [f"440399000/2026-{i:05d}" for i in range(N)]),
                column("公告标题", "title", [f"关于第{i}批补贴发放的公告" for i in range(N)]),
                column("文号", "documentNumber", [f"示府〔2026〕{i + 1}号" for i in range(N)]),
                column("发布单位", "issuer.name", ["示例区人民政府办公室"] * N),
                column("成文日期", "signedOn", [f"{d:%Y年%m月%d日}" for _, d, _ in rows]),
                column("发布时间", "publishedAt", [f"{d:%Y-%m-%d} 16:00" for _, d, _ in rows]),
                column("内容", "body", ["现将有关事项公告如下。"] * N),
                column("点击量", None, [str(random.randrange(10**4)) for _ in rows]),
            ],
        ),
    ]


def _traps() -> list[Extract]:
    random = Random(503)
    rows = [(person(random), person(random), home(random), some_day(random, 2015, 2026)) for _ in range(N)]
    return [
        Extract(
            "没有本人号码",
            "person-basic",
            "csv-utf8",
            [
                column("姓名", "name", [p.name for p, *_ in rows]),
                column("性别", "sex", [SEX_WORD[p.sex] for p, *_ in rows]),
                column("监护人身份证号", None, [q.id for _, q, *_ in rows]),
                column("监护人姓名", None, [q.name for _, q, *_ in rows]),
                column("出生日期", "birthDate", [f"{p.born:%Y-%m-%d}" for p, *_ in rows]),
                column("登记日期", None, [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("监护人电话", None, [q.phone for _, q, *_ in rows]),
            ],
        ),
        Extract(
            "配偶的生日",
            "person-basic",
            "xlsx",
            [
                column("姓名", "name", [p.name for p, *_ in rows]),
                column("身份证号", "idNumber", [p.id for p, *_ in rows]),
                column("出生日期", None, [f"{q.born:%Y-%m-%d}" for _, q, *_ in rows]),
                column("民族", "ethnicGroup", [ETHNIC[p.ethnic] for p, *_ in rows]),
                column("手机号", "phone", [p.phone for p, *_ in rows]),
                column("婚姻状况", None, [""] * N),
            ],
        ),
        Extract(
            "反着编的性别",
            "person-basic",
            "csv-gb18030",
            [
                column("XM", "name", [p.name for p, *_ in rows]),
                column("XB", "sex", [{"1": "0", "2": "1"}[p.sex] for p, *_ in rows]),
                column("ZJHM", "idNumber", [p.id for p, *_ in rows]),
                column("CSNY", "birthDate", [f"{p.born:%Y%m}" for p, *_ in rows]),
                column("SJHM", "phone", [p.phone for p, *_ in rows]),
                column("JTZZ", None, [h.text for *_, h, _ in rows]),
                column("HJDZ", "domicileAddress.text", [f"某县{h.text}" for *_, h, _ in rows]),
                column("ZZMM", None, ["群众"] * N),
                column("ZDRYLB", None, ["无"] * N),
            ],
        ),
        Extract(
            "三个名字三个电话",
            "residence-record",
            "csv-utf8",
            [
                column("登记编号", "recordId", [f"{i:09d}" for i in range(N)]),
                column("房东姓名", None, [q.name for _, q, *_ in rows]),
                column("房东身份证号", None, [q.id for _, q, *_ in rows]),
                column("承租人姓名", None, [p.name for p, *_ in rows]),
                column("承租人身份证号", "idNumber", [p.id for p, *_ in rows]),
                column("居住地址", "residenceAddress.text", [h.text for *_, h, _ in rows]),
                column("入住时间", "arrivalDate", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("合同签订时间", None, [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("采集员", None, ["王五"] * N),
                column("采集时间", "collectedAt", ["2026-10-01 10:00:00"] * N),
            ],
        ),
        Extract(
            "万元还是元",
            "market-entity",
            "csv-utf8",
            [
                column("统一社会信用代码", "uscc", [uscc(random) for _ in rows]),
                column("单位名称", "name", [firm(random) for _ in rows]),
                column("上级单位信用代码", None, [uscc(random) for _ in rows]),
                column("负责人", "legalRepresentative", [p.name for p, *_ in rows]),
                column("注册资金", "registeredCapital", [str(random.choice((50, 100, 500))) for _ in rows]),
                column("登记日期", "establishedAt", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("核准日期", None, [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("区划代码", "domicile.divisionCode", [COUNTY] * N),
                column("经营场所", "domicile.text", [h.text for *_, h, _ in rows]),
            ],
        ),
        Extract(
            "备注里什么都有",
            "social-assistance",
            "xlsx",
            [
                column("案件编号", "caseId", [f"A{i:05d}" for i in range(N)]),
                column("申请人", None, [p.name for p, *_ in rows]),
                column("申请人身份证号", "applicantIdNumber", [p.id for p, *_ in rows]),
                column("配偶身份证号", None, [q.id for _, q, *_ in rows]),
                column(
                    "救助类型",
                    "assistanceType",
                    [random.choice(("最低生活保障", "临时救助", "医疗救助")) for _ in rows],
                ),
                column("发放金额（元）", "monthlyAmount", [f"{random.randrange(300, 3000)}" for _ in rows]),
                column("审批日期", "approvedFrom", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("备注", None, [f"{q.id} 其子" for _, q, *_ in rows]),
                column("审批人", None, [q.name for _, q, *_ in rows]),
            ],
        ),
    ]


def extracts() -> list[Extract]:
    return [*_events(), *_services(), *_traps()]
