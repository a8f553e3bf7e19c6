"""Comparing a report with that of an earlier run."""

import json
from dataclasses import asdict
from pathlib import Path

from protostar.cli.display import note
from protostar.cli.evaluation.measures import Figure, verdicts
from protostar.cli.evaluation.model import Json
from protostar.errors import InvalidInput

_COMPARED = ("task", "mode", "sample", "seed")


def earlier_report(path: Path) -> Json:
    try:
        report = json.loads(path.read_bytes())
        _figures(report)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"{path} is not what `protostar eval --json` prints.") from error
    return report


def compared(earlier: Json, report: Json) -> list[Json]:
    different = [name for name in _COMPARED if earlier["options"].get(name) != report["options"][name]]
    if different:
        note(f"The earlier run was another one: {', '.join(different)} differ.")
    before, after = _figures(earlier), _figures(report)
    return [
        {"set": name, "figure": each, "before": asdict(before[name][each]), "after": asdict(after[name][each]), "verdict": verdict}
        for name in after
        for each, verdict in verdicts(before.get(name, {}), after[name]).items()
    ]


def _figures(report: Json) -> dict[str, dict[str, Figure]]:
    return {each["set"]: {name: Figure(**value) for name, value in each["figures"].items()} for each in report["sets"]}
