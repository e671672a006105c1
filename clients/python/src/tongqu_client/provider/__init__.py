"""The provider kit: from a department's own file or table to a conformant endpoint, without writing Python.

Everything here needs the extra ``provider``; the rest of ``tongqu_client`` does not import it.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("standards") is None:
    raise ModuleNotFoundError(
        "the provider kit needs the extra `provider` / 数据提供工具需要附加组件：pip install 'tongqu-client[provider]'",
        name="standards",
    )
