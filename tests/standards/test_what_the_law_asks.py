"""Records of catalogue, services, forms and tasks have a place for everything that a law or a complaint asks for."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import standards

FOLDER = Path(standards.__file__).parent / "examples"

# What is asked for → (standard, field, must it be there). 条例 is 政务数据共享条例 (State Council decree 809).
ASKED: dict[str, tuple[str, str, bool]] = {
    "条例 13(2) 目录名称": ("catalogue-entry", "name", True),
    "条例 13(2) 数据项": ("catalogue-entry", "items", True),
    "条例 13(2) 提供单位": ("catalogue-entry", "provider", True),
    "条例 13(2) 数据格式": ("catalogue-entry", "format", True),
    "条例 13(2) 更新频率": ("catalogue-entry", "updateFrequency", True),
    "条例 13(2) 共享属性": ("catalogue-entry", "sharingAttribute", True),
    "条例 13(2) 共享方式": (
        "catalogue-entry",
        "sharingModes",
        False,
    ),  # none for an entry that is not shared: catalogue_check
    "条例 13(2) 使用条件": ("catalogue-entry", "conditions", False),
    "条例 13(2) 分类": ("catalogue-entry", "category", True),
    "条例 13(2) 分级": ("catalogue-entry", "dataLevel", True),
    "条例 13(1) 保密风险评估": ("catalogue-entry", "secrecyAssessment", True),
    "条例 13(1) 个人信息保护影响评估": ("catalogue-entry", "impactAssessment", False),
    "条例 15 不予共享的理由和依据": ("catalogue-entry", "refusal.basis", True),
    "条例 19 数源部门": ("catalogue-entry", "sourceDepartment", False),
    "条例 24 回流": ("catalogue-entry", "returnFlow", False),
    "716 号令 7 能共享的不再要": ("service-item", "materials.obtainable", True),
    "统计法 17 表号": ("collection-form", "marks.formNumber", True),
    "统计法 17 有效期限": ("collection-form", "marks.validTo", True),
    "C4 统计范围": ("statistical-indicator", "population", True),
    "C4 统计时点": ("statistical-indicator", "referenceRule", True),
    "C4 计量单位": ("statistical-indicator", "unit", True),
    "C5 对应标准": ("collection-form", "fields.standard", False),
    "C13 评价连到事项": ("service-evaluation", "itemCode", True),
    "C13 评价连到单位": ("service-evaluation", "office", True),
    "C13 评价连到岗位": ("service-evaluation", "officerRole", False),
    "C14 发布机关": ("information-release", "issuer", True),
    "C14 复核日期": ("information-release", "reviewBy", True),
    "C18 依据": ("task-request", "basis", True),
    "C18 指引": ("task-request", "guidance", True),
    "C18 期限": ("task-request", "dueAt", True),
    "C18 联系方式": ("task-request", "contact", True),
}


@pytest.mark.parametrize("asked", ASKED)
def test_there_is_a_field_for(asked: str) -> None:
    name, path, required = ASKED[asked]
    assert standards.get(f"{name}/1.0.0").element(path).required == required


def whole(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((FOLDER / name / "1.0.0" / "valid" / "whole-record.json").read_text("utf-8"))
    return record


def test_what_a_query_gives_is_not_asked_of_the_applicant() -> None:
    """Coverage C12: the list splits in two, and what can be queried says which standard and whom to ask."""
    materials = whole("service-item")["materials"]
    assert [each["name"] for each in materials if not each["obtainable"]] == ["家庭经济状况核对授权书", "病历资料"]
    for each in materials:
        if each["obtainable"]:
            standard = standards.get(each["standard"])
            assert each["holder"]["uscc"]
            assert all(standard.element(field["path"]) for field in each.get("fields", ()))


def test_evaluations_of_two_channels_are_joined_by_item() -> None:
    """Coverage C13: whatever the channel, the item code and the grade are the same fields."""
    given: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in (FOLDER / "service-evaluation" / "1.0.0" / "valid").glob("*.json"):
        record = json.loads(path.read_text("utf-8"))
        given[record["itemCode"]].append((record["channel"], record["grade"]))
    (ratings,) = given.values()
    assert len({channel for channel, _ in ratings}) >= 3
    assert sum(grade in "12" for _, grade in ratings) / len(ratings) == pytest.approx(4 / 6)


def test_no_name_of_an_officer_has_a_place_in_an_evaluation() -> None:
    assert not [e.path for e in standards.get("service-evaluation/1.0.0").elements if "Name" in e.path]


def test_forms_and_tasks_name_fields_that_exist() -> None:
    form, task = whole("collection-form"), whole("task-request")
    for each in [*form["fields"], *task["needs"]]:
        if "standard" in each:
            assert standards.get(each["standard"]).element(each["element"])
