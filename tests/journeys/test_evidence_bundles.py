"""A street office must convince a stranger: one file, verified without the gateway; no change of it goes unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tongqu_client import TrustStore, errors
from tongqu_client.cli import main as tongqu
from tongqu_client.verify import Bundle, verify_bundle

from gateway.lib.canonical_json import canonical
from tests.cast import AN, AUDIT, LINDEN, MAPLE, POLICE
from tests.journeys import commands
from tests.promises.tables import ROOT
from tests.running import City

EVIDENCE_DOES_NOT_HOLD = 9

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Held:
    """What Linden holds of one query under an agreement with consent, and the trust file from the bureau."""

    bundle: Bundle
    trust: TrustStore
    trust_file: Path
    other: Bundle  # of another query


@pytest.fixture(scope="module")
def held(shared_city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    shared_city.begin()
    agreement = shared_city.cast.agreement(consent="required")
    shared_city.cast.consent(agreement, AN)
    bundle = shared_city.ask(agreement.id).bundle()
    other = shared_city.ask(shared_city.cast.agreement().id).bundle()
    folder = tmp_path_factory.mktemp("held")
    yield Held(
        bundle,
        TrustStore.from_document(shared_city.gateway.deps.trust()),
        commands.trust_file(shared_city, folder),
        other,
    )


@pytest.mark.daily_on_one
@pytest.mark.timeout(30, func_only=True)
def test_it_verifies_offline(held: Held) -> None:
    report = verify_bundle(held.bundle.to_bytes(), held.trust)
    assert {said.kind for said in report.proved} == {
        "logged", "decided_again", "agreement_signed", "consent_proved", "receipt", "record", "response",
    }  # fmt: skip
    assert {"truth", "keys", "between", "standard_unsigned"} <= {said.kind for said in report.not_proved}


@pytest.mark.daily_on_one
def test_the_file_has_the_published_form(held: Held) -> None:
    schema = json.loads((ROOT / "docs" / "evidence-bundle.schema.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    for bundle in (held.bundle, held.other):
        assert not list(validator.iter_errors(json.loads(bundle.to_bytes())))
    assert not validator.is_valid({**json.loads(held.bundle.to_bytes()), "more": 1})


@pytest.mark.daily_on_one
def test_the_same_bundle_gives_the_same_bytes(held: Held) -> None:
    data = held.bundle.to_bytes()
    assert Bundle.parse(data).to_bytes() == data == canonical(json.loads(data))


@pytest.mark.daily_on_one
@pytest.mark.parametrize(("lang", "words"), [("zh", "没有证明"), ("en", "Not proved")])
def test_the_command_says_what_is_proved_and_what_is_not(
    held: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str, words: str
) -> None:
    file = tmp_path / "SQ-0012.tqe"
    file.write_bytes(held.bundle.to_bytes())
    assert tongqu(["verify", str(file), "--trust", str(held.trust_file), "--lang", lang]) == 0
    said = capsys.readouterr().out
    assert words in said and "police" in said and LINDEN in said
    assert AN["idNumber"] not in said and AN["name"] not in said


@pytest.mark.daily_on_one
def test_without_a_trust_file_it_only_agrees_with_itself(
    held: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "it.tqe"
    file.write_bytes(held.bundle.to_bytes())
    assert tongqu(["verify", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["own_trust"] and "own_trust" in [each["kind"] for each in said["not_proved"]]


@pytest.mark.daily_on_one
def test_it_can_be_given_without_the_record(shared_city: City, held: Held) -> None:
    bundle = shared_city.ask(shared_city.cast.agreement().id).bundle(record=False)
    data = bundle.to_bytes().decode()
    assert AN["idNumber"] not in data and AN["name"] not in data
    report = verify_bundle(bundle, held.trust)
    assert "no_record" in {said.kind for said in report.not_proved}


def test_a_refusal_has_its_evidence_too(shared_city: City, held: Held) -> None:
    agreement = shared_city.cast.agreement(consent="required")
    with pytest.raises(errors.ConsentRequired) as refused:
        shared_city.ask(agreement.id)
    index = refused.value.log_index
    assert index is not None
    report = verify_bundle(shared_city.client().evidence(index), held.trust)
    assert report.entry["type"] == "exchange.refused" and "R8" in report.decided["decision"]["rules"]


# ── who may have it ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("party", [LINDEN, POLICE, AUDIT])
def test_the_parties_and_the_audit_office_may_have_it_and_that_is_logged(
    shared_city: City, held: Held, party: str
) -> None:
    shared_city.begin()
    bundle = shared_city.client(party).evidence(held.bundle["index"])
    assert verify_bundle(bundle, held.trust).index == held.bundle["index"]
    assert [entry["actor"]["party"] for entry in shared_city.entries("audit.viewed")] == [party]


@pytest.mark.daily_on_one
def test_the_neighbour_may_not(shared_city: City, held: Held) -> None:
    for index in (held.bundle["index"], 0, 10**9):
        with pytest.raises(errors.NotFound):
            shared_city.client(MAPLE).evidence(index)


def test_it_is_found_by_the_id_of_the_query(shared_city: City, held: Held) -> None:
    query = next(each["entry"]["query"] for each in held.bundle["entries"] if "query" in each["entry"])
    assert shared_city.client().evidence_of(query)["index"] == held.bundle["index"]
    with pytest.raises(errors.NotFound):
        shared_city.client(MAPLE).evidence_of(query)


# ── nothing in it can be changed ──────────────────────────────────────────────────────────────────────────────────────
def entry_of(bundle: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in bundle["entries"] if each["entry"]["type"] == kind)
    return found


def without(kind: str) -> Change:
    def change(bundle: dict[str, Any]) -> None:
        bundle["entries"] = [each for each in bundle["entries"] if each["entry"]["type"] != kind]

    return change


def put(value: Any, *path: Any) -> Change:
    def change(bundle: dict[str, Any]) -> None:
        at: Any = bundle
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "another name in the record": (put("别人", "answer", "data", 0, "name"), "receipt_invalid"),
    "another purpose in the request": (put("other.purpose", "request", "purpose"), "receipt_invalid"),
    "a field more in the release": (
        lambda b: entry_of(b, "exchange.released")["entry"]["fields"].append("ethnicGroup"), "entry_not_in_log"),
    "another time of release": (
        lambda b: entry_of(b, "exchange.released")["entry"].update(t="2026-01-01T00:00:00.000Z"), "entry_not_in_log"),
    "another place in the log": (
        lambda b: entry_of(b, "exchange.authorized").update(index=3), "entry_not_in_log"),
    "no permit": (without("exchange.authorized"), "entry_missing"),
    "no release": (without("exchange.released"), "entry_missing"),
    "the agreement never activated": (without("agreement.activated"), "agreement_not_activated"),
    "one party's signature entry gone": (without("agreement.signed"), "agreement_unsigned"),
    "more fields in the agreement": (
        lambda b: b["agreement"]["document"]["items"][0]["fields"].append("ethnicGroup"), "agreement_differs"),
    "a signature of the agreement gone": (lambda b: b["agreement"]["signatures"].pop(), "agreement_unsigned"),
    "signatures swapped": (
        lambda b: b["agreement"]["signatures"][0].update(jws=b["agreement"]["signatures"][1]["jws"]),
        "agreement_unsigned"),
    "a key exchanged": (lambda b: b["keys"][0].update(b["trust"]["jwks"]["keys"][0]), "agreement_unsigned"),
    "the officers were never registered": (without("officer.added"), "agreement_unsigned"),
    "the consent of somebody else": (put("s:1:AAAAAAAAAAAAAAAAAAAAAA", "consent", "record", "subject"),
                                     "consent_differs"),
    "the consent gone": (put(None, "consent"), "paper_missing"),
    "a witness's signature gone": (lambda b: b["consent"]["signatures"].pop(), "consent_unproven"),
    "the consent was never given": (without("consent.given"), "facts_differ"),
    "another standard": (put("其他", "standard", "schema", "title"), "facts_differ"),
    "no standard": (put(None, "standard"), "paper_missing"),
    "another body of the response": (
        lambda b: b["response"].update(body=b["response"]["body"].replace("police", "palace")), "response_signature"),
    "another status": (put(201, "response", "status"), "response_signature"),
    "another address": (put("https://elsewhere.example/v1/queries", "response", "target_uri"), "response_signature"),
    "another proof": (lambda b: b.update(proof=b["proof"].replace("index ", "index 1")), "entry_not_in_log"),
}  # fmt: skip


@pytest.mark.daily_on_one
@pytest.mark.parametrize("what", CHANGES)
def test_each_change_is_found_and_named(held: Held, what: str) -> None:
    change, kind = CHANGES[what]
    document = copy.deepcopy(dict(held.bundle.members))
    change(document)
    with pytest.raises(errors.BundleInvalid) as refused:
        verify_bundle(canonical(document), held.trust)
    assert kind in {finding.kind for finding in refused.value.findings}, refused.value.findings


@pytest.mark.daily_on_one
def test_the_receipt_of_another_query_is_found(held: Held) -> None:
    given = held.bundle.holding(receipt=held.other["receipt"], request=None, answer=None, response=None)
    with pytest.raises(errors.BundleInvalid) as refused:
        verify_bundle(given, held.trust)
    assert [finding.kind for finding in refused.value.findings] == ["receipt_other"]


@pytest.mark.daily_on_one
def test_a_checkpoint_that_the_log_did_not_sign_is_refused(held: Held) -> None:
    size = held.bundle["checkpoint"].split("\n")[1]
    forged = held.bundle["checkpoint"].replace(f"\n{size}\n", f"\n{int(size) + 1}\n")
    with pytest.raises(errors.CheckpointInvalid):
        verify_bundle(held.bundle.holding(checkpoint=forged), held.trust)


# ── hostile files ─────────────────────────────────────────────────────────────────────────────────────────────────────
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "too large": b'{"agreement":"' + b"a" * (8 << 20) + b'","format":"tongqu-evidence/1"}',
    "deep": b'{"agreement":' + b"[" * 100_000 + b"]" * 100_000 + b',"format":"tongqu-evidence/1"}',
    "a member twice": b'{"agreement":null,"agreement":null,"format":"tongqu-evidence/1"}',
    "a number of a million digits": b'{"agreement":' + b"9" * 1_000_000 + b',"format":"tongqu-evidence/1"}',
    "NaN": b'{"agreement":NaN,"format":"tongqu-evidence/1"}',
    "half a surrogate": b'{"agreement":"\\ud800","format":"tongqu-evidence/1"}',
    "not UTF-8": b'{"agreement":"\xff","format":"tongqu-evidence/1"}',
    "members missing": b'{"agreement":null,"format":"tongqu-evidence/1"}',
    "a zip": b"PK\x03\x04" + bytes(100),
}  # fmt: skip


@pytest.mark.daily_on_one
@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused(what: str, held: Held, tmp_path: Path) -> None:
    with pytest.raises(errors.BundleInvalid):
        Bundle.parse(HOSTILE[what])
    file = tmp_path / "../it.tqe" if what == "empty" else tmp_path / "it.tqe"
    file.write_bytes(HOSTILE[what])
    assert tongqu(["verify", str(file), "--trust", str(held.trust_file)]) == EVIDENCE_DOES_NOT_HOLD


@pytest.mark.daily_on_one
def test_members_that_are_none_of_the_format_are_refused(held: Held) -> None:
    document = dict(held.bundle.members)
    for changed in (
        {**document, "more": 1},
        {**document, "index": "3"},
        {**document, "entries": [{**document["entries"][0], "path": "../../etc/passwd"}]},
        {**document, "entries": [document["entries"][0]] * 300},
        {**document, "keys": [{}] * 100},
    ):
        with pytest.raises(errors.BundleInvalid):
            Bundle.parse(canonical(changed))
    spaced = json.dumps(document, ensure_ascii=False).encode()
    with pytest.raises(errors.BundleInvalid):
        Bundle.parse(spaced)
