"""A report as tables."""

from protostar.cli.display import Column, note, stdout, table
from protostar.cli.evaluation.measures import RANKING
from protostar.cli.evaluation.model import Json


def show(report: Json) -> None:
    """Print a report as tables."""
    sets: list[Json] = report["sets"]
    names = list(dict.fromkeys(name for each in sets for name in each["figures"]))
    for group in ([name for name in names if name in RANKING], [name for name in names if name not in RANKING]):
        if group:
            columns = (Column("set", 9), Column("asked", 5, right=True), *(Column(_title(name), 14) for name in group))
            rows = [(each["set"], each["questions"], *(_cell(each["figures"].get(name)) for name in group)) for each in sets]
            table(columns, rows)
            stdout().print()
    note("Each figure is followed by its 95 % interval.")
    for each in sets:
        seconds = ", ".join(f"{name} {value:.0f} s" for name, value in each["seconds"].items())
        note(f"{each['set']}: {each['documents']} documents; {seconds}.")
        for reason, searches in each["degraded"].items():
            note(f"{each['set']}: {searches} of {each['questions']} searches were degraded: {reason}.")
    _show_comparison(report.get("comparison"))


def _show_comparison(comparison: list[Json] | None) -> None:
    if comparison is None:
        return
    changes = [each for each in comparison if each["verdict"] != "same"]
    for each in changes:
        before, after = _cell(each["before"]), _cell(each["after"])
        stdout().print(f"{each['verdict']}: {each['set']} {_title(each['figure'])} {before} → {after}")
    if not changes:
        stdout().print(f"{len(comparison)} figures compared: nothing is better or worse beyond the intervals.")


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Json | None) -> str:
    return "" if value is None else "{value:.3f} {low:.3f}–{high:.3f}".format(**value).replace("0.", ".")
