"""Checks of conformance.py on requests that ask for what is not there, or that do not come from the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from standards.conformance_finding import Finding, each_refused, expect_status, fail
from standards.conformance_probe import Probe, by_a_stranger, rewrite


# ── requests that ask for what is not there ───────────────────────────────────────────────────────────────────────────
def unknown_field(probe: Probe) -> Finding:
    fields = [probe.standard.subject_field, "noSuchField"]
    return expect_status(probe.ask(label="unknown_field", fields=fields), 400)


def unknown_standard(probe: Probe) -> Finding:
    return expect_status(probe.ask(label="unknown_standard", standard="no-such-standard/1.0.0"), 404)


def malformed_json(probe: Probe) -> Finding:
    cases = (b'{"standard": ', b"[]", b"\xff\xfe{}", b'{"standard":"a/1.0.0","standard":"b/1.0.0"}')
    return each_refused(
        probe, ((body, probe.make_request(probe.claims(body))) for body in cases), 400, "malformed_json"
    )


# ── requests that do not come from the gateway ────────────────────────────────────────────────────────────────────────
def missing_signature(probe: Probe) -> Finding:
    return expect_status(probe.post(probe.body(), None, label="missing_signature"), 401)


def forged_signature(probe: Probe) -> Finding:
    body = probe.body()
    mine, other = (probe.make_request(probe.claims(body)) for _ in range(2))
    cases = (
        ".".join((*mine.split(".")[:2], other.split(".")[2])),  # a true signature of another envelope
        by_a_stranger(mine, show_key=False),
        by_a_stranger(mine, show_key=True),
        ".".join((*rewrite(mine, header={"alg": "none"}).split(".")[:2], "")),
        "not.a.jws",
    )
    return each_refused(probe, ((body, envelope) for envelope in cases), 401, "forged_signature")


def wrong_audience(probe: Probe) -> Finding:
    body = probe.body()
    audiences: Sequence[Any] = (
        "svc_of_another_department",
        probe.service_id[:-1],
        [probe.service_id, "svc_of_another_department"],
    )
    cases = ((body, probe.make_request(probe.claims(body, aud=audience))) for audience in audiences)
    return each_refused(probe, cases, 401, "wrong_audience")


def wrong_issuer(probe: Probe) -> Finding:
    return expect_status(probe.ask(label="wrong_issuer", changes={"iss": "https://another-gateway.example"}), 401)


def expired(probe: Probe) -> Finding:
    at, body = int(probe.now().timestamp()), probe.body()
    spans = ((at - 300, at - 240), (at + 300, at + 360), (at, at + 86_400))  # past, future, a day long
    cases = ((body, probe.make_request(probe.claims(body, iat=since, exp=until))) for since, until in spans)
    return each_refused(probe, cases, 401, "expired")


def replayed(probe: Probe) -> Finding:
    body = probe.body()
    envelope = probe.make_request(probe.claims(body))
    first = probe.post(body, envelope)
    if first.status != 200:
        return fail(f"第一次使用应为 200，实为 {first.status}", f"expected 200 at the first use, got {first.status}")
    return expect_status(probe.post(body, envelope, label="replayed"), 401)


def swapped_agreement(probe: Probe) -> Finding:
    body = probe.body()
    envelope = probe.make_request(probe.claims(body))
    other = {"id": "agr_00000000000000000000000000", "digest": "sha-256:" + "1" * 64}
    return expect_status(
        probe.post(body, rewrite(envelope, payload={"agreement": other}), label="swapped_agreement"), 401
    )


def other_agreement(probe: Probe) -> Finding:
    document = probe.answers["health"].json() if "health" in probe.answers else None
    if not isinstance(document, dict) or document.get("agreements", "any") != "listed":
        return (
            "skipped",
            "服务声明凡网关签名的协议都提供（/health 的 agreements 为 any）",
            "the service says it serves every agreement the gateway signs for (agreements is any in /health)",
        )
    other = {"id": "agr_00000000000000000000000000", "digest": "sha-256:" + "1" * 64}
    return expect_status(probe.ask(label="other_agreement", changes={"agreement": other}), 403)


def altered_body(probe: Probe) -> Finding:
    envelope = probe.make_request(probe.claims(probe.body()))
    return expect_status(probe.post(probe.body(fields=probe.all_fields), envelope, label="altered_body"), 401)
