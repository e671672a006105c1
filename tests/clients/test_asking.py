"""A street office's system asks, gets an answer, and proves it."""

from __future__ import annotations

import dataclasses
import json
import re
import stat
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from tongqu_client import Gateway, Subject, TrustStore, _signatures, errors
from tongqu_client._http import Call, Reply
from tongqu_client._keys import KnownKeys
from tongqu_client.verify import verify_promise, verify_receipt

from gateway.lib.http_signature import content_digest, sign_response
from gateway.lib.jose import SigningKey, decode64
from tests.clients.asking import PERSON, STANDARD, TERMS, ask
from tests.clients.made_log import Keys, good_log
from tests.clients.simulator import CLIENT, RECORD, Sent, Simulator, problem


def test_an_answer_holds_the_record_its_source_and_its_place_in_the_log(gateway: Gateway) -> None:
    answer = ask(gateway)
    assert answer.data == answer.records == [RECORD]
    assert answer.one() == RECORD
    assert answer.found
    assert answer.source["party"] == "police"
    assert answer.as_of == "2026-11-22T16:00:00.000Z"


def test_an_answer_proves_itself(gateway: Gateway, simulator: Simulator) -> None:
    answer = ask(gateway)
    verified = answer.verify()
    assert verified.query == answer.request_id
    assert verified.checkpoint is not None and verified.checkpoint.size == len(simulator.log.entries)


def test_that_nobody_was_found_is_an_answer(gateway: Gateway, simulator: Simulator) -> None:
    simulator.data = []
    answer = ask(gateway)
    assert not answer.found
    answer.verify()
    with pytest.raises(errors.NotFound):
        answer.one()


def test_two_records_are_not_one(gateway: Gateway, simulator: Simulator) -> None:
    simulator.data = [RECORD, RECORD]
    with pytest.raises(errors.AmbiguousSubject):
        ask(gateway).one()


def test_the_request_says_exactly_what_was_asked(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway, fields=["name"], consent="con_1")
    (request,) = simulator.to("/v1/queries")[-1:]
    assert request.json() == {
        "agreement": "agr_1",
        "standard": STANDARD,
        "subject": {"scheme": "cn.resident-id", "id": PERSON},
        "fields": ["name"],
        "purpose": "dibao.initial",
        "case": "SQ-0012",
        "consent": "con_1",
    }
    assert PERSON not in request.path


@pytest.mark.parametrize(
    "subject",
    [Subject("cn.resident-id", PERSON), {"cn.resident-id": PERSON}, {"scheme": "cn.resident-id", "id": PERSON}],
)
def test_a_subject_can_be_given_in_three_ways(gateway: Gateway, simulator: Simulator, subject: Subject) -> None:
    gateway.query(STANDARD, subject, case="SQ-0012", **TERMS)
    assert simulator.to("/v1/queries")[-1].json()["subject"] == {"scheme": "cn.resident-id", "id": PERSON}


def test_two_subjects_are_refused_before_anything_is_sent(gateway: Gateway, simulator: Simulator) -> None:
    with pytest.raises(errors.InvalidRequest):
        gateway.query(STANDARD, {"a": "1", "b": "2"}, case="SQ-0012", **TERMS)
    assert not simulator.received


def test_nothing_about_a_person_shows_in_a_repr(gateway: Gateway) -> None:
    answer = ask(gateway)
    shown = f"{answer!r} {Subject('cn.resident-id', PERSON)!r} {gateway!r} {answer.verify()!r}"
    assert PERSON not in shown and "张三" not in shown


# ── evidence that does not hold ───────────────────────────────────────────────────────────────────────────────────────
def test_an_answer_with_another_record_than_the_receipts_is_refused(gateway: Gateway) -> None:
    answer = ask(gateway)
    answer.data[0] = {**RECORD, "name": "李四"}
    with pytest.raises(errors.ReceiptInvalid):
        answer.verify()


def test_a_receipt_of_another_query_is_refused(gateway: Gateway) -> None:
    first, second = ask(gateway), ask(gateway)
    mixed = dataclasses.replace(first, receipt=second.receipt)
    with pytest.raises(errors.ReceiptInvalid):
        mixed.verify()


def test_an_entry_that_the_log_does_not_show_yet_is_not_called_a_forgery(
    simulator: Simulator, gateway: Gateway
) -> None:
    simulator.published = 5
    answer = ask(gateway)
    with pytest.raises(errors.NotYetLogged):
        answer.verify(wait=0)
    simulator.published = None
    assert answer.verify().checkpoint is not None


def test_an_entry_that_the_log_never_shows_is_proof_against_it(simulator: Simulator, gateway: Gateway) -> None:
    simulator.published = 5
    simulator.receipt_changes = {"iat": 1_700_000_000}
    with pytest.raises(errors.ProofInvalid) as caught:
        ask(gateway).verify()
    assert "keep the receipt" in caught.value.detail_en


def test_a_log_that_grew_stays_trusted(gateway: Gateway, simulator: Simulator) -> None:
    for _ in range(3):
        ask(gateway).verify()


def test_a_log_rewritten_between_two_answers_is_found(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway).verify()
    simulator.log.entries[3] = simulator.log.entries[3].replace(b'"name"', b'"nome"')
    with pytest.raises(errors.LogForked) as caught:
        ask(gateway).verify()
    assert len(caught.value.evidence) == 2
    assert all(simulator.log.keys.log.origin in note for note in caught.value.evidence)


def test_a_log_rewritten_between_two_runs_is_found(
    simulator: Simulator, client_key: dict[str, str], tmp_path: Path
) -> None:
    def run() -> None:
        with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, state=tmp_path / "seen.json") as gateway:
            ask(gateway).verify()

    run()
    run()
    del simulator.log.entries[4:]
    with pytest.raises(errors.LogForked):
        run()


def test_a_damaged_record_of_seen_checkpoints_is_not_thrown_away(simulator: Simulator, tmp_path: Path) -> None:
    state = tmp_path / "seen.json"
    state.write_text("{")
    with pytest.raises(errors.ConfigError):
        Gateway(simulator.base_url, state=state)
    assert state.read_text() == "{"


# ── signed responses ──────────────────────────────────────────────────────────────────────────────────────────────────
def _other_body(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return headers, body.replace("张三".encode(), "李四".encode())


def _other_body_and_digest(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    changed = body.replace("张三".encode(), "李四".encode())
    return {**headers, "Content-Digest": content_digest(changed)}, changed


def _old(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature-Input": headers["Signature-Input"].replace("created=1", "created=0")}, body


def _covers_less(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature-Input": headers["Signature-Input"].replace('"content-digest" ', "")}, body


def _another_tag(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature-Input": headers["Signature-Input"].replace("fapi-2-response", "other")}, body


def _garbled(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature-Input": "((("}, body


def _no_value(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature": "sig2=:AAAA:"}, body


def _of_another_key(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "Signature-Input": re.sub('keyid="[^"]*"', 'keyid="x"', headers["Signature-Input"])}, body


TAMPERED = [
    _other_body, _other_body_and_digest, _old, _covers_less, _another_tag, _garbled, _no_value, _of_another_key
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERED)
def test_a_response_changed_on_its_way_is_refused_and_not_asked_again(
    gateway: Gateway, simulator: Simulator, tamper: object
) -> None:
    assert callable(tamper)
    simulator.script = [Sent(200, None, tamper=tamper)]
    with pytest.raises(errors.ResponseInvalid):
        ask(gateway)
    assert len(simulator.to("/v1/queries")) <= 2  # the nonce, and once


def test_a_success_without_a_signature_is_refused(gateway: Gateway, simulator: Simulator) -> None:
    simulator.script = [Sent(200, None, signed=False)]
    with pytest.raises(errors.ResponseInvalid):
        ask(gateway)


def test_a_problem_of_a_proxy_needs_no_signature(gateway: Gateway, simulator: Simulator) -> None:
    refused = problem(403, "agreement_suspended")
    refused.signed = False
    simulator.script = [refused]
    with pytest.raises(errors.AgreementSuspended):
        ask(gateway)


def test_checking_of_signatures_can_be_left_out(simulator: Simulator, client_key: dict[str, str]) -> None:
    simulator.script = [Sent(200, None, signed=False)]
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, verify_responses=False) as gateway:
        assert ask(gateway).found


def test_another_implementations_signature_of_the_same_standard_verifies() -> None:

    from cryptography.hazmat.primitives.asymmetric import ec
    from tongqu_client._http import Call, Reply

    log = good_log()
    private = ec.derive_private_key(
        int.from_bytes(decode64(log.keys.response.private_jwk()["d"]), "big"), ec.SECP256R1()
    )

    class Resolver(HTTPSignatureKeyResolver):
        def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:
            return private

    digest = _signatures.content_digest(b"{}")
    call = Call("POST", "https://gateway.test/v1/queries?a=%20b", {"Content-Digest": digest}, b"{}")
    request = SimpleNamespace(method=call.method, url=call.url, headers=call.headers)
    headers = {"Content-Type": "application/json", "Content-Digest": digest}
    message = SimpleNamespace(status_code=200, headers=headers, request=request)
    covered = (
        "@status",
        "content-type",
        "content-digest",
        '"@method";req',
        '"@target-uri";req',
        '"content-digest";req',
    )
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Resolver())
    signer.sign(
        message,
        key_id=log.keys.response.kid,
        tag="fapi-2-response",
        covered_component_ids=covered,
        include_alg=True,
        body=b"{}",
        use_existing_digest=True,
    )
    reply = Reply(call, 200, {name.lower(): value for name, value in message.headers.items()}, b"{}")
    _signatures.verify_response(reply, TrustStore.from_document(log.keys.trust()))


# ── keys and trust ────────────────────────────────────────────────────────────────────────────────────────────────────
def _signed_reply(key: SigningKey) -> Reply:
    call = Call("GET", "https://gateway.test/v1/standards")
    headers = sign_response(
        status=200, content_type="a/b", body=b"{}", method="GET", target_uri=call.url, request_digest=None,
        created=int(time.time()), key_id=key.kid, sign=key.sign_raw,
    )  # fmt: skip
    return Reply(call, 200, {"content-type": "a/b", **{name.lower(): value for name, value in headers}}, b"{}")


def test_a_changed_response_key_is_learnt_from_the_gateway() -> None:
    keys = Keys()
    known = KnownKeys(None, lambda: TrustStore.from_document(keys.trust()), reload=0)
    known.verify(_signed_reply(keys.response))
    keys.response = SigningKey.generate()
    known.verify(_signed_reply(keys.response))


def test_the_gateway_is_not_asked_for_new_keys_again_and_again(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.log.keys.response = SigningKey.generate()
    for _ in range(3):
        with pytest.raises(errors.ResponseInvalid):
            ask(gateway)
    assert len(simulator.to("/.well-known/tongqu-trust")) == 1


def test_a_changed_log_key_is_not_learnt() -> None:
    keys = Keys()
    known = KnownKeys(None, lambda: TrustStore.from_document(keys.trust()), reload=0)
    known.get()
    keys.log, keys.response = Keys().log, SigningKey.generate()
    with pytest.raises(errors.LogForked):
        known.verify(_signed_reply(keys.response))


def test_given_keys_are_never_replaced(simulator: Simulator, client_key: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(simulator.log.keys.trust(simulator.base_url)))
    simulator.log.keys.response = good_log().keys.response
    with (
        Gateway(simulator.base_url, client_id=CLIENT, key=client_key, trust=path) as gateway,
        pytest.raises(errors.ResponseInvalid),
    ):
        ask(gateway)
    assert not simulator.to("/.well-known/tongqu-trust")


# ── keeping an answer ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_kept_answer_verifies_later_without_the_gateway(
    gateway: Gateway, simulator: Simulator, tmp_path: Path
) -> None:
    answer = ask(gateway)
    answer.verify()
    path = tmp_path / "answer.json"
    answer.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = json.loads(path.read_text())
    trust = TrustStore.from_document(simulator.log.keys.trust(simulator.base_url))
    receipt = verify_receipt(kept["answer"]["receipt"], trust, request=kept["request"], response=kept["answer"])
    assert verify_promise(receipt, kept["proof"], trust).checkpoint is not None


# ── explaining, and the thin calls ────────────────────────────────────────────────────────────────────────────────────
def test_explain_gives_the_reasons_in_both_languages(gateway: Gateway, simulator: Simulator) -> None:
    reason = {
        "rule": "R8",
        "code": "consent_required",
        "zh": "须同意",
        "en": "Consent",
        "fix_zh": "取得",
        "fix_en": "Get",
    }
    simulator.explained = {"effect": "refuse", "fields": ["name"], "reasons": [reason], "consent": "required"}
    decision = gateway.explain(STANDARD, **TERMS)
    assert not decision.permitted
    assert (decision.reasons[0].zh, decision.reasons[0].en, decision.rules) == ("须同意", "Consent", ("R8",))
    assert "subject" not in simulator.to("/v1/queries/explain")[-1].json()


def test_explain_says_why_even_when_the_token_is_refused(gateway: Gateway, simulator: Simulator) -> None:
    refusals = [{"error": "invalid_scope"}, {"error": "invalid_authorization_details", "code": "agreement_suspended"}]
    simulator.token_script = [Sent(400, refusal) for refusal in refusals]
    decision = gateway.explain(STANDARD, **TERMS)
    assert [reason.code for reason in decision.reasons] == ["agreement_suspended"]


def test_the_catalogue_is_searched(gateway: Gateway) -> None:
    assert gateway.catalogue.search("低保 & 住址")[0]["q"] == "低保 & 住址"


def test_all_pages_of_a_list_are_read(gateway: Gateway) -> None:
    assert [agreement["id"] for agreement in gateway.agreements.list()] == ["agr_0", "agr_1"]


def test_a_standard_is_read_without_a_token(simulator: Simulator) -> None:
    with Gateway(simulator.base_url) as gateway:
        assert gateway.standards.get("person-basic/1.0.0")["title"] == "人员"
        with pytest.raises(errors.NotFound):
            gateway.standards.get("nothing/1.0.0")
        with pytest.raises(errors.UnknownStandard):
            gateway.standards.get("person-basic")


def test_any_other_operation_can_be_called(gateway: Gateway, simulator: Simulator) -> None:
    page = gateway.request("GET", "/v1/agreements", scope="agreements:read", query={"after": "1"})
    assert page["agreements"] == [{"id": "agr_1"}]
    with pytest.raises(errors.NotFound):
        gateway.request("POST", "/v1/nothing", json={"a": 1})
    assert simulator.received[-1].json() == {"a": 1}


@pytest.mark.parametrize("name", ["../admin", "..", "", "a/b"])
def test_an_identifier_cannot_lead_to_another_address(gateway: Gateway, simulator: Simulator, name: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        gateway.agreements.get(name)
    assert not simulator.received


def test_ping_says_that_the_gateway_is_there(gateway: Gateway) -> None:
    began = time.monotonic()
    health = gateway.ping()
    assert health.ready and 0 < health.seconds <= time.monotonic() - began
