"""Where a Gateway's settings come from when they are not given in code: the environment, then a profile file.

Environment: TONGQU_BASE_URL, TONGQU_CLIENT_ID, TONGQU_KEY (a path, or the JWK or PEM itself), TONGQU_CLIENT_CERT and
TONGQU_CLIENT_CERT_KEY (paths), TONGQU_TRUST, TONGQU_STATE, TONGQU_CA, TONGQU_LANG, TONGQU_ALLOW_PLAIN_HTTP=1, and
TONGQU_PROFILE, a section of the profile file.

Profile file: TONGQU_PROFILE_FILE, else ``~/.config/tongqu/profiles.ini``; the section is ``default`` unless named.
Relative paths in it are relative to the file.

    [default]
    base_url = https://gateway.example
    client_id = cli_…
    key = client.jwk.json
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from tongqu_client.errors import ConfigError

NAMES = (
    *("base_url", "client_id", "key", "client_cert", "client_cert_key", "trust", "state", "ca", "lang"),
    "allow_plain_http",
)
_PATHS = ("key", "client_cert", "client_cert_key", "trust", "state", "ca")
_DEFAULT_FILE = "~/.config/tongqu/profiles.ini"


def settings(environment: Mapping[str, str] | None = None, profile: str | None = None) -> dict[str, str]:
    """The settings that are there, by name; the environment goes before the profile. Raises ConfigError."""
    env = os.environ if environment is None else environment
    found = _profile(env, profile or env.get("TONGQU_PROFILE"))
    found.update({name: env["TONGQU_" + name.upper()] for name in NAMES if env.get("TONGQU_" + name.upper())})
    return found


def _profile(env: Mapping[str, str], name: str | None) -> dict[str, str]:
    path = Path(env.get("TONGQU_PROFILE_FILE") or _DEFAULT_FILE).expanduser()
    if not path.exists():
        if name or env.get("TONGQU_PROFILE_FILE"):
            raise ConfigError(f"没有配置文件 {path}。", f"There is no profile file {path}.")
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise ConfigError(f"配置文件 {path} 格式有误。", f"The profile file {path} cannot be read.") from None
    section = name or "default"
    if not parser.has_section(section):
        if name:
            raise ConfigError(f"{path} 中没有 [{name}]。", f"{path} has no section [{name}].")
        return {}
    values = dict(parser.items(section))
    if unknown := sorted(set(values) - set(NAMES)):
        raise ConfigError(
            f"{path} 中有不认识的设置：{'、'.join(unknown)}；可用：{'、'.join(NAMES)}。",
            f"{path} holds unknown settings: {', '.join(unknown)}; known are {', '.join(NAMES)}.",
        )
    return {key: _absolute(path.parent, value) if key in _PATHS else value for key, value in values.items()}


def _absolute(folder: Path, value: str) -> str:
    return str(folder / Path(value).expanduser())
