"""provider.toml explains itself, survives any text, and takes no key that nobody reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tongqu_client.provider.config import Config, Source, load
from tongqu_client.provider.errors import ConfigInvalid

GOOD = 'standard = "person-basic/1.0.0"\n[source]\nkind = "csv"\npath = "a.csv"\n'


def read(folder: Path, text: str) -> Config:
    (folder / "provider.toml").write_text(text, "utf-8")
    return load(folder)


@pytest.mark.parametrize(
    ("defect", "text"),
    [
        ("not TOML", "standard = "),
        ("unknown key", 'standart = "x"\n' + GOOD),
        ("unknown key of the source", GOOD + 'sheep = "x"\n'),
        ("no standard", GOOD.partition("\n")[2]),
        ("no source", 'standard = "person-basic/1.0.0"\n'),
        ("source as text", 'standard = "person-basic/1.0.0"\nsource = "a.csv"\n'),
        ("unknown kind", GOOD.replace('"csv"', '"paper"')),
        ("no path", GOOD.replace('path = "a.csv"', "")),
        ("port as text", 'port = "80"\n' + GOOD),
        ("SQL without a table", 'standard = "x/1.0.0"\n[source]\nkind = "sql"\nurl = "sqlite:///x"\n'),
        ("unknown comparison", GOOD + 'key_match = "fuzzy"\n'),
        ("folder given", 'folder = "/"\n' + GOOD),
    ],
)
def test_a_configuration_with_a_defect_is_refused_in_both_languages(defect: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path, text)
    assert caught.value.zh and caught.value.en


def test_without_a_file_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="init"):
        load(tmp_path)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=_TEXT,
    path=_TEXT.filter(bool),
    keep=st.dictionaries(_TEXT, st.lists(_TEXT, max_size=3).map(tuple), max_size=3),
)
def test_what_is_saved_is_read_back(tmp_path: Path, title: str, path: str, keep: dict[str, tuple[str, ...]]) -> None:
    config = Config(tmp_path, "person-basic/1.0.0", Source("csv", path=path, keep=keep), title_zh=title)
    config = replace(config, agreements=("agr_1", "agr_2"), timeout_seconds=2.5)
    config.save()
    assert load(tmp_path) == config


def test_every_setting_stands_in_the_file_with_its_meaning(tmp_path: Path) -> None:
    Config(tmp_path, "person-basic/1.0.0", Source("csv", path="a.csv")).save()
    lines = (tmp_path / "provider.toml").read_text("utf-8").splitlines()
    settings_written = [index for index, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(settings_written) == 18
    assert all(lines[index - 1].startswith("#") for index in settings_written)
