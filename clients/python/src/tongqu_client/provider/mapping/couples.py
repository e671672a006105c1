"""A couple in one row: a crosswalk gives one of the two as the subject. Said, with the way to give the other too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tongqu_client.provider.mapping.doubt import Doubt
from tongqu_client.provider.mapping.names import heading
from tongqu_client.provider.mapping.vocabulary import Vocabulary

FIRST, SECOND = "partyA", "partyB"  # 男方 and 女方, 丈夫 and 妻子: two people of equal standing


def other_as_subject(vocabulary: Vocabulary) -> Vocabulary:
    """The same names, with the second of two parties as the subject and the first as the other one."""
    swapped = {FIRST: SECOND, SECOND: FIRST}
    same = {role: vocabulary.same_roles[swapped.get(role, role)] for role in vocabulary.same_roles}
    roles = frozenset(swapped.get(role, role) for role in vocabulary.subject_roles)
    return replace(vocabulary, subject_roles=roles, same_roles=same, _cache={})


def about_couples(vocabulary: Vocabulary, heard: Mapping[str, str], *, other: bool) -> tuple[Doubt, ...]:
    """What to say of a table with columns of both parties; nothing if it has not, or the standard takes both in one."""
    same = vocabulary.same_roles
    if "self" not in (same.get(FIRST), same.get(SECOND)):
        return ()
    columns = {role: [column for column, name in heard.items() if _role(name) == role] for role in (FIRST, SECOND)}
    if not all(columns.values()):
        return ()
    subject, rest = (SECOND, FIRST) if other else (FIRST, SECOND)
    mine, theirs = (f"{columns[role][0]} 等列" for role in (subject, rest))
    zh = (
        f"一行是两个人：这份对照表只给出以 {mine}的人为本人的记录，以 {theirs}的人为本人的记录不会给出。"
        "两人都要提供时，在数据库里用视图把两人上下接起（UNION ALL），每人一行；"
        f"或另建一个文件夹，{'不加' if other else '加'} --other-party 再做一份对照表"
    )
    en = (
        f"a row is of two people: this crosswalk gives the one of {columns[subject][0]} as the subject, and no record "
        f"of the one of {columns[rest][0]}. To give both, let a view put them one below the other (UNION ALL), or "
        f"make a second folder and map it {'without' if other else 'with'} --other-party"
    )
    return (Doubt(zh, en, grave=True),)


def _role(name: str) -> str | None:
    return heading(name).role
