"""nginx twice: passing on plainly, and with njs verifying an ES256 token first. Two workers, no root needed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from . import NotInstallable, tokens
from .base import Started, listens

PROCESSES = 2  # one for each core
_MODULES = (
    Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/usr/share/nginx/modules"),
    Path("/etc/nginx/modules"),
)  # fmt: skip

_CONFIGURATION = """\
daemon off;
worker_processes {processes};
{top}
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  client_body_buffer_size 64k;
  proxy_buffer_size 16k; proxy_buffers 16 16k; proxy_max_temp_file_size 0;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream department {{ server {department}; keepalive 256; keepalive_requests 1000000000; }}
  {http}
  server {{
    listen 127.0.0.1:{port} backlog=8192 reuseport;
    {server}
  }}
}}
"""


class Nginx(Started):
    name = "nginx proxy_pass"
    does = "不作任何检查，只转发；keep-alive 上游。Checks nothing and passes on, over kept-alive connections."

    def start(self, workdir: Path, stub_url: str, port: int) -> int:
        return self._start(workdir, stub_url, port, "", "", "location / { proxy_pass http://department; }")

    def _start(self, workdir: Path, stub_url: str, port: int, top: str, http: str, server: str) -> int:
        program = _program()
        text = _CONFIGURATION.format(
            processes=PROCESSES, top=("user root;\n" if os.geteuid() == 0 else "") + top, port=port,
            department=urlsplit(stub_url).netloc, http=http, server=server,
        )  # fmt: skip
        (workdir / "nginx.conf").write_text(text)
        return self._run(
            [program, "-p", workdir, "-c", workdir / "nginx.conf", "-e", "stderr"], workdir, lambda: listens(port)
        )


class NginxToken(Nginx):
    name = "nginx + njs, JWT ES256"
    does = (
        "每次用 njs 的 WebCrypto 验证 ES256 令牌（签名、签发者、受众、期限），别的都不查。"
        "Verifies an ES256 token on each request (signature, issuer, audience, time) and nothing else."
    )

    def start(self, workdir: Path, stub_url: str, port: int) -> int:
        module = _module()
        issuer = tokens.Issuer.new("ES256")
        self._token = issuer.token()
        shutil.copy(Path(__file__).with_name("token.js"), workdir)
        return self._start(
            workdir, stub_url, port,
            top=f"load_module {module};",
            http=f"js_path {workdir}; js_import token from token.js;",
            server=f'set $es256 "{issuer.public_base64()}"; set $issuer "{tokens.ISSUER}";'
            f' set $audience "{tokens.AUDIENCE}"; location / {{ js_content token.check; }}'
            " location @department { proxy_pass http://department; }",
        )  # fmt: skip


def _program() -> str:
    # An ordinary user's PATH often lacks the folder where Debian puts it.
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstallable("no nginx (Debian package nginx)")
    return found


def _module() -> Path:
    for folder in _MODULES:
        if (folder / "ngx_http_js_module.so").exists():
            return folder / "ngx_http_js_module.so"
    raise NotInstallable("no njs module (Debian package libnginx-mod-http-js)")
