"""Which place a heading speaks of: levels of one address go together, codes of two addresses never do."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLACES = {
    "domicile": "户籍|户口|原籍|籍贯|hukou|domicile|hjd|hj(?=[a-z])",
    "residence": "居住|现住|常住|暂住|住址|residen|current|living|jzd|xzz",
    "registration": "登记|注册|备案|regist|^reg_|djd",
    "business": "经营|办公|生产|business|biz|office",
    "work": "工作|单位|就业|employ|work",
    "birth": "出生|birth",
    "insured": "参保|缴费|insur",
    "before": "迁出|来源|流出|原住|from_",
    "after": "迁往|迁入|去往",
    "house": "房屋|坐落|house",
    "accident": "事发|发生|案发|检查",
}


def place_of(heading: str) -> str:
    """The place of a heading; empty if it names none that we know."""
    text = heading.lower()
    return next((place for place, words in _PLACES.items() if re.search(words, text)), "")


def of_one_place(headings: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns if all speak of one place, else none: two addresses are no two levels of one."""
    return list(columns) if len({place_of(one) for one in headings}) <= 1 else []
