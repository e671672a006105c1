"""Where the records of a ledger begin and end: titles, merged headings, 同上, totals and signatures.

Works on a grid of texts. A street's ledger has a title over the whole width, one to three rows of headings whose cells
are merged, records, perhaps subtotals, and at the end the names of those who made and checked the table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tongqu_client.provider.errors import Unreadable
from tongqu_client.provider.readers.table import Note, Row, Table, flaw_of, private_use, suspicious

Cells = Sequence[str | None]
Line = tuple[int, Cells]  # a row and its number in the source
Grid = Sequence[Cells]
Merged = tuple[int, int, int, int]  # top, left, bottom, right; 0-based, inclusive

DITTO = frozenset({"同上", "同上。", "同前", "〃", "″", '"', "''", "〞"})
TOTALS = frozenset(
    {"合计", "总计", "小计", "共计", "累计", "本页合计", "本页小计", "合计数", "total", "subtotal", "sum"}
)
SIGNATURE = re.compile(
    r"^(制表|填表|填报|审核|审批|复核|负责|经办|统计|报送|单位负责|主管|分管领导)(人|单位|日期|时间|人签字|人签名|签字)?[:：]"
)
REMARK = re.compile(r"^(注|备注|说明|填表说明|注意)\s*[:：]")
_FILLED_IN = re.compile("(填报|报送|编制|制表|统计|金额|面积|计量|货币)?(单位|部门|时间|日期|人)[:：].")
TITLE_ROWS = 10  # how far down a heading is looked for
HEADING_ROWS = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """The first heading row and how many there are, 0-based; what is above is title."""

    first: int
    depth: int


def find_layout(grid: Grid, merged: Sequence[Merged]) -> Layout:
    """Find the headings. Raises Unreadable if no row of the first ten can be one."""
    width = max((len(row) for row in grid), default=0)
    for index, row in enumerate(grid[:TITLE_ROWS]):
        filled = [cell for cell in row if cell]
        if len(filled) >= min(2, width) and not _looks_like_data(row) and not _is_title(filled, width):
            return Layout(index, _depth(index, merged))
    raise Unreadable(
        f"前 {TITLE_ROWS} 行没有表头；在 provider.toml 写明 header_row（第几行）与 header_rows（几行）",
        f"no headings in the first {TITLE_ROWS} rows; give header_row and header_rows in provider.toml",
    )


def _is_title(filled: Sequence[str], width: int) -> bool:
    """A few cells above the headings, one of which fills something in: 填报单位：…, 单位：万元."""
    return len(filled) * 2 <= width + 1 and any(_FILLED_IN.match(re.sub(r"\s", "", cell)) for cell in filled)


def _looks_like_data(row: Sequence[str | None]) -> bool:
    """Half of the filled cells are numbers: no heading."""
    filled = [cell for cell in row if cell]
    return sum(cell.replace(",", "").replace(".", "").isdigit() for cell in filled) * 2 >= max(len(filled), 1)


def _depth(first: int, merged: Sequence[Merged]) -> int:
    """As long as a merged cell of the headings reaches down, or spans columns and so needs a row beneath it."""
    last = first
    for _ in range(HEADING_ROWS):
        here = [area for area in merged if first <= area[0] <= last]
        below = max(
            [area[2] for area in here] + [area[2] + 1 for area in here if area[3] > area[1] and area[2] == last],
            default=last,
        )
        if below <= last:
            break
        last = min(below, first + HEADING_ROWS - 1)
    return last - first + 1


def flatten(grid: Grid, layout: Layout, merged: Sequence[Merged]) -> tuple[str, ...]:
    """One name per column: the headings from top to bottom joined by ``/``; a name that occurs twice gets ``#2``."""
    rows = grid[layout.first : layout.first + layout.depth]
    width = max(len(row) for row in rows)
    filled = [[_squeeze(row[column]) if column < len(row) else "" for column in range(width)] for row in rows]
    for top, left, bottom, right in merged:
        if layout.first <= top < layout.first + layout.depth:
            value = filled[top - layout.first][left] if left < width else ""
            for row_number in range(top, min(bottom, layout.first + layout.depth - 1) + 1):
                for column in range(left, min(right, width - 1) + 1):
                    filled[row_number - layout.first][column] = value
    names: list[str] = []
    for column in range(width):
        parts: list[str] = []
        for row in filled:
            if row[column] and (not parts or parts[-1] != row[column]):
                parts.append(row[column])
        name = "/".join(parts) or f"列{column + 1}"
        twins = sum(other == name or other.startswith(name + "#") for other in names)
        names.append(f"{name}#{twins + 1}" if twins else name)
    return tuple(names)


def _squeeze(text: str | None) -> str:
    return re.sub(r"\s+", "", text or "")


def read_rows(
    grid: Grid,
    layout: Layout,
    names: Sequence[str],
    merged: Sequence[Merged],
    *,
    ragged: bool,
    numbers: Sequence[int] | None = None,
) -> Table:
    """The records below the headings, and a note on everything that is none.

    ``ragged``: a row of other width than the headings is bad (CSV, where it means a stray comma or quote).
    ``numbers``: row number of each grid row where that is not its position (CSV with line breaks in cells).
    """
    notes = about_headings(grid, layout, names, numbers)
    start = layout.first + layout.depth
    down = merged_down(merged, start)
    rows: list[Row] = []
    body = (
        (_number(index, numbers), _filled_down(grid, index, down.get(index, ()))) for index in range(start, len(grid))
    )
    for found in each_row(body, names, ragged=ragged):
        if isinstance(found, Row):
            rows.append(found)
            notes += found.remarks
        else:
            notes.append(found)
    titles = tuple(cell for row in grid[: layout.first] for cell in row if cell)
    return Table(tuple(names), tuple(rows), tuple(notes), {}, titles)


def _filled_down(grid: Grid, index: int, areas: Sequence[tuple[int, int]]) -> Sequence[str | None]:
    """A row whose merged cells have the value of the first row of their area."""
    if not areas:
        return grid[index]
    cells = list(grid[index])
    for column, top in areas:
        if column < len(cells):
            cells[column] = grid[top][column] if column < len(grid[top]) else None
    return cells


def each_row(
    body: Iterable[Line], names: Sequence[str], *, ragged: bool, above: Mapping[str, str | None] | None = None
) -> Iterator[Row | Note]:
    """(row number, cells) one after the other, as a record or as a note that says why it is none. Keeps one row.

    ``above``: the record before the first row, which a ditto mark in it means.
    """
    above = above or {}
    width = len(names)
    plain = [name.partition("#")[0] for name in names]
    at = 0  # where the last long number stood
    for number, cells in body:
        found = _long_number(cells, at)
        skipped = _no_record(cells) if found is None else None
        at = at if found is None else found
        skipped = skipped or (_HEADING_AGAIN if _repeats(cells, plain) else None)
        if skipped:
            yield Note("skipped", skipped[0], number, None, skipped[1], skipped[2])
        elif ragged and len(cells) != width:
            note = _ragged(number, width, len(cells))
            yield Row(number, dict(zip(names, cells, strict=False)), dict.fromkeys(names, note), (note,))
        else:
            row = _one(number, dict(zip(names, cells, strict=False)), above)
            above = row.cells
            yield row


def last_record(
    body: Sequence[Line], names: Sequence[str], *, ragged: bool, above: Mapping[str, str | None]
) -> Mapping[str, str | None] | None:
    """The cells that a ditto mark in the row after ``body`` means, as each_row would know them; None if in no row.

    Looks at no more rows than it must, from the end: mostly at one.
    """
    for start in range(len(body) - 1, -1, -1):
        cells = body[start][1]
        if DITTO.isdisjoint(cells) and _records(body[start : start + 1], names, ragged, {}):
            return _records(body[start:], names, ragged, {})[-1]
    found = _records(body, names, ragged, above)
    return found[-1] if found else None


def _records(
    body: Sequence[Line], names: Sequence[str], ragged: bool, above: Mapping[str, str | None]
) -> list[Mapping[str, str | None]]:
    """The cells of the records among these rows that a ditto mark may mean."""
    found = each_row(body, names, ragged=ragged, above=above)
    return [one.cells for one in found if isinstance(one, Row) and not one.whole_row_flawed]


def about_headings(grid: Grid, layout: Layout, names: Sequence[str], numbers: Sequence[int] | None) -> list[Note]:
    titles = [index for index in range(layout.first) if any(grid[index])]
    notes = [Note("skipped", "title", _number(index, numbers), None, "标题行", "a title row") for index in titles]
    nameless = [name for name in names if re.fullmatch(r"列\d+", name)]
    return notes + [
        Note("info", "no_heading", None, name, "此列没有表头", "this column has no heading") for name in nameless
    ]


def _ragged(number: int, expected: int, came: int) -> Note:
    return Note(
        "bad",
        "ragged",
        number,
        None,
        f"应有 {expected} 格，实有 {came} 格，可能多了或少了分隔符或引号；此行整行不可用",
        f"expected {expected} cells, got {came}: a separator or quote too many or too few; the whole row is unusable",
    )


def _one(number: int, cells: dict[str, str | None], above: Mapping[str, str | None]) -> Row:
    """One record with its 同上 filled in from the row above."""
    if DITTO.isdisjoint(cells.values()) and not suspicious(cells.values()):
        return Row(number, cells)
    notes: list[Note] = []
    for name, cell in cells.items():
        note = None
        if cell in DITTO:
            cells[name] = above.get(name)
            note = _filled(number, name, cells[name])
        elif cell is not None:
            flaw = flaw_of(cell)
            if flaw is not None:
                note, cells[name] = Note("bad", flaw[0], number, name, flaw[1], flaw[2]), None
            elif private_use(cell):
                note = _rare(number, name)
        if note is not None:
            notes.append(note)
    flaws = {note.column: note for note in notes if note.kind == "bad" and note.column is not None}
    return Row(number, cells, flaws, tuple(notes))


def _filled(number: int, column: str, value: str | None) -> Note:
    if value is None:
        zh, en = "“同上”的上一行没有内容，此格不可用", "a ditto with nothing above it; the cell cannot be used"
        return Note("bad", "ditto_without_source", number, column, zh, en)
    return Note("info", "ditto", number, column, "“同上”已按上一行补全", "a ditto, filled in from the row above")


def _rare(number: int, column: str) -> Note:
    zh, en = "含自造字区的字符，可能是写坏的生僻字", "holds a private-use character, perhaps a rare character spoilt"
    return Note("info", "private_use", number, column, zh, en)


_HEADING_AGAIN = ("headings", "重复的表头行", "the headings again")


def _repeats(cells: Sequence[str | None], plain: Sequence[str]) -> bool:
    """The headings once more, as on each printed page; ``plain``: the names without the marks of twins."""
    first = cells[0] if cells else None
    if first and first[0] not in plain[0]:
        return False  # nearly every row
    filled = [(cell, name) for cell, name in zip(cells, plain, strict=False) if cell]
    return len(filled) > 1 and all(_same_name(_squeeze(cell), name) for cell, name in filled)


def _same_name(cell: str, name: str) -> bool:
    return name == cell or name.endswith(f"/{cell}")


_NO_DIGITS = re.compile("[^0-9]+")
LONG_NUMBER = 15  # digits


def _long_number(cells: Sequence[str | None], likely: int) -> int | None:
    """Where a cell begins with a long number, as an identity number does in nearly every row; looked for there first.

    A row that holds one is always a record.
    """
    cell = cells[likely] if likely < len(cells) else None
    if cell and len(cell) >= LONG_NUMBER and cell[:LONG_NUMBER].isdecimal():
        return likely
    for at, cell in enumerate(cells):
        if cell and len(cell) >= LONG_NUMBER and cell[:LONG_NUMBER].isdecimal():
            return at
    return None


def _no_record(cells: Sequence[str | None]) -> tuple[str, str, str] | None:
    """Blank, total or signature rows, of those in which no cell begins with a long number (_long_number)."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return ("blank", "空行", "a blank row")
    if any(len(_NO_DIGITS.sub("", cell)) >= LONG_NUMBER for cell in filled if len(cell) >= LONG_NUMBER):
        return None
    first = re.sub(r"[\s:：]", "", filled[0]).lower()
    if first in TOTALS:
        return ("total", "合计行", "a row of totals")
    if any(SIGNATURE.match(re.sub(r"\s", "", cell)) for cell in filled):
        return ("signature", "签名行", "a row of signatures")
    if len(filled) == 1 and REMARK.match(filled[0]):
        return ("remark", "说明行", "a row of remarks")
    return None


def merged_down(merged: Sequence[Merged], start: int) -> Mapping[int, Sequence[tuple[int, int]]]:
    """Cells merged downwards among the records: row → (column, first row of its area), for each row of the area."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for top, left, bottom, right in merged:
        if top >= start and bottom > top and left == right:
            for row in range(top, bottom + 1):
                found[row].append((left, top))
    return found


def _number(index: int, numbers: Sequence[int] | None) -> int:
    return numbers[index] if numbers is not None else index + 1
