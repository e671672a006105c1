"""Code lists and the crosswalks between them: the one name under which both are used.

>>> from standards import codelists
>>> codelists.get("gbt-2261.1-2003-sex").codes["1"].en
'Male'
>>> codelists.translate("F", "legacy-sex-letter", "gbt-2261.1-2003-sex").code
'2'
"""

from __future__ import annotations

from standards.code_list import FOLDER, Code, CodeList, UnknownCodeList, get, names, versions
from standards.code_list_crosswalk import ListCrosswalk, Translation, UnknownCode, crosswalk, published, translate

__all__ = [
    "FOLDER",
    "Code",
    "CodeList",
    "ListCrosswalk",
    "Translation",
    "UnknownCode",
    "UnknownCodeList",
    "crosswalk",
    "get",
    "names",
    "published",
    "translate",
    "versions",
]
