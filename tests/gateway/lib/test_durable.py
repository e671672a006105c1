"""Files that are wholly there or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.lib import durable


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    durable.write_file(path, b"one")
    durable.write_file(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """The kernel refuses the write halfway, as on a full disk."""
    path = tmp_path / "checkpoint"
    durable.write_file(path, b"old")
    story = (
        "import sys\nfrom pathlib import Path\nfrom gateway.lib import durable\n"
        "try:\n    durable.write_file(Path(sys.argv[1]), bytes(100_000))\nexcept OSError:\n    sys.exit(7)"
    )
    done = subprocess.run(
        [sys.executable, "-c", story, str(path)],
        cwd=Path(__file__).parents[3],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        check=False,
    )
    assert done.returncode == 7 and path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_as_deep_as_needed(tmp_path: Path) -> None:
    durable.make_folder(tmp_path / "a" / "b" / "c")
    durable.make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="a"):
        durable.make_folder(tmp_path / "a" / "b")
    with pytest.raises(IsADirectoryError):
        durable.write_file(tmp_path, b"x")
