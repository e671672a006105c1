"""provider.toml: one source, one standard, one service. Written by `init`, `map` and `register`; read by all.

Every key is written out with its meaning, so that the file explains itself; a key that nobody reads is an error.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import tomllib

from tongqu_client.provider.errors import ConfigInvalid

FILE = "provider.toml"
CROSSWALK = "crosswalk.json"
TRUST = "trust.json"
AUDIT_KEY = "audit.key"

SourceKind = Literal["csv", "excel", "jsonl", "sql"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from, and how they are read once that was detected."""

    kind: SourceKind
    path: str = ""
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    header_row: int = 0
    header_rows: int = 1
    url: str = ""
    table: str = ""
    key_match: Literal["exact", "normalised"] = "exact"
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def declared(self) -> dict[str, Any]:
        """What a file reader takes as given."""
        stated = {
            "encoding": self.encoding,
            "separator": self.separator,
            "sheet": self.sheet,
            "header_row": self.header_row,
        }
        given = {name: value for name, value in stated.items() if value}
        return given | ({"header_rows": self.header_rows} if self.header_row else {})


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. ``folder`` is where provider.toml lies; paths in it are relative to that folder."""

    folder: Path
    standard: str
    source: Source
    service: str = ""
    title_zh: str = ""
    title_en: str = ""
    contact: str = ""
    base_url: str = ""
    gateway: str = ""
    agreements: tuple[str, ...] | Literal["any"] = "any"
    host: str = "127.0.0.1"
    port: int = 8090
    threads: int = 16
    timeout_seconds: float = 3.0

    @property
    def source_path(self) -> Path:
        return (self.folder / self.source.path).resolve()

    @property
    def crosswalk_path(self) -> Path:
        return self.folder / CROSSWALK

    @property
    def trust_path(self) -> Path:
        return self.folder / TRUST

    @property
    def audit_key_path(self) -> Path:
        return self.folder / AUDIT_KEY

    @property
    def state(self) -> Path:
        """Snapshot and local log; made on first use, for the owner only."""
        folder = self.folder / "state"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def save(self) -> None:
        """Write provider.toml: wholly or not at all, readable by the owner only (a database URL may stand in it)."""
        write_private(self.folder / FILE, _toml(self).encode())


def load(folder: Path) -> Config:
    """Read FOLDER/provider.toml. Raises ConfigInvalid."""
    path = folder / FILE
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigInvalid(
            f"{folder} 里没有 {FILE}；先运行 tongqu provider init",
            f"there is no {FILE} in {folder}; run tongqu provider init first",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{FILE} 不是有效的 TOML：{error}", f"{FILE} is not valid TOML: {error}") from None
    source = document.pop("source", {})
    if not isinstance(source, dict):
        raise ConfigInvalid("[source] 应为一节", "[source] must be a table")
    keep = source.pop("keep", {})
    _known(source, Source, "source.")
    _known(document, Config, "", leave=("folder", "source"))
    kept = {column: tuple(map(str, values)) for column, values in dict(keep).items()}
    agreements = document.pop("agreements", "any")
    if agreements != "any":
        agreements = tuple(agreements)
    try:
        config = Config(folder=folder, source=Source(**source, keep=kept), agreements=agreements, **document)
    except TypeError:
        raise ConfigInvalid(
            f"{FILE} 至少要有 standard 与 [source] kind",
            f"{FILE} needs at least standard and kind under [source]",
        ) from None
    return _checked(config)


def _known(document: Mapping[str, Any], kind: type, where: str, leave: tuple[str, ...] = ()) -> None:
    """Refuse keys nobody reads and values of another type than the default's."""
    known = {item.name: item for item in fields(kind) if item.name not in leave}
    unknown = sorted(set(document) - set(known))
    if unknown:
        names = "、".join(where + name for name in unknown)
        raise ConfigInvalid(f"{FILE} 里有不认识的设置：{names}", f"unknown settings in {FILE}: {names}")
    for name, value in document.items():
        default = known[name].default
        expected = (int, float) if isinstance(default, float) else type(default)
        if name != "agreements" and isinstance(default, str | int | float) and not isinstance(value, expected):
            raise ConfigInvalid(
                f"{where}{name} 应为 {type(default).__name__}", f"{where}{name} must be a {type(default).__name__}"
            )


def _checked(config: Config) -> Config:
    source = config.source
    needed = {"csv": ("path",), "excel": ("path",), "jsonl": ("path",), "sql": ("url", "table")}
    if source.kind not in needed:
        raise ConfigInvalid("source.kind 应为 csv、excel、jsonl 或 sql", "source.kind must be csv, excel, jsonl or sql")
    lacking = [name for name in needed[source.kind] if not getattr(source, name)]
    if lacking:
        names = "、".join(lacking)
        raise ConfigInvalid(f"[source] 缺少 {names}", f"[source] lacks {names}")
    if source.key_match not in ("exact", "normalised"):
        raise ConfigInvalid("source.key_match 应为 exact 或 normalised", "source.key_match must be exact or normalised")
    return config


def with_source(config: Config, **changes: Any) -> Config:
    """The same configuration with members of its source exchanged."""
    return replace(config, source=replace(config.source, **changes))


def write_private(path: Path, data: bytes) -> None:
    """Replace a file, mode 0600: temporary file, fsync, rename. If we stop before the rename, the old one stands."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


_EXPLAINED = (
    ("standard", "对外提供的数据标准 / the standard this service answers in"),
    ("service", "服务编号，register 填写 / id of the service, filled in by register"),
    ("title_zh", "目录中的名称 / name in the catalogue"),
    ("title_en", "name in the catalogue, English"),
    ("contact", "联系人（岗位与电话，不写个人手机） / whom to call: a post, not a private person"),
    ("base_url", "网关访问本服务的地址 / where the gateway reaches this service"),
    ("gateway", "所信任的网关 / the gateway trusted"),
    ("agreements", '"any"：凡网关签名的协议；或列出协议编号 / every agreement the gateway signs for, or a list of ids'),
    ("host", "监听地址 / address to listen on"),
    ("port", "监听端口 / port"),
    ("threads", "同时处理的请求数 / requests answered at once"),
    ("timeout_seconds", "查询时限，秒 / time limit of a look-up, seconds"),
)
_SOURCE_EXPLAINED = {
    "kind": "csv、excel、jsonl 或 sql",
    "path": "文件，相对本目录 / the file, relative to this folder",
    "encoding": "编码声明 / declared encoding",
    "separator": "分隔符 / separator",
    "sheet": "工作表 / sheet",
    "header_row": "表头从第几行起 / first row of the headings",
    "header_rows": "表头共几行 / how many rows of headings",
    "url": "数据库地址（只读账号），${NAME} 取自环境变量 / URL of a read-only account; ${NAME} from the environment",
    "table": "表或视图 / table or view",
    "key_match": "exact：号码按原样比较（可用索引）；normalised：去空格、转大写后比较 / how identifiers are compared",
}
_SHOWN = {
    "csv": ("kind", "path", "encoding", "separator", "header_row", "header_rows"),
    "excel": ("kind", "path", "sheet", "header_row", "header_rows"),
    "jsonl": ("kind", "path"),
    "sql": ("kind", "url", "table", "key_match"),
}


def _toml(config: Config) -> str:
    lines = ["# 数据提供服务 / a provider's service. tongqu provider map|test|serve|register 读取此文件。", ""]
    for name, meaning in _EXPLAINED:
        lines += [f"# {meaning}", f"{name} = {_value(getattr(config, name))}"]
    lines += ["", "[source]"]
    for name in _SHOWN[config.source.kind]:
        lines += [f"# {_SOURCE_EXPLAINED[name]}", f"{name} = {_value(getattr(config.source, name))}"]
    lines += [
        "",
        "# 只提供这些行：列名 = [允许的取值] / only rows whose column holds one of these values",
        "[source.keep]",
    ]
    lines += [f"{_value(column)} = {_value(values)}" for column, values in config.source.keep.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_value, value)) + "]"
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else {"\\": "\\\\", '"': '\\"'}.get(c, c)
        for c in str(value)
    )
    return f'"{escaped}"'
