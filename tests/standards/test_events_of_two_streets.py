"""Coverage C11: two streets that sort their events in different ways become one comparable table.

One street numbers its types (2 店外经营), the other writes pinyin initials (KWJY 跨门经营). Each has a crosswalk to
grid-event; what a street does not tell apart stays open instead of being guessed.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import standards
from standards import codelists, crosswalk
from standards.crosswalk import Crosswalk

FOLDER = Path(standards.__file__).parent / "examples" / "crosswalks"
EVENT = standards.get("grid-event/1.0.0")

YULIN = [  # 编号, 类型, 来源, 上报时间, 情况, 进度
    ("YL-1", "2", "网格员", "2026-11-2 08:05", "货架摆在门外", "已办结"),
    ("YL-2", "2", "12345", "2026-11-3 18:40", "早餐摊桌椅占道", "处理中"),
    ("YL-3", "3", "网格员", "2026-11-4 07:30", "三轮车卖菜", "已办结"),
    ("YL-4", "10", "小程序", "2026-11-5 21:10", "消防通道停车", "待处理"),
    ("YL-5", "1", "网格员", "2026-11-6 09:00", "垃圾未清", "已办结"),
    ("YL-6", "4", "网格员", "2026-11-7 10:00", "楼顶广告牌", "待处理"),
    ("YL-7", "13", "来访", "2026-11-8 11:00", "邻里噪声", "处理中"),
    ("YL-8", "77", "网格员", "2026-11-9 12:00", "类型填错", "待处理"),
]
LIUAN = [  # SJBH, SJLX, LY, SBSJ, SJMS, ZT
    ("LA001", "KWJY", "WG", "20261102080500", "跨门摆放商品", "3"),
    ("LA002", "JTZX", "RX", "20261103090000", "人行道停车", "9"),
    ("LA003", "FJDC", "WG", "20261103100000", "共享单车堆放", "2"),
    ("LA004", "BLLJ", "APP", "20261104100000", "绿化带有垃圾", "3"),
    ("LA005", "FFGG", "WG", "20261105100000", "墙面广告", "1"),
    ("LA006", "TFSJ", "RX", "20261105235959", "水管爆裂", "3"),
]


def _crosswalk(name: str) -> Crosswalk:
    return crosswalk.compile(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), EVENT)


def _of_yulin() -> list[dict[str, Any] | None]:
    heading = ("编号", "类型", "来源", "上报时间", "情况", "进度")
    rows = [dict(zip(heading, row, strict=True)) for row in YULIN]
    place = {"社区代码": "990199001002", "地点": "示例市示例区榆林路", "经办": "某某"}
    return [_crosswalk("shijian_bianhao").translate({**row, **place}).record for row in rows]


def _of_liuan() -> list[dict[str, Any] | None]:
    heading = ("SJBH", "SJLX", "LY", "SBSJ", "SJMS", "ZT")
    rows = [dict(zip(heading, row, strict=True)) for row in LIUAN]
    place = {"JDDM": "990199002000", "DD": "示例市示例区柳岸路", "SBRXM": "某某"}
    return [_crosswalk("shijian_pinyin").translate({**row, **place}).record for row in rows]


def _table(records: list[dict[str, Any] | None], field: str) -> Counter[str]:
    return Counter(record.get(field, "—") for record in records if record is not None)


def test_two_streets_become_one_table_of_classes() -> None:
    yulin, liuan = _table(_of_yulin(), "eventClass"), _table(_of_liuan(), "eventClass")
    names = codelists.get("gbt-30428.2-event-class").codes
    table = {code.zh: (yulin[code.code], liuan[code.code]) for code in names.values()}
    assert table == {
        "市容环境": (1, 1),
        "宣传广告": (1, 1),
        "施工管理": (0, 0),
        "突发事件": (0, 1),
        "街面秩序": (4, 3),
        "其他事件": (1, 0),
    }


def test_kinds_are_compared_where_both_know_them_and_left_open_where_one_does_not() -> None:
    yulin, liuan = _table(_of_yulin(), "eventKind"), _table(_of_liuan(), "eventKind")
    assert (yulin["0501"], liuan["0501"]) == (2, 1)  # 店外经营 and 跨门经营 are one kind
    assert (yulin["—"], liuan["—"]) == (2, 2)
    # 4 违规广告, 10 违章停车 in one street; FFGG, TFSJ in the other: assumed or undivided, so not counted as a kind
    assert {r["originalCategory"] for r in _of_yulin() if r and "eventKind" not in r} == {"4", "10"}
    assert {r["originalCategory"] for r in _of_liuan() if r and "eventKind" not in r} == {"FFGG", "TFSJ"}


def test_the_life_cycle_is_comparable_too() -> None:
    assert _table(_of_yulin(), "stage") == {"2": 2, "4": 2, "6": 3}
    assert _table(_of_liuan(), "stage") == {"2": 1, "4": 1, "6": 3, "7": 1}


def test_a_type_that_no_list_has_is_refused_and_counted() -> None:
    refused = [row for row, record in zip(YULIN, _of_yulin(), strict=True) if record is None]
    assert [row[0] for row in refused] == ["YL-8"]


def test_every_type_of_both_streets_reaches_a_class_of_the_national_standard() -> None:
    classes = codelists.get("gbt-30428.2-event-class").codes
    for street in ("legacy-event-type-number", "legacy-event-type-pinyin"):
        to_class = codelists.crosswalk(street, "gbt-30428.2-event-class")
        to_kind = codelists.crosswalk(street, "grid-event-kind")
        assert not to_class.unmapped
        for code, kind in to_kind.pairs.items():
            assert kind[:2] == to_class.pairs[code] and kind[:2] in classes
