"""A whole crosswalk proposed for a table, with the reason for each choice and a list of what is still open.

For each element, in this order: what the user said, a column by its name (judged by its values), an address put
together from its parts, a column recognised by its values, what an identity number tells, words found in another
column, and at last what may be assumed. What a standard requires and nothing gives stays open: it is asked for, never
invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from standards import Element, Standard

from tongqu_client.provider import unknown_words
from tongqu_client.provider.mapping import crosscheck, names, rules
from tongqu_client.provider.mapping.certainty import Court
from tongqu_client.provider.mapping.couples import about_couples, other_as_subject
from tongqu_client.provider.mapping.doubt import Certainty, Doubt
from tongqu_client.provider.mapping.evidence import kind_of
from tongqu_client.provider.mapping.leftovers import from_words, unused_columns, whole_objects
from tongqu_client.provider.mapping.lists import as_rules, in_lists, required_lists
from tongqu_client.provider.mapping.matching import Candidate, Look, assign, by_values, candidates
from tongqu_client.provider.mapping.model import Choice, Proposal, Unused, Wishes
from tongqu_client.provider.mapping.profile import Profile
from tongqu_client.provider.mapping.rules import Rule
from tongqu_client.provider.mapping.told_otherwise import by_company, by_finer_divisions, by_own_number
from tongqu_client.provider.mapping.vocabulary import Fits
from tongqu_client.provider.readers.table import Table

ENOUGH = 0.42  # score below which a column is not taken; the report says which it was
TOLD = 0.75  # score of what is read out of an identity number


def propose(
    standard: Standard,
    table: Table,
    comments: Mapping[str, str],
    wishes: Wishes,
    profiles: Mapping[str, Profile] | None = None,
) -> Proposal:
    """Propose a crosswalk from the table's columns to the standard."""
    look = Look.at(standard, table, comments, wishes.codes, profiles)
    if wishes.other_party:
        look = replace(look, vocabulary=other_as_subject(look.vocabulary))
    told = {*wishes.set, *wishes.use, *wishes.skip}
    elements = [element for element in leaves(standard) if element.path not in told]
    spoken_for = {column for columns in wishes.use.values() for column in columns}
    free = [column for column in table.columns if column not in spoken_for]
    found = candidates(look, elements, free)
    taken = assign(found, ENOUGH)
    rest = [column for column in free if not any(column in one.columns for one in taken.values())]
    missing = [element for element in elements if element.path not in taken]
    numbered = list(by_own_number(look, [*missing, *_only_running(look, taken)], rest))
    for one in numbered:
        taken.pop(one.element.path, None)
    more = [*_by_parts(look, missing, taken), *by_values(look, missing, rest), *numbered]
    more += by_company(look, missing, rest, taken)
    taken |= assign(sorted(more, key=lambda one: -one.score), ENOUGH)
    missing = [element for element in missing if element.path not in taken]
    taken |= {one.element.path: one for one in by_finer_divisions(look, missing, taken) if one.score >= ENOUGH}
    taken = _by_identity(look, taken)
    court = Court(look, found, taken)
    for path in [path for path in taken if court.refuted(path)]:
        del taken[path]
    choices = [
        _with_unknown_words(_choice(element, standard, wishes, look, court), look) for element in leaves(standard)
    ]
    choices = whole_objects(from_words(_told_by_identity(choices, court), look))
    choices = in_lists(standard, choices, look.profiles)
    choices = [*choices, *required_lists(standard, choices, wishes.skip)]
    unused = unused_columns(choices, look)
    remarks = about_couples(look.vocabulary, look.heard, other=wishes.other_party)
    return Proposal(_document(standard, choices, unused), tuple(choices), unused, remarks)


def _only_running(look: Look, taken: Mapping[str, Candidate]) -> list[Element]:
    """Elements that so far have a running number only."""
    return [one.element for one in taken.values() if names.is_running(look.heard[one.columns[0]]) and not one.name.sure]


def leaves(standard: Standard) -> list[Element]:
    """Elements that a column can give: no objects and no lists, but the parts of the items of a list."""
    return [element for element in standard.elements if element.kind not in ("object", "array")]


def _must(standard: Standard, element: Element) -> bool:
    """Required, and so is every object that holds it."""
    holder = element.path.rpartition(".")[0]
    if holder and standard.element(holder).kind == "array":
        return False  # the list is what is required; see required_lists
    return element.required and (not holder or _must(standard, standard.element(holder)))


def _choice(element: Element, standard: Standard, wishes: Wishes, look: Look, court: Court) -> Choice:
    nothing = Choice(element, _must(standard, element), "open")
    path = element.path
    if path in wishes.skip:
        return replace(nothing, zh="按要求不提供", en="left out as asked")
    if path in wishes.set:
        rule = rules.constant(element, wishes.set[path])
        return replace(
            nothing, state="constant", confidence=1.0, zh="由操作者给定", en="given by the operator", rule=rule
        )
    if path in wishes.use:
        given = look.candidate(element, wishes.use[path], Fits(1.0, True, "由操作者指定", "chosen by the operator"))
        return _mapped(nothing, given, None, ())
    if path in court.taken:
        one = court.taken[path]
        return _mapped(nothing, one, *court.judge(one))
    guess = names.assumed(path)
    if nothing.must and guess is not None:
        rule = rules.constant(element, guess["value"])
        doubt = Doubt("没有列给出，按假定处理", "no column gives it; it is assumed", grave=True)
        return replace(
            nothing,
            state="assumed",
            confidence=0.5,
            zh=guess["zh"],
            en=guess["en"],
            rule=rule,
            certainty="unsure",
            doubts=(doubt,),
        )
    return _almost(nothing, court)


def _mapped(nothing: Choice, one: Candidate, certainty: Certainty | None, doubts: tuple[Doubt, ...]) -> Choice:
    bands = {"certain": (0.95, 1.0), "likely": (0.7, 0.94), "unsure": (0.0, 0.69), None: (1.0, 1.0)}
    least, most = bands[certainty]
    rule = one.rule
    unknown_codes = one.fit.share < 0.5 and one.fit.bad > 0 and not nothing.must
    if unknown_codes and "on_unknown" in rule:
        rule = rule | {
            "on_unknown": "omit"
        }  # until somebody says what the codes mean, the field is left out and counted
    if one.held is not None and certainty is not None:
        return _held_back(nothing, one, doubts)
    return replace(
        nothing,
        state="waiting" if unknown_codes and "on_unknown" not in rule else "mapped",
        columns=one.columns,
        confidence=round(min(max(one.score, least), most), 2),
        zh=one.name.zh,
        en=one.name.en,
        rule=rule,
        fit=one.fit,
        certainty=certainty,
        doubts=doubts,
    )


def _with_unknown_words(choice: Choice, look: Look) -> Choice:
    """Words that the code table lacks are named, with the option that explains each."""
    columns = choice.columns or choice.near
    if choice.fit is None or not choice.fit.bad or len(columns) != 1 or kind_of(choice.element) != "code":
        return choice
    path = choice.element.path
    rule = choice.rule or look.candidate(choice.element, columns, Fits(1.0, True, "", "")).rule
    unknown = unknown_words.showable(rules.unfit(rule, choice.element, look.rows), len(look.rows))
    if not unknown:
        return choice
    zh, en = unknown_words.sentence(path, unknown)
    if not choice.columns:
        zh, en = f"{zh} --use {path}={columns[0]}", f"{en} --use {path}={columns[0]}"
    return replace(choice, unknown=unknown, zh=f"{choice.zh}；{zh}", en=f"{choice.en}; {en}")


def _held_back(nothing: Choice, one: Candidate, doubts: tuple[Doubt, ...]) -> Choice:
    """The right name, but numbers that would be wrong: it waits, or is asked for where the standard requires it."""
    path, listed = one.element.path, "、".join(one.columns)
    zh, en = one.held or ("", "")
    flag = f"--use {path}={','.join(one.columns)}"
    zh = f"列 {listed} 名称相符，但{zh}；列名有误时用 {flag} 采用"
    en = f"the name of {listed} fits, but {en}; if the heading is wrong, take it with {flag}"
    if nothing.must:
        return replace(nothing, zh=zh, en=en, fit=one.fit, near=one.columns)
    doubts = tuple(doubt for doubt in doubts if (doubt.zh, doubt.en) != one.held)
    return replace(
        nothing, state="waiting", columns=one.columns, confidence=min(one.score, 0.5), zh=zh, en=en, rule=one.rule,
        fit=one.fit, certainty="unsure", doubts=doubts,
    )  # fmt: skip


def _almost(nothing: Choice, court: Court) -> Choice:
    """Nothing fits; if a column does by its name, say why it was not taken."""
    near = next((one for one in court.found if one.element.path == nothing.element.path and one.name.sure), None)
    if near is None or any(near.columns == one.columns for one in court.taken.values()):
        return nothing
    nothing = replace(nothing, near=near.columns)
    listed, bad = "、".join(near.columns), near.fit.bad
    if court.refuted(near.element.path, near):
        zh, en = (
            "与身份证号中的出生日期几乎全不相符",
            "it disagrees with the birth dates in nearly all identity numbers",
        )
        return replace(nothing, zh=f"列 {listed} 名称相符，但{zh}", en=f"the name of {listed} fits, but {en}")
    if near.fit.share >= 0.5:
        return replace(
            nothing,
            zh=f"列 {listed} 名称相符，但{near.values.zh}",
            en=f"the name of {listed} fits, but {near.values.en}",
            fit=near.fit,
        )
    zh = f"列 {listed} 名称相符，但 {bad} 个取值不合要求"
    return replace(nothing, zh=zh, en=f"the name of {listed} fits, but {bad} of its values do not", fit=near.fit)


def _by_parts(look: Look, missing: Sequence[Element], taken: Mapping[str, Candidate]) -> list[Candidate]:
    """The whole text of an address put together from street, number and the rest."""
    parts = names.address_parts(look.table.columns)
    wanted = [element for element in missing if element.path.rpartition(".")[2] in ("text", "fullText")]
    if len(parts) < 2 or not wanted:
        return []
    element = next((one for one in wanted if one.required), wanted[0])
    rule: Rule = {"from": [rules.pointer(column) for column in parts], "fn": ["concat", "trim"]}
    outcome = rules.fit(rule, element, look.rows)
    one = look.candidate(
        element, tuple(parts[:1]), Fits(0.9, False, "由地址各部分拼成", "put together from the parts of the address")
    )
    return [replace(one, columns=tuple(parts), rule=rule, fit=outcome, values=replace(one.values, factor=1.0))]


def _by_identity(look: Look, taken: dict[str, Candidate]) -> dict[str, Candidate]:
    """Sex codes of the department's own, told by the identity numbers beside them; never by guessing."""
    identity, sex = taken.get(look.standard.subject_field), taken.get("sex")
    if identity is None or sex is None or "id15to18" not in identity.rule["fn"]:
        return taken
    if (
        not crosscheck.sexes(look.rows, identity.columns[0], sex.columns[0], sex.rule["fn"]).fails
        and sex.fit.share > 0.5
    ):
        return taken
    meant = crosscheck.sex_by_word(look.rows, identity.columns[0], sex.columns[0])
    if meant is None:
        return taken
    rule = sex.rule | {"fn": [{"fn": "lookup", "table": meant}], "on_unknown": "refuse"}
    told = replace(
        sex.values,
        factor=0.8,
        telling=False,
        zh="各代码的意思按身份证号推断",
        en="what the codes mean is told by the identity numbers",
    )
    return taken | {"sex": replace(sex, rule=rule, fit=rules.fit(rule, sex.element, look.rows), values=told)}


def _told_by_identity(choices: Sequence[Choice], court: Court) -> list[Choice]:
    """Birth date and sex that no column gives, out of the identity number (GB 11643)."""
    identity = court.taken.get(court.look.standard.subject_field)
    if identity is None or identity.rule["fn"] != ["id15to18"]:
        return list(choices)
    chains: dict[str, list[Any]] = {
        "birthDate": ["id15to18", {"fn": "split", "start": 6, "end": 14}, {"fn": "date", "formats": ["yyyyMMdd"]}],
        "sex": [
            "id15to18",
            {"fn": "split", "start": 16, "end": 17},
            {"fn": "lookup", "table": {str(digit): "1" if digit % 2 else "2" for digit in range(10)}},
        ],
    }
    result = []
    for choice in choices:
        chain = chains.get(choice.element.path)
        if chain is not None and choice.state == "open" and choice.must and choice.fit is None:
            rule: Rule = {"from": identity.rule["from"], "fn": chain} | (
                {"on_unknown": "refuse"} if choice.element.path == "sex" else {}
            )
            zh, en = (
                "没有列给出，由身份证号推出（GB 11643）",
                "no column gives it; told by the identity number (GB 11643)",
            )
            outcome = rules.fit(rule, choice.element, court.look.rows)
            choice = replace(
                choice, state="derived", columns=identity.columns, confidence=TOLD, zh=zh, en=en, rule=rule,
                fit=outcome,
                certainty="likely", doubts=(Doubt(zh, en),),
            )  # fmt: skip
        result.append(choice)
    return result


def _document(standard: Standard, choices: Sequence[Choice], unused: Sequence[Unused]) -> dict[str, Any]:
    targets = {}
    for choice in choices:
        if choice.rule is not None and choice.state not in ("open", "waiting"):
            noted = {"note_zh": choice.zh, "note_en": choice.en} if choice.certainty == "unsure" else {}
            targets[choice.element.path] = choice.rule | noted
    return {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": standard.id,
        "targets": as_rules(standard, targets),
        "ignored": {rules.pointer(one.column): {"zh": one.zh, "en": one.en} for one in unused},
    }
