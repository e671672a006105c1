"""The story of the demo city, step by step, for an official who does not program. Each step checks itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from tongqu_client import Answer, Officer, errors

from gateway.demo import city as cast
from gateway.demo import papers, sources
from gateway.demo.build import SCHEME, City, give_consent
from gateway.demo.processes import DidNotStart

CASE = "SQ-2026-0012"


class StepFailed(Exception):
    """A step did not end as it should."""


class Teller:
    """Prints Chinese first, English below it."""

    def __init__(self) -> None:
        self._step = 0

    def say(self, zh: str, en: str) -> None:
        click.echo(f"  {zh}\n    {click.style(en, dim=True)}")

    def step(self, zh: str, en: str) -> None:
        self._step += 1
        click.echo(f"\n{click.style(f'{self._step}. {zh}', bold=True)}\n   {click.style(en, dim=True)}")

    def good(self, zh: str, en: str) -> None:
        click.echo(f"  {click.style('✔', fg='green')} {zh}\n    {click.style(en, dim=True)}")

    def bad(self, zh: str, en: str) -> None:
        click.echo(f"  {click.style('✘', fg='red')} {zh}\n    {en}")


def tell(city: City, teller: Teller) -> bool:
    """Tell all steps. Returns whether every one of them worked."""
    worked = True
    for step in (
        _identity,
        _minimised,
        _without_consent,
        _with_consent,
        _withdrawn,
        _own_division,
        _translated,
        _pending,
        _quota,
        _log,
    ):
        try:
            step(city, teller)
        except (errors.GatewayError, StepFailed, DidNotStart, OSError) as error:
            worked = False
            teller.bad(f"这一步没有成功：{error}", f"This step failed: {type(error).__name__}: {error}")
    if worked:
        teller.good("全部步骤成功，答复已核验。", "Every step worked; the answer is verified.")
    return worked


def _ask(
    city: City,
    consumer: str,
    paper: dict,  # type: ignore[type-arg]
    person: str,
    officer: Officer | None = None,
    **more: object,
) -> Answer:
    agreement = next(
        each
        for each in city.about["agreements"]
        if each["purpose"] == paper["purpose"][0] and each["consumer"] == consumer
    )
    with city.client(consumer) as gateway:
        asking = gateway if officer is None else gateway.as_officer(officer)
        return asking.query(
            paper["standard"],
            {SCHEME: person},
            agreement=agreement["id"],
            purpose=paper["purpose"][0],
            case=CASE,
            **more,  # type: ignore[arg-type]
        )


def _refused(teller: Teller, rule: str, ask: Callable[[], Answer]) -> None:
    """The query must be refused by this rule."""
    try:
        ask()
    except errors.GatewayError as error:
        if error.rule != rule:
            raise StepFailed(f"expected a refusal by {rule}, got {error.rule}: {error}") from error
        teller.good(f"被拒绝（规则 {rule}）：{error.detail_zh}", f"Refused by rule {rule}: {error.detail_en}")
        return
    raise StepFailed(f"expected a refusal by {rule}, but the query was answered")


def _show(teller: Teller, answer: Answer) -> None:
    for record in answer.data:
        for name, value in record.items():
            click.echo(f"      {name:20} {value}")
    for item in answer.withheld:
        teller.say(
            f"未完整提供：{item['field']}（{item['reason']}）", f"Not in full: {item['field']} ({item['reason']})"
        )


def _identity(city: City, teller: Teller) -> None:
    teller.step(
        "椴树街道窗口：居民来办事，向公安局核对身份。公安局只有一份 GB18030 编码、拼音列名的导出文件。",
        "At the Linden street office a resident stands at the counter. The police have only a GB18030 export with "
        "pinyin columns.",
    )
    clerk = city.officer(cast.LINDEN, "clerk")
    answer = _ask(city, cast.LINDEN, papers.IDENTITY_CHECK, city.people[0].id, clerk)
    _show(teller, answer)
    teller.good(
        f"是窗口经办人 {clerk.id} 在问：街道的系统凭其签名换取令牌，令牌只用于这一件、这一人，日志记下是谁。",
        f"The clerk {clerk.id} asks: the street's system exchanged the clerk's signature for a token that is good for "
        "this case and this resident only; the log says who asked.",
    )
    teller.good(
        f"按国家标准返回；放行记录是日志第 {answer.log_index} 条，先落盘后放行。",
        f"In the published standard; its release is entry {answer.log_index} of the log, written before it left.",
    )
    answer.verify()
    receipt = city.folder / "receipt.json"
    answer.save(receipt)
    command = f"tongqu verify {receipt} --trust {city.folder / 'trust.json'}"
    teller.good(
        f"回执、签名和日志证明核验无误；任何人都可离线复核：{command}",
        f"Receipt, signature and log proof verified; anyone can do so offline: {command}",
    )


def _minimised(city: City, teller: Teller) -> None:
    teller.step("多要一个协议没有授权的字段（民族）。", "Asking for one field more than was agreed (ethnic group).")
    _refused(
        teller,
        "R5",
        lambda: _ask(city, cast.LINDEN, papers.IDENTITY_CHECK, city.people[0].id, fields=["name", "ethnicGroup"]),
    )


def _without_consent(city: City, teller: Teller) -> None:
    teller.step(
        "低保信息须经本人同意：没有同意的居民查不到。",
        "Social assistance needs the resident's consent: without it, no answer.",
    )
    other = city.people[sources.ON_ASSISTANCE[1]]
    _refused(teller, "R8", lambda: _ask(city, cast.LINDEN, papers.ASSISTANCE_CHECK, other.id))


def _with_consent(city: City, teller: Teller) -> None:
    teller.step(
        "本人在窗口同意后，同样的查询得到答复。",
        "After the resident has consented at the counter, the query is answered.",
    )
    answer = _ask(city, cast.LINDEN, papers.ASSISTANCE_CHECK, city.people[sources.ON_ASSISTANCE[0]].id)
    _show(teller, answer)
    answer.verify()
    teller.good(
        "民政局的 Excel 台账被译成标准，回执核验无误。", "The Excel ledger was translated; the receipt verifies."
    )


def _withdrawn(city: City, teller: Teller) -> None:
    teller.step("另一位居民先同意，随即撤回。", "Another resident consents, and withdraws at once.")

    person = city.people[sources.ON_ASSISTANCE[2]]
    consent = give_consent(city, person)
    with city.client(cast.LINDEN) as gateway:
        gateway.request("POST", f"/v1/consents/{consent['id']}/withdraw", json={}, scope="consents:write")
    _refused(teller, "R8", lambda: _ask(city, cast.LINDEN, papers.ASSISTANCE_CHECK, person.id))


def _own_division(city: City, teller: Teller) -> None:
    teller.step("枫林街道只能查本辖区居民。", "The Maple street office sees residents of its own division only.")
    answer = _ask(city, cast.MAPLE, papers.OWN_RESIDENTS, sources.inside(city.people).id)
    _show(teller, answer)
    outside = sources.outside(city.people)
    _refused(teller, "R14", lambda: _ask(city, cast.MAPLE, papers.OWN_RESIDENTS, outside.id))


def _translated(city: City, teller: Teller) -> None:
    teller.step(
        "卫健委的旧接口用自己的列名和代码；网关译成标准，血型等多余字段到不了街道。",
        "The health commission's old interface has its own names and codes; the gateway translates, and what was not "
        "granted stays behind.",
    )
    answer = _ask(city, cast.MAPLE, papers.HEALTH_FILE, city.people[0].id)
    _show(teller, answer)
    granted = set(papers.HEALTH_FILE["fields"])
    if any(set(record) - granted for record in answer.data):
        raise StepFailed("a field that was not granted arrived")
    try:
        _ask(city, cast.MAPLE, papers.HEALTH_FILE, city.people[sources.TWICE].id)
    except errors.AmbiguousSubject as error:
        teller.good(
            f"同一人两份档案，不猜：{error.detail_zh}", f"Two files of one person are not guessed at: {error.detail_en}"
        )
        return
    raise StepFailed("a person on file twice was answered")


def _pending(city: City, teller: Teller) -> None:
    teller.step(
        "椴树街道与卫健委的协议还没有双方签署。", "Linden's agreement with the health commission waits for a signature."
    )
    _refused(teller, "R1", lambda: _ask(city, cast.LINDEN, papers.HEALTH_FILE, city.people[0].id))


def _quota(city: City, teller: Teller) -> None:
    teller.step("协议约定每日两次，第三次被拒。", "The agreement allows two queries a day; the third is refused.")
    _ask(city, cast.MAPLE, papers.HEALTH_FILE, city.people[1].id)
    _refused(teller, "R9", lambda: _ask(city, cast.MAPLE, papers.HEALTH_FILE, city.people[2].id))


def _log(city: City, teller: Teller) -> None:
    teller.step("审计局离线核验整本日志。", "The audit office verifies the whole log offline.")
    target = Path(city.folder / "log-export")
    started = time.monotonic()
    city.processes.run(("-m", "gateway", "audit", "export", str(target), "--config", str(city.folder / "tongqu.toml")))
    verify: tuple[str, ...] = (
        *("-m", "tongqu_client", "verify", str(target), "--trust", str(city.folder / "trust.json")),
    )
    if city.settings.witness_policy:  # the audit office runs the witness, so it demands that witness's word
        verify = (*verify, "--policy", city.settings.witness_policy)
    said = city.processes.run((*verify, "--receipt", str(city.folder / "receipt.json")))
    for line in said.strip().splitlines()[:12]:
        click.echo(f"      {line}")
    took = time.monotonic() - started
    teller.good(
        f"日志完整，回执所指条目在册（{took:.1f} 秒）。",
        f"The log is whole and holds the receipt's entry ({took:.1f} s).",
    )
    if city.settings.witness_policy:
        teller.good(
            "检查点有审计局见证程序的签名：网关无法改写这段历史而不被发现。",
            "The checkpoint bears the audit office's cosignature: nobody can rewrite this history unseen.",
        )
