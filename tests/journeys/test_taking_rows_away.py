"""A department takes what concerns it out of the log of a running gateway: signed like every response, and verified."""

from __future__ import annotations

from pathlib import Path

from tongqu_client._auth import Grant
from tongqu_client.verify.rows import verify_rows

from tests.running import City


def test_a_signed_download_of_rows_verifies(city: City, tmp_path: Path) -> None:
    with city.client() as gateway:
        gateway.request("GET", "/v1/log/search", scope="log:read")
        reply = gateway._wire.call("GET", "/v1/log/search.zip", Grant("log:read"), query={"q": "type:audit.viewed"})
        assert "signature" in {name.lower() for name in reply.headers}  # and checked by the client
        bundle = tmp_path / "rows.zip"
        bundle.write_bytes(reply.body)
        report = verify_rows(bundle, gateway.trust())
    assert report.rows > 0 and set(report.types) == {"audit.viewed"}
    assert city.entries("audit.extracted")[-1]["rows"] == report.rows
