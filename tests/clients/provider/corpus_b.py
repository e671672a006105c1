"""Second half of the corpus: written before the mapping was measured on it, in other hands' manners.

Windows and desks differ: headings in spoken words, abbreviations of abbreviations, English of programmers, merged
headings, units that are not said, the same word for two things.
"""

from __future__ import annotations

from datetime import date
from random import Random

from tests.clients.provider.corpus import Extract, column
from tests.clients.provider.corpus_a import ETHNIC, MARITAL, SEX_WORD, excel_serial
from tests.clients.provider.corpus_people import COUNTY, OFFICES, firm, home, person, some_day, uscc


def _person_extracts() -> list[Extract]:
    random = Random(101)
    rows = [(person(random), person(random), home(random)) for _ in range(40)]
    found = [
        Extract(
            "学校式花名册",
            "person-basic",
            "xlsx",
            [
                column("序号", None, [str(i + 1) for i in range(40)]),
                column(
                    "本人基本情况/姓名",
                    "name",
                    [f"{p.name[0]}　{p.name[1:]}" if len(p.name) == 2 else p.name for p, *_ in rows],
                ),
                column("本人基本情况/性别", "sex", [SEX_WORD[p.sex] for p, *_ in rows]),
                column("本人基本情况/出生年月", "birthDate", [f"{p.born:%Y-%m-%d}" for p, *_ in rows]),
                column(
                    "本人基本情况/身份证件号", "idNumber", [f"{p.id[:6]} {p.id[6:14]} {p.id[14:]}" for p, *_ in rows]
                ),
                column("本人基本情况/手机", "phone", [p.phone for p, *_ in rows]),
                column("家长信息/姓名", None, [q.name for _, q, _ in rows]),
                column("家长信息/电话", None, [q.phone for _, q, _ in rows]),
                column("户籍地址", "domicileAddress.text", [h.text for *_, h in rows]),
                column("户籍社区编码", "domicileAddress.divisionCode", [h.community for *_, h in rows]),
            ],
            title="新生入学登记花名册",
            footer=True,
        ),
        Extract(
            "程序员的表",
            "person-basic",
            "sqlite",
            [
                column("id", None, [str(i) for i in range(40)]),
                column("real_name", "name", [p.name for p, *_ in rows]),
                column("gender", "sex", ["M" if p.sex == "1" else "F" for p, *_ in rows]),
                column("id_card_no", "idNumber", [p.id.lower() for p, *_ in rows]),
                column("date_of_birth", "birthDate", [f"{p.born:%Y-%m-%d} 00:00:00" for p, *_ in rows]),
                column("nation", "ethnicGroup", [ETHNIC[p.ethnic] for p, *_ in rows]),
                column("marital_status", "maritalStatus", [MARITAL[p.marital] for p, *_ in rows]),
                column("mobile", "phone", [p.phone for p, *_ in rows]),
                column("hukou_address", "domicileAddress.text", [h.text for *_, h in rows]),
                column("hukou_region_code", "domicileAddress.divisionCode", [h.street for *_, h in rows]),
                column("create_time", None, ["2026-01-02 03:04:05"] * 40),
                column("religion", None, ["无"] * 40),
            ],
        ),
        Extract(
            "派出所导出",
            "person-basic",
            "csv-gb18030",
            [
                column("GMSFZHM", "idNumber", [p.id for p, *_ in rows]),
                column("XM", "name", [p.name for p, *_ in rows]),
                column("CYM", "formerName", ["" if i % 5 else q.name for i, (_, q, _) in enumerate(rows)]),
                column("XBDM", "sex", [p.sex for p, *_ in rows]),
                column("MZDM", "ethnicGroup", [p.ethnic for p, *_ in rows]),
                column("CSRQ", "birthDate", [f"{p.born:%Y%m%d}" for p, *_ in rows]),
                column("HYZKDM", "maritalStatus", [p.marital for p, *_ in rows]),
                column("XLDM", "education", [p.education for p, *_ in rows]),
                column("FQXM", None, [q.name for _, q, _ in rows]),
                column("FQGMSFHM", None, [q.id for _, q, _ in rows]),
                column("HJDXZ", "domicileAddress.text", [h.text for *_, h in rows]),
                column("HJDXZQHDM", "domicileDivision", [COUNTY for _ in rows]),
                column("PCSDM", None, ["440399100000" for _ in rows]),
                column("LRSJ", None, ["20261101083000" for _ in rows]),
            ],
            parts={"domicileAddress.divisionCode": ["HJDXZQHDM"]},
        ),
        Extract(
            "全是大白话",
            "person-basic",
            "csv-utf8-sig",
            [
                column("叫什么名字", "name", [p.name for p, *_ in rows]),
                column("男女", "sex", [SEX_WORD[p.sex] for p, *_ in rows]),
                column("身份证（18位）", "idNumber", [p.id for p, *_ in rows]),
                column("什么民族", "ethnicGroup", [ETHNIC[p.ethnic] for p, *_ in rows]),
                column("哪天出生", "birthDate", [f"{p.born.year}年{p.born.month}月{p.born.day}日" for p, *_ in rows]),
                column("结婚没有", "maritalStatus", [MARITAL[p.marital] for p, *_ in rows]),
                column("电话多少", "phone", [p.phone for p, *_ in rows]),
                column("家里人电话", None, [q.phone for _, q, _ in rows]),
                column("年龄", None, [str(2026 - p.born.year) for p, *_ in rows]),
            ],
        ),
        Extract(
            "两个号码两个日期",
            "person-basic",
            "csv-utf8",
            [
                column("姓名", "name", [p.name for p, *_ in rows]),
                column("公民身份号码", "idNumber", [p.id for p, *_ in rows]),
                column("户主公民身份号码", None, [q.id for _, q, _ in rows]),
                column("性别", "sex", [p.sex for p, *_ in rows]),
                column("出生日期", "birthDate", [f"{p.born:%Y/%m/%d}" for p, *_ in rows]),
                column("迁入日期", None, ["2019/05/06" if i % 2 else "2021/07/08" for i in range(40)]),
                column("死亡日期", "deathDate", ["2025/12/01" if i % 9 == 0 else "" for i in range(40)]),
                column("电话", "phone", [p.phone for p, *_ in rows]),
                column("单位电话", None, [q.phone for _, q, _ in rows]),
            ],
        ),
    ]
    return found


def _welfare_extracts() -> list[Extract]:
    random = Random(202)
    rows = [(person(random), person(random), home(random), some_day(random, 2016)) for _ in range(36)]
    kinds = [random.choice(("低保", "特困", "低保边缘家庭", "临时救助")) for _ in rows]
    return [
        Extract(
            "低保月报",
            "social-assistance",
            "xlsx",
            [
                column("序号", None, [str(i + 1) for i in range(36)]),
                column("低保证编号", "caseId", [f"DB{i:06d}" for i in range(36)]),
                column("户主姓名", None, [p.name for p, *_ in rows]),
                column("户主身份证号", "applicantIdNumber", [p.id for p, *_ in rows]),
                column("救助种类", "assistanceType", kinds),
                column("享受人数", None, [str(random.randrange(1, 5)) for _ in rows]),
                column("月救助金额（元）", "monthlyAmount", [f"{random.randrange(300, 2400)}" for _ in rows]),
                column(
                    "人均月收入（元）", "familyMonthlyIncomePerHead", [f"{random.randrange(100, 1300)}.5" for _ in rows]
                ),
                column("开始享受年月", "approvedFrom", [f"{d:%Y%m}" for *_, d in rows]),
                column("城乡属性", "urbanRural", ["城市" if i % 3 else "农村" for i in range(36)]),
                column("开户行", None, ["某银行某支行"] * 36),
                column("卡号", None, [f"6217{random.randrange(10**15):015d}" for _ in rows]),
            ],
            title="城乡低保对象月报表",
            footer=True,
        ),
        Extract(
            "救助系统接口",
            "social-assistance",
            "jsonl",
            [
                column("case_no", "caseId", [f"JZ-{i:05d}" for i in range(36)]),
                column("applicant_id_card", "applicantIdNumber", [p.id for p, *_ in rows]),
                column("applicant_name", None, [p.name for p, *_ in rows]),
                column("assist_type", "assistanceType", kinds),
                column("status", "status", [random.choice(("approved", "checking", "stopped")) for _ in rows]),
                column("start_date", "approvedFrom", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("amount", "monthlyAmount", [f"{random.randrange(300, 2400)}.00" for _ in rows]),
                column("street_code", "divisionCode", [h.street for *_, h, _ in rows]),
                column("approve_dept_code", "decisionOffice", [OFFICES[1]] * 36),
            ],
        ),
        Extract(
            "老人和残疾人",
            "elderly-disability",
            "csv-gb18030",
            [
                column("姓名", "name", [p.name for p, *_ in rows]),
                column("公民身份证号", "idNumber", [p.id for p, *_ in rows]),
                column("残疾类型", "disabilityType", [random.choice("1234") for _ in rows]),
                column("残疾级别", "disabilityGrade", [random.choice(("一级", "二级", "三级")) for _ in rows]),
                column("残疾人证号码", "disabilityCertNumber", [p.id + "32" for p, *_ in rows]),
                column("独居", "livingAlone", ["是" if i % 2 else "否" for i in range(36)]),
                column("法定监护人", "guardian.name", [q.name for _, q, *_ in rows]),
                column("监护人联系方式", "guardian.phone", [q.phone for _, q, *_ in rows]),
                column(
                    "监护人与残疾人关系",
                    "guardian.relationship",
                    [random.choice(("父亲", "母亲", "配偶")) for _ in rows],
                ),
                column("社区", None, ["示范社区"] * 36),
                column("所属街道编码", "divisionCode", [h.street for *_, h, _ in rows]),
            ],
        ),
        Extract(
            "就业登记",
            "employment",
            "csv-utf8",
            [
                column("证件号码", "idNumber", [p.id for p, *_ in rows]),
                column("人员姓名", "name", [p.name for p, *_ in rows]),
                column("性别", None, [SEX_WORD[p.sex] for p, *_ in rows]),
                column("就业状态", "employmentStatus", [random.choice(("在业人员", "失业人员", "学生")) for _ in rows]),
                column("用人单位信用代码", "employer", [uscc(random) for _ in rows]),
                column("用人单位名称", None, [firm(random) for _ in rows]),
                column("就业日期", "employedFrom", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column(
                    "失业日期",
                    "unemployedFrom",
                    [f"{d:%Y-%m-%d}" if i % 4 == 0 else "" for i, (*_, d) in enumerate(rows)],
                ),
                column("就业创业证编号", "certificateNumber", [f"4403{random.randrange(10**12):012d}" for _ in rows]),
                column("街道编码", "divisionCode", [h.street for *_, h, _ in rows]),
                column("登记机构", "registeredBy", [OFFICES[0]] * 36),
            ],
        ),
        Extract(
            "养老金发放",
            "social-insurance",
            "csv-gb18030",
            [
                column("身份证号", "idNumber", [p.id for p, *_ in rows]),
                column("参保人姓名", "name", [p.name for p, *_ in rows]),
                column(
                    "险种",
                    "insuranceType",
                    ["企业职工基本养老保险" if i % 2 else "城乡居民基本养老保险" for i in range(36)],
                ),
                column("参保状态", "insuredStatus", ["正常参保" if i % 3 else "终止参保" for i in range(36)]),
                column("首次参保时间", "firstInsuredMonth", [f"{d:%Y-%m}" for *_, d in rows]),
                column("累计缴费月数", "paidMonthsTotal", [str(random.randrange(12, 400)) for _ in rows]),
                column("月养老金(元)", "benefitMonthly", [f"{random.randrange(800, 6000)}.32" for _ in rows]),
                column("开户银行账号", None, [f"6228{random.randrange(10**15):015d}" for _ in rows]),
                column("参保地区划", "divisionCode", [h.street for *_, h, _ in rows]),
            ],
        ),
    ]


def _place_extracts() -> list[Extract]:
    random = Random(303)
    rows = [(person(random), person(random), home(random), some_day(random)) for _ in range(36)]
    return [
        Extract(
            "流管站采集",
            "residence-record",
            "csv-gb18030",
            [
                column("LDRKBH", None, [f"L{i:07d}" for i in range(36)]),
                column("DJBH", "recordId", [f"DJ{i:07d}" for i in range(36)]),
                column("SFZHM", "idNumber", [p.id for p, *_ in rows]),
                column("XM", None, [p.name for p, *_ in rows]),
                column("HJDZ", None, [f"某省某市某县{h.road}村" for *_, h, _ in rows]),
                column("XZDXZ", "residenceAddress.text", [h.text for *_, h, _ in rows]),
                column("JWHDM", "residenceAddress.divisionCode", [h.community for *_, h, _ in rows]),
                column("DDBDRQ", "arrivalDate", [f"{d:%Y%m%d}" for *_, d in rows]),
                column("NLKRQ", "plannedUntil", [f"2027{d:%m%d}" if d.day < 29 else "" for *_, d in rows]),
                column("CJDWDM", "collectedBy", [OFFICES[0]] * 36),
                column("CJSJ", "collectedAt", [f"{d:%Y%m%d}093000" for *_, d in rows]),
            ],
        ),
        Extract(
            "何时来何时走",
            "residence-record",
            "xlsx",
            [
                column("登记号", "recordId", [f"{i + 1:05d}" for i in range(36)]),
                column("身份证", "idNumber", [p.id for p, *_ in rows]),
                column("联系手机", None, [p.phone for p, *_ in rows]),
                column("老家地址", None, [f"外省某县{h.road}" for *_, h, _ in rows]),
                column("现在住哪", "residenceAddress.text", [h.text for *_, h, _ in rows]),
                column("哪天来的", "arrivalDate", [f"{d.year % 100}年{d.month}月{d.day}日" for *_, d in rows]),
                column("哪天走的", "leaveDate", [f"2026-0{1 + i % 9}-11" if i % 6 == 0 else "" for i in range(36)]),
                column("出租屋编码", "houseCode", [f"FW{i:06d}" for i in range(36)]),
                column("填表人", None, [q.name for _, q, *_ in rows]),
            ],
        ),
        Extract(
            "出租房屋普查",
            "rental-housing",
            "csv-utf8-sig",
            [
                column("房屋统一编码", "houseCode", [f"440399{i:08d}" for i in range(36)]),
                column("详细地址", "address.text", [h.text for *_, h, _ in rows]),
                column("街道代码", "address.divisionCode", [h.street for *_, h, _ in rows]),
                column("产权人姓名", "ownerName", [p.name for p, *_ in rows]),
                column("产权人身份证号码", "ownerIdNumber", [p.id for p, *_ in rows]),
                column("二房东", "managerName", [q.name for _, q, *_ in rows]),
                column("二房东手机号", "managerPhone", [q.phone for _, q, *_ in rows]),
                column("出租情况", "isRented", ["是" if i % 3 else "否" for i in range(36)]),
                column("出租房间数", "roomsRented", [f"{random.randrange(1, 9)}间" for _ in rows]),
                column("现住人数", "occupants", [str(random.randrange(1, 12)) for _ in rows]),
                column("建筑面积", "floorArea", [f"{random.randrange(30, 160)}.00" for _ in rows]),
                column("备案号", "leaseFilingNumber", [f"深房租备{i:05d}" for i in range(36)]),
                column("租赁期起", "leaseFrom", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("租赁期止", "leaseTo", [f"{d.year + 1}-{d.month:02d}-01" for *_, d in rows]),
            ],
        ),
        Extract(
            "标准地址库",
            "standard-address",
            "csv-tsv",
            [
                column("DZBM", "addressCode", [f"DZ{i:08d}" for i in range(36)]),
                column("JDDM", "streetCode", [h.street for *_, h, _ in rows]),
                column("SQDM", "communityCode", [h.community for *_, h, _ in rows]),
                column("JLX", "road", [h.road for *_, h, _ in rows]),
                column("MPH", "number", [h.number for *_, h, _ in rows]),
                column("LDH", "building", [h.room.partition("栋")[0] + "栋" for *_, h, _ in rows]),
                column("FJH", "room", [h.room.partition("栋")[2] for *_, h, _ in rows]),
                column("DZQW", "text", [h.text for *_, h, _ in rows]),
                column("LON", "longitude", ["113.901234"] * 36),
                column("LAT", "latitude", ["22.531234"] * 36),
            ],
            parts={"divisionCode": ["SQDM", "JDDM"]},
        ),
    ]


def _register_extracts() -> list[Extract]:
    random = Random(404)
    rows = [
        (uscc(random), firm(random), person(random, 1955, 2000), home(random), some_day(random, 1998, 2024))
        for _ in range(36)
    ]
    couples = [(person(random, 1960, 2000, "1"), person(random, 1960, 2000, "2"), some_day(random)) for _ in range(36)]
    births = [
        (person(random, 2021, 2026), person(random, 1985, 2002, "2"), person(random, 1980, 2002, "1"))
        for _ in range(36)
    ]
    return [
        Extract(
            "工商字段名",
            "market-entity",
            "csv-gb18030",
            [
                column("UNISCID", "uscc", [u for u, *_ in rows]),
                column("REGNO", "registrationNumber", [f"44039910{i:07d}" for i in range(36)]),
                column("ENTNAME", "name", [n for _, n, *_ in rows]),
                column("LEREP", "legalRepresentative", [p.name for _, _, p, *_ in rows]),
                column("ESTDATE", "establishedAt", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("OPFROM", "validFrom", [f"{d:%Y-%m-%d}" for *_, d in rows]),
                column("REGCAP", "registeredCapital", [f"{random.randrange(1, 99)}0000.00" for _ in rows]),
                column("DOM", "domicile.text", [h.text for *_, h, _ in rows]),
                column("REGORG", "registrationAuthority", [OFFICES[2]] * 36),
                column("TEL", None, [p.phone for _, _, p, *_ in rows]),
            ],
        ),
        Extract(
            "个体户清单",
            "market-entity",
            "xlsx",
            [
                column("字号名称", "name", [n for _, n, *_ in rows]),
                column("信用代码", "uscc", [u for u, *_ in rows]),
                column("经营者", "legalRepresentative", [p.name for _, _, p, *_ in rows]),
                column("经营者身份证号", None, [p.id for _, _, p, *_ in rows]),
                column("经营者电话", None, [p.phone for _, _, p, *_ in rows]),
                column("经营地址", "domicile.text", [h.text for *_, h, _ in rows]),
                column("所属社区编码", "domicile.divisionCode", [h.community for *_, h, _ in rows]),
                column("设立日期", "establishedAt", [excel_serial(d) for *_, d in rows]),
                column("上次检查日期", None, [excel_serial(date(2026, 3, 1 + i % 28)) for i in range(36)]),
            ],
            title="个体工商户清单",
        ),
        Extract(
            "婚姻登记册",
            "marriage-record",
            "xlsx",
            [
                column("结婚证字号", "recordNumber", [f"J440399-2025-{i:06d}" for i in range(36)]),
                column("登记日期", "registeredAt", [f"{d:%Y.%m.%d}" for *_, d in couples]),
                column("男方/姓名", "name", [m.name for m, *_ in couples]),
                column("男方/身份证号", "idNumber", [m.id for m, *_ in couples]),
                column("男方/出生日期", None, [f"{m.born:%Y-%m-%d}" for m, *_ in couples]),
                column("女方/姓名", "spouse.name", [w.name for _, w, _ in couples]),
                column("女方/身份证号", "spouse.idNumber", [w.id for _, w, _ in couples]),
                column("女方/出生日期", None, [f"{w.born:%Y-%m-%d}" for _, w, _ in couples]),
                column("登记员", None, ["李明"] * 36),
            ],
            title="婚姻登记审查处理册",
        ),
        Extract(
            "妇幼出生信息",
            "birth-service",
            "sqlite",
            [
                column("csyxzmbh", "birthCertNumber", [f"Y{440100000 + i}" for i in range(36)]),
                column("xsexm", "childName", [c.name for c, *_ in births]),
                column("xsexb", "childSex", [c.sex for c, *_ in births]),
                column("xsecsrq", "childBirthDate", [f"{c.born:%Y%m%d}" for c, *_ in births]),
                column("mqxm", "motherName", [m.name for _, m, _ in births]),
                column("mqsfzh", "motherIdNumber", [m.id for _, m, _ in births]),
                column("mqcsrq", None, [f"{m.born:%Y%m%d}" for _, m, _ in births]),
                column("mqlxdh", None, [m.phone for _, m, _ in births]),
                column("fqxm", "fatherName", [f.name for *_, f in births]),
                column("fqsfzh", "fatherIdNumber", [f.id for *_, f in births]),
                column("jsjgdm", "birthInstitution", [uscc(random, "12")] * 36),
                column("djrq", "registeredAt", [f"2026{1 + i % 9:02d}15" for i in range(36)]),
                column("tizhong", None, [str(2500 + i * 20) for i in range(36)]),
            ],
        ),
        Extract(
            "户口簿",
            "household",
            "csv-utf8",
            [
                column("户号", "householdId", [f"0099{i:06d}" for i in range(36)]),
                column("户别", "householdType", ["家庭户" if i % 5 else "集体户" for i in range(36)]),
                column("户主", "headName", [p.name for _, _, p, *_ in rows]),
                column("户主身份证", "headIdNumber", [p.id for _, _, p, *_ in rows]),
                column("住址", "address.text", [h.text for *_, h, _ in rows]),
                column("居委会代码", "address.divisionCode", [h.community for *_, h, _ in rows]),
                column("派出所代码", "policeStation", ["440399100000"] * 36),
                column("户内人数", None, [str(random.randrange(1, 7)) for _ in rows]),
            ],
        ),
        Extract(
            "机构编制名录",
            "organisation",
            "csv-gb18030",
            [
                column("机构名称", "name", [f"示例区{h.road}街道办事处" for *_, h, _ in rows]),
                column("机构代码", "uscc", [uscc(random, "11") for _ in rows]),
                column("机构简称", "shortName", [f"{h.road}办" for *_, h, _ in rows]),
                column("单位地址", "address.text", [h.text for *_, h, _ in rows]),
                column("办公电话", "officePhone", [f"0755-{random.randrange(22000000, 89999999)}" for _ in rows]),
                column("区划代码", "divisionCode", [h.street for *_, h, _ in rows]),
                column("负责人", None, [p.name for _, _, p, *_ in rows]),
            ],
            parts={"address.divisionCode": ["区划代码"]},
        ),
    ]


def extracts() -> list[Extract]:
    return [*_person_extracts(), *_welfare_extracts(), *_place_extracts(), *_register_extracts()]
