"""The provider kit: from a department's own file or table to a conformant endpoint, without writing Python.

Everything here needs the extra ``provider``; the rest of ``tongqu_client`` does not import it.
"""

from __future__ import annotations

try:
    import standards as _standards  # noqa: F401  # says early and plainly that the extra is missing
except ImportError as error:  # the bare client is installed
    raise ImportError(
        "the provider kit needs the extra `provider` / 数据提供工具需要附加组件：pip install 'tongqu-client[provider]'"
    ) from error
