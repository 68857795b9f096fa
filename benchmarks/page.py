"""How figures look: on the screen, and in docs/performance.md between two marks, which this alone writes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.table import Table as ScreenTable

from benchmarks.figures import Cell, Measured, Number, Table, write_whole

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN = "<!-- figures: what stands from here to the end mark is written by `make bench` -->"
END = "<!-- end of figures -->"

_GOALS = ("goal", "", "measured", "")


def cell_text(cell: Cell) -> str:
    """Return a cell as it is shown: the median with its unit, and the spread where there were several rounds."""
    if isinstance(cell, str):
        return cell
    text = _with_unit(_digits(cell.value), cell.unit)
    if cell.low == cell.high:
        return text
    return f"{text} ({_digits(cell.low)} to {_digits(cell.high)})"


def screen_table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> ScreenTable:
    """Return a table for the terminal."""
    table = ScreenTable(*head, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    return table


def section_table(title: str, table: Table) -> ScreenTable:
    """Return what a section measured, for the terminal."""
    return screen_table(title, table.head, ([cell_text(cell) for cell in row] for row in table.rows))


def goal_table(numbers: Iterable[Number]) -> ScreenTable:
    """Return goals beside what was measured, for the terminal."""
    return screen_table("goals", _GOALS, _goal_rows(numbers))


def is_missed(number: Number) -> bool:
    """Tell whether a number has a goal and does not reach it."""
    return number.goal is not None and not number.goal.is_reached(number.value)


def write_page(titles: Mapping[str, str], figures: Mapping[str, Measured], path: Path = PAGE) -> None:
    """Write the figures into the page; the text around them stays as it is."""
    write_whole(path, page_text(path.read_text("utf-8"), titles, figures))


def page_text(page: str, titles: Mapping[str, str], figures: Mapping[str, Measured]) -> str:
    """Return the page with these figures between its marks.

    Raises:
        ValueError: The page has not exactly one pair of marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}, once each and in this order")
    numbers = [number for name in titles if name in figures for number in figures[name].table.goals()]
    parts = ["## Goals", _markdown(_GOALS, _goal_rows(numbers))] if numbers else []
    for name, title in titles.items():
        parts += [f"## {title}", *_section(name, figures.get(name))]
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def _section(name: str, measured: Measured | None) -> list[str]:
    if measured is None:
        return [f"Not measured yet: `make bench ARGS={name}`."]
    machine, table = measured.machine, measured.table
    rounds = "one round" if measured.rounds == 1 else f"{measured.rounds} rounds"
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']}; Python {machine['python']}"
    # A name and its command, then the day: what to run, and how old the answer is.
    line = f"`make bench ARGS={name}`, {measured.date}, {rounds}, {measured.minutes:.0f} min; {where}, {machine['postgresql']}."
    return [line, _markdown(table.head, ([cell_text(cell) for cell in row] for row in table.rows)), *table.notes]


def _goal_rows(numbers: Iterable[Number]) -> list[tuple[str, str, str, str]]:
    rows = []
    for number in numbers:
        if number.goal is not None:
            at_most = number.goal.at_most
            limit = f"at most {at_most:,g}" if at_most is not None else f"at least {number.goal.at_least:,g}"
            verdict = "**MISSED**" if is_missed(number) else "reached"
            rows.append((number.goal.what, _with_unit(limit, number.unit), cell_text(number), verdict))
    return rows


def _markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _with_unit(text: str, unit: str) -> str:
    return text if unit == "of it" else f"{text} {unit}"
