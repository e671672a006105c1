"""Who may use the pages, and as whom (plain Python).

An account is a person's way in; it grants nothing by itself. What somebody may see follows from the role and the party
it acts for, what may be exchanged from agreements alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

ROLES: Final[tuple[str, ...]] = ("department", "street_office", "compliance", "bureau", "resident")
PARTY_KIND_OF_ROLE: Final = {
    "department": ("department",),
    "street_office": ("street_office",),
    "compliance": ("audit_office", "data_bureau"),
    "bureau": ("data_bureau",),
}
STATES: Final[tuple[str, ...]] = ("active", "suspended")

# NIST SP 800-63B section 3.1.1.2: length is what counts; no composition rules, no expiry.
MIN_PASSWORD, MAX_PASSWORD = 12, 128
MAX_PASSKEYS: Final = 10
STEPPED_UP_FOR: Final = timedelta(minutes=10)  # OWASP ASVS 5.0, 7.5.3: re-authentication before sensitive acts

_USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38}[a-z0-9])")


@dataclass(frozen=True, slots=True)
class Account:
    """``officer``: the registered officer (off_…) whose acts these are; ``resident``: scheme and id of the person the
    account belongs to, sealed (see sealing.py). ``username`` never enters the log; ``id`` does."""

    id: str
    username: str
    role: str
    party: str | None = None
    officer: str | None = None
    resident: bytes | None = None
    state: str = "active"

    def actor(self) -> dict[str, str | None]:
        """As the log names whoever did something."""
        return {"party": self.party, "client": None, "officer": self.officer}


@dataclass(frozen=True, slots=True)
class Session:
    """``id`` is the digest of what the browser's cookie holds. ``method``: what the sign-in was proved with."""

    id: str
    account: str
    method: str
    began: datetime
    used: datetime
    stepped_up: datetime | None
    device: str

    def fresh(self, now: datetime) -> bool:
        """Whether a second factor was shown a short while ago: for unmasking, signing and export."""
        return self.stepped_up is not None and now - self.stepped_up < STEPPED_UP_FOR


@dataclass(frozen=True, slots=True)
class Passkey:
    """``id`` is the credential's, base64url; ``public_key`` in COSE (RFC 9052); ``label`` what its owner calls it."""

    id: str
    account: str
    public_key: bytes
    sign_count: int
    label: str
    added: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lives: without use, and at most."""

    idle: timedelta
    total: timedelta

    def over(self, session: Session, now: datetime) -> bool:
        return now - session.used >= self.idle or now - session.began >= self.total or now < session.began


def is_username(text: str) -> bool:
    """3 to 40 of a-z, 0-9, dot, hyphen, underscore. A post at a counter makes a good one, a person's name does not."""
    return _USERNAME.fullmatch(text) is not None


def normal_username(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def normal_password(text: str) -> str:
    """One spelling, whichever keyboard typed it (NIST SP 800-63B section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def password_defect(password: str, username: str) -> tuple[str, str] | None:
    """Why a password is not accepted, in both languages; None when it is."""
    text = normal_password(password)
    if len(text) < MIN_PASSWORD:
        return f"密码至少 {MIN_PASSWORD} 个字符。", f"A password has at least {MIN_PASSWORD} characters."
    if len(text) > MAX_PASSWORD:
        return f"密码最多 {MAX_PASSWORD} 个字符。", f"A password has at most {MAX_PASSWORD} characters."
    if len(set(text)) < 5 or (username and username in text.lower()):
        return "密码过于简单，请换一个。", "This password is too easy to guess; choose another."
    return None


def device_of(user_agent: str) -> str:
    """A browser and a system in two words, for the list of one's sessions; no more is kept of what a browser says."""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
    systems = (("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"))
    browser = next((name for mark, name in browsers if mark in user_agent), "?")
    system = next((name for mark, name in (*systems, ("Linux", "Linux")) if mark in user_agent), "?")
    return f"{browser} · {system}"
