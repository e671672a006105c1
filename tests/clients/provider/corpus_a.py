"""First half of the corpus: extracts that were looked at while the mapping was being written."""

from __future__ import annotations

from datetime import date
from random import Random

from tests.clients.provider.corpus import Column, Extract, column
from tests.clients.provider.corpus_people import COUNTY, OFFICES, firm, home, person, some_day, uscc

SEX_WORD = {"1": "男", "2": "女"}
ETHNIC = {"01": "汉族", "02": "蒙古族", "03": "回族", "05": "维吾尔族", "08": "壮族", "11": "满族", "15": "土家族"}
MARITAL = {"10": "未婚", "20": "已婚", "21": "初婚", "22": "再婚", "30": "丧偶", "40": "离婚"}
LEGACY_MARITAL = {"10": "1", "20": "2", "21": "2", "22": "2", "30": "3", "40": "4"}


def excel_serial(day: date) -> str:
    return str((day - date(1899, 12, 30)).days)


def _people(columns: dict[str, str | None], style: dict[str, object], count: int = 40) -> list[Column]:
    """Columns about one person and a home: heading → target; ``style`` says how each target is written."""
    random = Random(repr(sorted(columns.items(), key=str)))
    rows = [(person(random), person(random), home(random), home(random)) for _ in range(count)]
    return [
        column(heading, target, [style[heading](p, q, h, k, i) for i, (p, q, h, k) in enumerate(rows)])
        for heading, target in columns.items()
    ]  # type: ignore[operator]


def extracts() -> list[Extract]:
    dot = lambda d: f"{d.year}.{d.month}.{d.day}"  # noqa: E731
    found = []

    # a street's own list: full Chinese names, the spouse's number beside the person's
    found.append(
        Extract(
            "街道人口册",
            "person-basic",
            "csv-gb18030",
            _people(
                {
                    "序号": None,
                    "户主姓名": None,
                    "姓名": "name",
                    "性别": "sex",
                    "民族": "ethnicGroup",
                    "出生年月日": "birthDate",
                    "身份证号码": "idNumber",
                    "配偶身份证号": None,
                    "婚姻情况": "maritalStatus",
                    "文化程度": "education",
                    "联系方式": "phone",
                    "紧急联系人电话": None,
                    "户口所在地": "domicileAddress.text",
                    "社区代码": "domicileAddress.divisionCode",
                    "政治面貌": None,
                    "宗教信仰": None,
                    "备注": None,
                },
                {
                    "序号": lambda p, q, h, k, i: str(i + 1),
                    "户主姓名": lambda p, q, h, k, i: q.name,
                    "姓名": lambda p, q, h, k, i: p.name,
                    "性别": lambda p, q, h, k, i: SEX_WORD[p.sex],
                    "民族": lambda p, q, h, k, i: ETHNIC[p.ethnic],
                    "出生年月日": lambda p, q, h, k, i: dot(p.born),
                    "身份证号码": lambda p, q, h, k, i: p.id,
                    "配偶身份证号": lambda p, q, h, k, i: q.id if i % 2 else "",
                    "婚姻情况": lambda p, q, h, k, i: MARITAL[p.marital],
                    "文化程度": lambda p, q, h, k, i: {
                        "21": "大学本科",
                        "31": "大学专科",
                        "61": "普通高中",
                        "71": "初中",
                        "81": "小学",
                        "10": "研究生",
                        "90": "其他",
                    }.get(p.education, ""),
                    "联系方式": lambda p, q, h, k, i: p.phone,
                    "紧急联系人电话": lambda p, q, h, k, i: q.phone,
                    "户口所在地": lambda p, q, h, k, i: h.text,
                    "社区代码": lambda p, q, h, k, i: h.community,
                    "政治面貌": lambda p, q, h, k, i: "群众",
                    "宗教信仰": lambda p, q, h, k, i: "无",
                    "备注": lambda p, q, h, k, i: f"电话{q.phone}" if i % 7 == 0 else "",
                },
            ),
        )
    )

    # an old table: initials with a prefix, 0/1 sex, own marital codes, 15-digit numbers among the others
    def old_id(p: object, i: int) -> str:
        number = p.id  # type: ignore[attr-defined]
        return number[:6] + number[8:17] if i % 9 == 0 and number[6:8] == "19" else number

    found.append(
        Extract(
            "旧系统人口表",
            "person-basic",
            "sqlite",
            _people(
                {
                    "RK_BH": None,
                    "RK_XM": "name",
                    "RK_XB": "sex",
                    "RK_SFZH": "idNumber",
                    "RK_CSRQ": "birthDate",
                    "RK_HYZK": "maritalStatus",
                    "RK_MZ": "ethnicGroup",
                    "RK_HJDZ": "domicileAddress.text",
                    "RK_QHDM": "domicileAddress.divisionCode",
                    "RK_LXDH": "phone",
                    "DEL_FLAG": None,
                    "GXSJ": None,
                },
                {
                    "RK_BH": lambda p, q, h, k, i: str(1000 + i),
                    "RK_XM": lambda p, q, h, k, i: p.name,
                    "RK_XB": lambda p, q, h, k, i: "1" if p.sex == "1" else "0",
                    "RK_SFZH": lambda p, q, h, k, i: old_id(p, i),
                    "RK_CSRQ": lambda p, q, h, k, i: f"{p.born:%Y%m%d}",
                    "RK_HYZK": lambda p, q, h, k, i: LEGACY_MARITAL[p.marital],
                    "RK_MZ": lambda p, q, h, k, i: p.ethnic,
                    "RK_HJDZ": lambda p, q, h, k, i: h.text,
                    "RK_QHDM": lambda p, q, h, k, i: h.street,
                    "RK_LXDH": lambda p, q, h, k, i: p.phone,
                    "DEL_FLAG": lambda p, q, h, k, i: "1" if i % 10 == 0 else "0",
                    "GXSJ": lambda p, q, h, k, i: "20261101083000",
                },
            ),
        )
    )

    # sex coded the other way round, the birth date only in the number; full pinyin
    found.append(
        Extract(
            "全拼导出",
            "person-basic",
            "csv-utf8-sig",
            _people(
                {
                    "xingming": "name",
                    "xingbie": "sex",
                    "shenfenzhenghao": "idNumber",
                    "minzu": "ethnicGroup",
                    "lianxidianhua": "phone",
                    "hujidizhi": "domicileAddress.text",
                    "hujidiquhua": "domicileAddress.divisionCode",
                    "lururiqi": None,
                    "gongzuodanwei": None,
                },
                {
                    "xingming": lambda p, q, h, k, i: p.name,
                    "xingbie": lambda p, q, h, k, i: {"1": "2", "2": "1"}[p.sex],
                    "shenfenzhenghao": lambda p, q, h, k, i: p.id,
                    "minzu": lambda p, q, h, k, i: ETHNIC[p.ethnic].removesuffix("族"),
                    "lianxidianhua": lambda p, q, h, k, i: p.phone,
                    "hujidizhi": lambda p, q, h, k, i: h.text,
                    "hujidiquhua": lambda p, q, h, k, i: COUNTY,
                    "lururiqi": lambda p, q, h, k, i: "2026/3/1",
                    "gongzuodanwei": lambda p, q, h, k, i: "个体",
                },
            ),
        )
    )

    # floating population with merged headings, registration and arrival dates, day numbers of a spreadsheet
    random = Random(4)
    people = [(person(random), home(random), some_day(random), some_day(random)) for _ in range(45)]
    found.append(
        Extract(
            "流动人口登记台账",
            "residence-record",
            "xlsx",
            [
                column("序号", None, [str(i + 1) for i in range(45)]),
                column("登记信息/登记编号", "recordId", [f"LD2026{i:05d}" for i in range(45)]),
                column("登记信息/登记日期", None, [f"{d:%Y-%m-%d}" for *_, d in people]),
                column("人员信息/姓名", None, [p.name for p, *_ in people]),
                column("人员信息/证件号码", "idNumber", [p.id for p, *_ in people]),
                column("人员信息/户籍地址", None, [f"外省某县{h.road}{h.number}" for _, h, *_ in people]),
                column("居住信息/现居住地址", "residenceAddress.text", [h.text for _, h, *_ in people]),
                column("居住信息/所属社区代码", "residenceAddress.divisionCode", [h.community for _, h, *_ in people]),
                column("居住信息/来本地日期", "arrivalDate", [excel_serial(a) for *_, a, _ in people]),
                column("居住信息/居住证号", "permitNumber", [f"JZ{i:08d}" if i % 3 else "" for i in range(45)]),
                column("居住信息/房屋编码", "houseCode", [f"4403990{i:06d}" for i in range(45)]),
                column("采集单位代码", "collectedBy", [OFFICES[0]] * 45),
                column("采集时间", "collectedAt", [f"{d:%Y-%m-%d} 09:30:00" for *_, d in people]),
                column("重点人员类别", None, [""] * 45),
            ],
            title="2026年第三季度流动人口登记台账",
            footer=True,
        )
    )

    # rental housing, two phones, landlord and tenant
    random = Random(5)
    houses = [(person(random), person(random), home(random), some_day(random)) for _ in range(30)]
    found.append(
        Extract(
            "出租屋台账",
            "rental-housing",
            "xlsx",
            [
                column("出租屋编号", "houseCode", [f"440399-{i:06d}" for i in range(30)]),
                column("房屋坐落", "address.text", [h.text for *_, h, _ in houses]),
                column("社区代码", "address.divisionCode", [h.community for *_, h, _ in houses]),
                column("房东", "ownerName", [o.name for o, *_ in houses]),
                column("房东证件号", "ownerIdNumber", [o.id for o, *_ in houses]),
                column("房东手机", "ownerPhone", [o.phone for o, *_ in houses]),
                column("租客姓名", "tenants.name", [t.name for _, t, *_ in houses]),
                column("租客身份证", "tenants.idNumber", [t.id for _, t, *_ in houses]),
                column("租客电话", None, [t.phone for _, t, *_ in houses]),
                column("是否出租", "isRented", ["是" if i % 4 else "否" for i in range(30)]),
                column("出租间数", "roomsRented", [str(random.randrange(1, 9)) for _ in range(30)]),
                column("居住人数", "occupants", [f"{random.randrange(1, 20)}人" for _ in range(30)]),
                column("面积（㎡）", "floorArea", [f"{random.randrange(30, 200)}.5" for _ in range(30)]),
                column("起租日期", "leaseFrom", [dot(d) for *_, d in houses]),
                column("合同到期日", "leaseTo", [dot(d.replace(year=d.year + 2, day=1)) for *_, d in houses]),
                column("月租金", None, [str(random.randrange(800, 6000)) for _ in range(30)]),
                column("采集单位", "collectedBy", [OFFICES[1]] * 30),
                column(
                    "采集日期",
                    "collectedAt",
                    [
                        dot(d.replace(year=2026))
                        for *_, d in [(h[0], date(2025, 3, 1 + i % 28)) for i, h in enumerate(houses)]
                    ],
                ),
            ],
            title="××街道出租屋管理台账",
        )
    )

    # marriage registrations in English and capitals
    random = Random(6)
    couples = [(person(random, 1960, 2000, "1"), person(random, 1960, 2000, "2"), some_day(random)) for _ in range(35)]
    found.append(
        Extract(
            "婚姻登记接口",
            "marriage-record",
            "csv-utf8",
            [
                column("CERT_CODE", "recordNumber", [f"J440399-2026-{i:06d}" for i in range(35)]),
                column("OP_TYPE", "operationType", [("IA", "IB")[i % 5 == 0] for i in range(35)]),
                column("OP_DATE", "registeredAt", [f"{d:%Y-%m-%d} 00:00:00" for *_, d in couples]),
                column("NAME_MAN", "name", [m.name for m, *_ in couples]),
                column("CERT_NUM_MAN", "idNumber", [m.id for m, *_ in couples]),
                column("BIRTH_MAN", None, [f"{m.born:%Y-%m-%d}" for m, *_ in couples]),
                column("NAME_WOMAN", "spouse.name", [w.name for _, w, _ in couples]),
                column("CERT_NUM_WOMAN", "spouse.idNumber", [w.id for _, w, _ in couples]),
                column("BIRTH_WOMAN", None, [f"{w.born:%Y-%m-%d}" for _, w, _ in couples]),
                column("NATION_MAN", None, ["156"] * 35),
                column("DEPT_CODE", "registrationOffice", [OFFICES[2]] * 35),
            ],
        )
    )

    # births
    random = Random(7)
    births = [
        (person(random, 2022, 2026), person(random, 1985, 2002, "2"), person(random, 1980, 2002, "1"))
        for _ in range(25)
    ]
    found.append(
        Extract(
            "出生登记",
            "birth-service",
            "csv-gb18030",
            [
                column("出生证编号", "birthCertNumber", [f"Y{440000000 + i}" for i in range(25)]),
                column("新生儿姓名", "childName", [c.name for c, *_ in births]),
                column("新生儿性别", "childSex", [SEX_WORD[c.sex] for c, *_ in births]),
                column("新生儿出生日期", "childBirthDate", [f"{c.born:%Y年%m月%d日}" for c, *_ in births]),
                column("母亲姓名", "motherName", [m.name for _, m, _ in births]),
                column("母亲身份证号", "motherIdNumber", [m.id for _, m, _ in births]),
                column("母亲出生日期", None, [f"{m.born:%Y-%m-%d}" for _, m, _ in births]),
                column("父亲姓名", "fatherName", [f.name for *_, f in births]),
                column("父亲身份证号", "fatherIdNumber", [f.id for *_, f in births]),
                column("联系电话", None, [m.phone for _, m, _ in births]),
                column("孩次", "birthOrder", [str(random.choice((1, 1, 2, 3))) for _ in births]),
                column("街道代码", "divisionCode", [home(random).street for _ in births]),
                column("登记日期", "registeredAt", [f"2026-05-{1 + i % 28:02d}" for i in range(25)]),
                column("登记机构代码", "registrationOffice", [OFFICES[0]] * 25),
                column("登记人", None, ["王芳"] * 25),
            ],
        )
    )

    # social insurance by the codes of human resources
    random = Random(8)
    insured = [(person(random, 1960, 2003), some_day(random)) for _ in range(50)]
    found.append(
        Extract(
            "社保参保",
            "social-insurance",
            "csv-utf8",
            [
                column("AAC002", "idNumber", [p.id for p, _ in insured]),
                column("AAC003", "name", [p.name for p, _ in insured]),
                column("AAC004", None, [p.sex for p, _ in insured]),
                column("AAC006", None, [f"{p.born:%Y%m%d}" for p, _ in insured]),
                column("AAE140", "insuranceType", [random.choice(("110", "310", "510")) for _ in insured]),
                column("AAC031", "insuredStatus", [random.choice("123") for _ in insured]),
                column("TYSHXYDM", "employer", [uscc(random) for _ in insured]),
                column("LJJFYS", "paidMonthsTotal", [str(random.randrange(1, 300)) for _ in insured]),
                column("AAC040", "contributionBase", [f"{random.randrange(2360, 26000)}.00" for _ in insured]),
                column("SCCBNY", "firstInsuredMonth", [f"{d:%Y%m}" for _, d in insured]),
                column("ZJJFNY", "lastPaidMonth", [f"2026{random.randrange(1, 10):02d}" for _ in insured]),
                column("XZQHDM", "divisionCode", [home(random).street for _ in insured]),
                column("AAE036", None, [f"{d:%Y-%m-%d}" for _, d in insured]),
            ],
        )
    )

    # firms, as market regulation names them; capital in 万元
    random = Random(9)
    firms = [
        (uscc(random), firm(random), person(random, 1955, 2000), home(random), some_day(random, 1995))
        for _ in range(40)
    ]
    found.append(
        Extract(
            "市场主体名录",
            "market-entity",
            "csv-tsv",
            [
                column("统一社会信用代码", "uscc", [u for u, *_ in firms]),
                column("企业名称", "name", [n for _, n, *_ in firms]),
                column("法人代表", "legalRepresentative", [p.name for _, _, p, *_ in firms]),
                column("法人身份证号", None, [p.id for _, _, p, *_ in firms]),
                column("成立日期", "establishedAt", [f"{d.year}/{d.month}/{d.day}" for *_, d in firms]),
                column(
                    "注册资本（万元）", "registeredCapital", [str(random.choice((10, 50, 100, 500))) for _ in firms]
                ),
                column("经营场所", "domicile.text", [h.text for *_, h, _ in firms]),
                column("街道代码", "domicile.divisionCode", [h.street for *_, h, _ in firms]),
                column("经营状态", "status", [random.choice(("存续", "存续", "注销", "吊销")) for _ in firms]),
                column(
                    "经营范围",
                    "businessScope",
                    ["食品销售；日用百货零售" if i % 2 else "软件开发；技术服务、技术咨询" for i in range(40)],
                ),
                column("联系电话", None, [p.phone for _, _, p, *_ in firms]),
            ],
        )
    )

    # disabled people of a street, guardians
    random = Random(10)
    frail = [
        (person(random, 1935, 1970), person(random, 1960, 1990), home(random), some_day(random)) for _ in range(30)
    ]
    found.append(
        Extract(
            "残疾人台账",
            "elderly-disability",
            "xlsx",
            [
                column("编号", None, [str(i + 1) for i in range(30)]),
                column("残疾人姓名", "name", [p.name for p, *_ in frail]),
                column("身份证号", "idNumber", [p.id for p, *_ in frail]),
                column(
                    "残疾证号", "disabilityCertNumber", [p.id + random.choice(("11", "23", "42")) for p, *_ in frail]
                ),
                column(
                    "残疾类别",
                    "disabilityType",
                    [random.choice(("视力残疾", "听力残疾", "肢体残疾", "智力残疾")) for _ in frail],
                ),
                column("残疾等级", "disabilityGrade", [random.choice(("一级", "二级", "三级", "四级")) for _ in frail]),
                column("发证日期", "certIssuedAt", [f"{d:%Y-%m-%d}" for *_, d in frail]),
                column("是否独居", "livingAlone", ["否" if i % 3 else "是" for i in range(30)]),
                column("监护人姓名", "guardian.name", [g.name for _, g, *_ in frail]),
                column("监护人身份证", "guardian.idNumber", [g.id for _, g, *_ in frail]),
                column("监护人电话", "guardian.phone", [g.phone for _, g, *_ in frail]),
                column("与监护人关系", "guardian.relationship", [random.choice(("子", "女", "配偶")) for _ in frail]),
                column("街道代码", "divisionCode", [h.street for *_, h, _ in frail]),
                column("家庭住址", None, [h.text for *_, h, _ in frail]),
                column("银行卡号", None, [f"6222{random.randrange(10**14):014d}" for _ in frail]),
            ],
            title="残疾人基本情况台账",
            footer=True,
        )
    )

    # a trap: 性别 holds words of another list; 名族; a column of birth dates that are not
    random = Random(11)
    odd = [(person(random), some_day(random, 2015), home(random)) for _ in range(30)]
    found.append(
        Extract(
            "填错列的表",
            "person-basic",
            "csv-utf8-semicolon",
            [
                column("姓名", "name", [p.name for p, *_ in odd]),
                column("性别", None, [ETHNIC[p.ethnic] for p, *_ in odd]),
                column("名族", "ethnicGroup", [ETHNIC[p.ethnic] for p, *_ in odd]),
                column("证件号", "idNumber", [p.id for p, *_ in odd]),
                column("出生日期", None, [f"{d:%Y-%m-%d}" for _, d, _ in odd]),
                column("电话", "phone", [p.phone for p, *_ in odd]),
            ],
        )
    )

    # names that say nothing, comments in the database that do
    random = Random(12)
    told = [(person(random), home(random)) for _ in range(30)]
    found.append(
        Extract(
            "有注释的库表",
            "person-basic",
            "sqlite",
            [
                column("C01", "idNumber", [p.id for p, _ in told], comment="身份证号码"),
                column("C02", "name", [p.name for p, _ in told], comment="姓名"),
                column("C03", "sex", [p.sex for p, _ in told], comment="性别（1男2女）"),
                column("C04", "birthDate", [f"{p.born:%Y-%m-%d}" for p, _ in told], comment="出生日期"),
                column("C05", "phone", [p.phone for p, _ in told], comment="手机号码"),
                column("C06", None, [h.text for _, h in told], comment="工作单位地址"),
                column("C07", "domicileAddress.text", [h.text for _, h in told], comment="户籍地址"),
                column("C08", "domicileAddress.divisionCode", [h.community for _, h in told], comment="户籍社区代码"),
            ],
        )
    )
    return found
