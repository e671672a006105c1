"""What a browser finds: nothing serious for axe, no sideways scrolling on a phone, everything without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.pages.browser import look
from tests.running import RunningGateway

pytestmark = pytest.mark.browser

PHONE, DESK, WALL = 390, 1440, 2560
SERIOUS = ("serious", "critical")
EXAMPLES = Path(__file__).parents[2] / "standards" / "examples" / "person-basic" / "1.0.0" / "valid"
WRONG = json.dumps(
    json.loads((EXAMPLES / "whole-record.json").read_text(encoding="utf-8")) | {"sex": "女", "religion": "x"}
)
SEND: list[list[str]] = [["fill", "#text", WRONG], ["click", ".box button"]]
# The main pages, each with what a person does there.
MAIN: dict[str, tuple[str, list[list[str]]]] = {
    "home": ("/", []),
    "a long standard": ("/standards/person-basic/1.0.0", []),
    "a code list": ("/codelists/gbt-2261.2-2003-marital-status/1.0.0", []),
    "nothing found": ("/search?q=zzzz", []),
    "errors in the box": ("/check", SEND),
    "no such page": ("/nothing", []),
}
OTHERS = ("/standards", "/elements/idNumber", "/translations", "/departments/civil-affairs", "/changes", "/matters")
HEADER = ("rgb(15, 51, 80)", "rgb(0, 18, 31)")  # the stylesheet came and was applied; the second with high contrast


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    running = RunningGateway(folder, f"sqlite:///{folder / 'gateway.sqlite'}")
    running.start()
    yield running
    running.stop()


def in_language(path: str, lang: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={lang}"


def one_after_another(gateway: RunningGateway, lang: str, step: str) -> list[list[Any]]:
    """The main pages in one window: each opened, its steps done, then looked at (``step``: "judge" or "see")."""
    each = ([["goto", gateway.url + in_language(path, lang)], *steps, [step]] for path, steps in MAIN.values())
    return [step for steps in each for step in steps]


def clean(view: dict[str, Any]) -> bool:
    """No serious violation, nothing to the side, styled, no request elsewhere, no complaint of the browser."""
    found = [each for each in view["violations"] if each["impact"] in SERIOUS]
    host = urlsplit(view["url"]).netloc
    assert found == [], (view["at"], view["width"])
    assert view["sideways"] == 0 and view["styled"] in HEADER, (view["at"], view["width"])
    assert {urlsplit(request).netloc for request in view["requests"]} == {host}
    assert [message for message in view["messages"] if "404 (Not Found)" not in message] == [], view["at"]
    return True


@pytest.mark.parametrize(
    ("lang", "width"),
    [
        ("zh", PHONE),
        ("en", DESK),
        pytest.param("en", PHONE, marks=pytest.mark.torture),
        pytest.param("zh", DESK, marks=pytest.mark.torture),
    ],
)
def test_the_main_pages_are_fit_for_everybody(gateway: RunningGateway, lang: str, width: int) -> None:
    steps = one_after_another(gateway, lang, "judge")
    (view,) = look([{"url": gateway.url, "width": width, "steps": steps, "axe": False}])
    assert len(view["judged"]) == len(MAIN) and all(clean(page) for page in view["judged"])


@pytest.mark.torture
def test_the_other_pages_are_fit_too(gateway: RunningGateway) -> None:
    views = [{"url": gateway.url + in_language(path, "zh"), "width": PHONE} for path in OTHERS]
    switches = [["check", "#large-text"], ["check", "#high-contrast"]]
    home = gateway.url + "/?lang=zh"
    views += [{"url": home, "width": WALL}, {"url": home, "width": PHONE, "steps": switches}]
    assert all(clean(view) for view in look(views))


def test_everything_works_without_javascript(gateway: RunningGateway) -> None:
    find = [["fill", "#search-words", "婚姻"], ["click", ".find button"]]
    steps = [*one_after_another(gateway, "zh", "see"), ["goto", gateway.url + in_language("/", "zh")], *find]
    (found,) = look([{"url": gateway.url, "width": PHONE, "steps": steps, "javascript": False}])
    pages = found["judged"]
    texts = dict(zip(MAIN, (page["text"] for page in pages), strict=True))
    assert "标准线路图" in texts["home"] and "公民身份号码" in texts["a long standard"]
    assert "没有找到“zzzz”" in texts["nothing found"] and "此路不通" in texts["no such page"]
    assert "2 处不合规定" in texts["errors in the box"] and "/sex" in texts["errors in the box"]
    assert "找到" in found["text"] and urlsplit(found["at"]).path == "/search"
    sent = pages[list(MAIN).index("errors in the box")]
    assert urlsplit(sent["at"]).query == "" and "990101" not in sent["at"]


@pytest.mark.parametrize("javascript", [True, False])
def test_the_copy_on_a_disk_is_the_same_site(exported: Path, javascript: bool) -> None:
    at = exported.as_uri()
    find = [["fill", "#search-words", "婚姻"], ["click", ".find button"]]
    home, standard, search = look(
        [
            {"url": f"{at}/index.html", "width": DESK, "javascript": javascript},
            {"url": f"{at}/en/standards/person-basic/1.0.0.html", "width": PHONE, "javascript": javascript},
            {"url": f"{at}/zh/index.html", "width": PHONE, "javascript": javascript, "steps": find, "axe": False},
        ]
    )
    assert all(clean(view) for view in (home, standard, search))
    assert "标准线路图" in home["text"] and "Resident identity number" in standard["text"]
    assert "婚姻登记信息" in search["text"]
    assert ("标准地址" in search["text"]) is not javascript  # without a program the page of everything stays whole
