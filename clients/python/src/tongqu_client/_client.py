"""Gateway: ask other departments for records, under an agreement, and prove what came back."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from tongqu_client import errors
from tongqu_client._auth import Authorizer, Grant
from tongqu_client._evidence import SeenCheckpoints, verify_answer
from tongqu_client._http import Call, Deadline, Reply, Retries, Timeout, Transport
from tongqu_client._jose import KeySource, SigningKey
from tongqu_client._models import Answer, Decision, Health, Reason, Subject
from tongqu_client._officer import Binding, Officer
from tongqu_client._resources import Agreements, Catalogue, Consents, Standards
from tongqu_client._response import kept_response
from tongqu_client._settings import settings
from tongqu_client._wire import Wire, checked, limits_of, new_session
from tongqu_client._years import Years
from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.receipts import VerifiedReceipt
from tongqu_client.verify.trust import TrustStore

_LOG = "/v1/log/"


class Gateway:
    """A gateway, as one registered client sees it. Safe for threads; close it, or use it in a ``with``.

    ``key``: private P-256 key as JWK (mapping, JSON text, path) or PEM (text, path).
    ``client_cert``: files (certificate, private key) to show when connecting. Without ``key`` it is also what the
    client proves itself with, and what its tokens are bound to (RFC 8705), if the gateway is set up for it.
    ``officer``: for whom the system asks; None: for itself.
    ``timeout``: seconds in all for one call, or a Timeout. ``language``: of the gateway's sentences.
    ``trust``: a TrustStore or its file. None takes the gateway's own word for its keys, on first use; for evidence that
    must convince others, get the file from somebody else (docs: verify-a-receipt).
    ``state``: a file in which the newest verified checkpoint is kept, so that a rewritten log shows across runs.
    ``sign_requests``: sign each request with a body (RFC 9421), as some agreements demand.
    ``verify_responses``: check each response's signature; an unsigned success is refused.
    ``allow_plain_http``: permit http:// to a machine other than this one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        client_id: str | None = None,
        key: KeySource | None = None,
        officer: Officer | None = None,
        client_cert: tuple[str, str] | None = None,
        ca: str | None = None,
        timeout: Timeout | float | None = None,
        retries: Retries | None = None,
        language: str = "zh-CN",
        trust: TrustStore | str | Path | None = None,
        state: str | Path | None = None,
        verify_responses: bool = True,
        sign_requests: bool = False,
        allow_plain_http: bool = False,
    ) -> None:
        self.base_url = checked(base_url, allow_plain_http)
        self.client_id, self.language = client_id, language
        limits = timeout if isinstance(timeout, Timeout) else Timeout() if timeout is None else limits_of(timeout)
        transport = Transport(new_session(client_cert, ca), limits, retries or Retries())
        authorizer: Authorizer | None = None
        if client_id is not None and (key is not None or client_cert is not None):
            loaded = None if key is None else SigningKey.load(key)
            if loaded is None and sign_requests:
                raise errors.ConfigError(
                    "签名请求需要 key，证书不能代替。", "To sign requests needs a key; a certificate does not do it."
                )
            authorizer = Authorizer(transport, self.base_url, client_id, loaded, language, officer, sign_requests)
        elif officer is not None:
            raise errors.ConfigError(
                "代工作人员查询也需要系统身份：请给出 client_id 与 key（或 client_cert）。",
                "To ask for an officer needs a system's identity too: give client_id and key (or client_cert).",
            )
        given = TrustStore.load(trust) if isinstance(trust, (str, Path)) else trust
        self._wire = Wire(self.base_url, transport, authorizer, given=given, language=language, check=verify_responses)
        self._years = Years(self._wire)
        self._wire.keys.follow = self._years.follow
        self._seen = SeenCheckpoints(Path(state) if state is not None else None)
        self._open_resources()

    def _open_resources(self) -> None:
        self.catalogue = Catalogue(self._wire.ask)
        self.standards = Standards(self._wire.ask)
        self.agreements = Agreements(self._wire.ask)
        self.consents = Consents(self._wire.ask)

    def as_officer(self, officer: Officer | None) -> Gateway:
        """The same gateway, asked for this officer (None: for the system itself). It shares the connections: close
        the original only."""
        other = copy.copy(self)
        other._wire = self._wire.for_officer(officer)
        other._open_resources()
        return other

    @classmethod
    def from_env(cls, *, profile: str | None = None, **over: Any) -> Gateway:
        """From the environment and the profile file (see ``_settings``). ``over`` goes before both."""
        found = settings(profile=profile)
        given: dict[str, Any] = {
            name: found[name] for name in ("base_url", "client_id", "key", "trust", "state", "ca") if name in found
        }
        if "lang" in found:
            given["language"] = "en" if found["lang"].startswith("en") else "zh-CN"
        if "client_cert" in found and "client_cert_key" in found:
            given["client_cert"] = (found["client_cert"], found["client_cert_key"])
        given["allow_plain_http"] = found.get("allow_plain_http") == "1"
        given.update(over)
        if not given.get("base_url"):
            raise errors.ConfigError(
                "没有网关地址：请设置 TONGQU_BASE_URL，或写入配置文件。",
                "No gateway address: set TONGQU_BASE_URL, or write a profile file.",
            )
        return cls(**given)

    def close(self) -> None:
        """Give the connections back. The Gateway cannot be used afterwards."""
        self._wire.transport.close()

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Gateway({self.base_url!r}, client_id={self.client_id!r})"

    # ── the one everybody calls ───────────────────────────────────────────────────────────────────────────────────────
    def query(
        self,
        standard: str,
        subject: Subject | Mapping[str, str],
        *,
        agreement: str,
        purpose: str,
        case: str | None,
        fields: Sequence[str] | None = None,
        consent: str | None = None,
        predicates: Sequence[str] | None = None,
        emergency: str | None = None,
        second: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        deliver_as: Mapping[str, Any] | str | Path | None = None,
    ) -> Answer:
        """Ask a department, through the gateway, for one person's record in ``standard``.

        ``fields``: a part of what the agreement grants; None for all of it. ``timeout``: seconds in all.
        ``predicates``: questions of the standard answered by yes or no (``isAdult``); alone, nothing else is asked.
        ``emergency``: the id of one that two officers opened. ``second``: a second officer's signature over this very
        question, for a protected person (docs: agreements-and-consent).
        ``idempotency_key``: made for you and used again over retries; pass an earlier one (``TimedOut`` and
        ``ConnectionLost`` carry it) to fetch the answer that got lost on its way. ``deliver_as``: your own crosswalk to
        this standard; ``answer.delivered`` then holds the records in your own columns, with what was lost.

        Raises Denied kin when refused, ProviderError kin when the department fails, QuotaExceeded, RateLimited,
        InvalidRequest kin, TransportError kin. That nobody was found is an Answer with ``found`` False.
        """
        body = _body(standard, subject, agreement, purpose, fields, case, consent, predicates)
        body |= {name: value for name, value in (("emergency", emergency), ("second", second)) if value is not None}
        key = idempotency_key or str(uuid.uuid4())
        grant = self._grant(body)
        try:
            reply = self._wire.call(
                "POST", "/v1/queries", grant, body=body, timeout=timeout, headers={"Idempotency-Key": key}
            )
        except (errors.TimedOut, errors.ConnectionLost) as error:
            error.idempotency_key = key
            raise
        answer = self._answer(reply, body, key)
        return answer if deliver_as is None else replace(answer, deliver_as=deliver_as)

    def explain(
        self,
        standard: str,
        subject: Subject | Mapping[str, str] | None = None,
        *,
        agreement: str,
        purpose: str,
        fields: Sequence[str] | None = None,
        case: str | None = None,
        predicates: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """Would the query be permitted now, and if not, why? Nothing is fetched, counted or released.

        Without a subject, what depends on the person (identifier, consent) is left out.
        """
        body = _body(
            standard,
            subject,
            agreement,
            purpose,
            fields,
            case,
            None,
            predicates=None if predicates is None else list(predicates),
        )
        path = "/v1/queries/explain"
        try:
            reply = self._wire.call("POST", path, Grant("agreements:read"), body=body, timeout=timeout)
        except errors.ScopeMissing:  # a client that may only query asks with the token it would query with
            try:
                grant = self._grant(body)
                reply = self._wire.call("POST", path, grant, body=body, timeout=timeout)
            except errors.Denied as error:  # the token endpoint refused for the reason we were to explain
                return _refused(error, fields)
        return Decision.of(_members(reply, "effect"))

    def evidence(self, index: int, origin: str | None = None) -> Bundle:
        """The gateway's evidence bundle about the query of log entry ``index`` (``Answer.log_index``, or of a refusal).

        ``origin``: the log in which an answer or a receipt counts; without it, an index counts over all years, as that
        of a refusal and of a search.

        For the two parties of the query and the overseers; needs the scope ``log:read``. It holds no record:
        ``Answer.bundle`` adds receipt, request and answer. Not verified: ``verify_bundle`` does that.
        """
        query = None if origin is None else {"origin": origin}
        reply = self._wire.call("GET", f"{_LOG}entries/{index}/evidence", Grant("log:read"), query=query)
        return Bundle.parse(reply.body)

    def evidence_of(self, query: str) -> Bundle:
        """The evidence bundle of a query by its id (``qry_…``), which its answer or its refusal named."""
        found = self._wire.ask("GET", _LOG + "entries", "log:read", query={"query": query})
        indexes = [int(each["index"]) for each in found.get("entries", ())]
        if not indexes:
            raise errors.NotFound("日志里没有这次查询。", "The log knows no such query.")
        return self.evidence(max(indexes))

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        scope: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Any other operation of the gateway: the JSON of a 2xx answer, or an exception of tongqu_client.errors.

        ``scope``: what the operation needs, such as ``catalogue:write``; without it the call is made unauthenticated.
        """
        return self._wire.ask(method, path, scope, query=query, body=json)

    def ping(self) -> Health:
        """Is the gateway there and ready? Raises TransportError kin when it does not answer at all."""
        started, transport = time.monotonic(), self._wire.transport
        call = Call("GET", f"{self.base_url}/readyz", self._wire.headers())
        reply = transport.send(call, Deadline(transport.timeout.total, transport.timeout.read))
        return Health(reply.status == 200, time.monotonic() - started)

    def trust(self) -> TrustStore:
        """The keys that answers are checked with: those given, else the gateway's own word, read once."""
        return self._wire.keys.get()

    def read_log(self, path: str) -> bytes:
        """A file of the public log: ``checkpoint`` or a tile such as ``tile/0/000``. Raises FileNotFoundError."""
        try:
            return self._wire.call("GET", _LOG + path).body
        except errors.NotFound:
            raise FileNotFoundError(path) from None

    # ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────
    def _grant(self, body: Mapping[str, Any]) -> Grant:
        """What the token must be for; where an officer asks, for this case and this resident only."""
        officer, person = self._wire.officer, body.get("subject", {})
        bound = Binding(body.get("case"), person.get("scheme"), person.get("id"))
        binding = bound if officer is not None and officer.bind else None
        return Grant("exchange:query", body["agreement"], body["purpose"], body["standard"], binding)

    def _answer(self, reply: Reply, body: Mapping[str, Any], key: str) -> Answer:
        members = _members(reply, "data", "withheld", "source", "receipt", "log", "request_id")
        try:
            return Answer(
                data=list(members["data"]),
                withheld=list(members["withheld"]),
                source=dict(members["source"]),
                receipt=str(members["receipt"]),
                log_index=int(members["log"]["index"]),
                log_origin=str(members["log"]["origin"]),
                request_id=str(members["request_id"]),
                idempotency_key=key,
                request=body,
                _verify=self._verify_answer,
                _bundle=self.evidence,
                _response=kept_response(reply),
            )
        except (KeyError, TypeError, ValueError):
            raise errors.UnexpectedReply("答复的结构不对。", "The answer does not have the shape of one.") from None

    def _verify_answer(self, answer: Answer, wait: float) -> tuple[VerifiedReceipt, str]:
        return verify_answer(
            answer,
            self._wire.keys.of_log(answer.log_origin),
            self._seen,
            client_id=self.client_id,
            fetch_proof=self._fetch_proof,
            read_log=self._tiles_of,
            wait=wait,
        )

    def _tiles_of(self, origin: str | None) -> Callable[[str], bytes]:
        folder = "" if origin is None else self._years.folder(origin) or ""
        return lambda path: self.read_log(folder + path)

    def _fetch_proof(self, receipt: VerifiedReceipt) -> str | None:
        path, query = f"/v1/log/entries/{receipt.index}/proof", {"origin": receipt.origin}
        try:
            return self._wire.call("GET", path, query=query).body.decode("utf-8")
        except (errors.NotFound, errors.WrongState):
            return None
        except UnicodeDecodeError:
            raise errors.ProofInvalid("日志证明不是文本。", "The proof is no text.") from None


def _body(
    standard: str,
    subject: Subject | Mapping[str, str] | None,
    agreement: str,
    purpose: str,
    fields: Sequence[str] | None,
    case: str | None,
    consent: str | None,
    predicates: Sequence[str] | None,
) -> dict[str, Any]:
    person = None if subject is None else Subject.of(subject)
    body = {
        "agreement": agreement,
        "standard": standard,
        "subject": None if person is None else {"scheme": person.scheme, "id": person.id},
        "fields": None if fields is None else list(fields),
        "purpose": purpose,
        "case": case,
        "consent": consent,
        "predicates": None if predicates is None else list(predicates),
    }
    return {name: value for name, value in body.items() if value is not None}


def _members(reply: Reply, *names: str) -> dict[str, Any]:
    document = reply.json()
    if not isinstance(document, dict) or any(name not in document for name in names):
        raise errors.UnexpectedReply("答复缺少应有的内容。", f"Expected {', '.join(names)} in the answer.")
    return document


def _refused(error: errors.Denied, fields: Sequence[str] | None) -> Decision:
    reason = Reason(
        error.rule or "", error.problem_code, error.detail_zh, error.detail_en, error.fix or "", error.fix or ""
    )
    return Decision("refuse", tuple(fields or ()), (reason,), (error.rule,) if error.rule else ())
