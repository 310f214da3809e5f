"""What a project looks like from outside, read without torch or numpy: instant at any size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROBLEMS_SHOWN = 10


def project_overview(project: Any) -> dict[str, Any]:
    """Return name, segments, counts by state, the current model and the excluded cases."""
    counts = project.counts()
    problems = project.excluded(PROBLEMS_SHOWN)
    return {
        "project": str(project.folder),
        "name": project.name,
        "segments": [segment.name for segment in project.segments],
        "plane": project.plane,
        "modality": project.modality,
        "counts": counts,
        "plan": plan_reasons(project.folder),
        "model": current_model(project.folder),
        "interrupted_training": (Path(project.folder) / "models" / "unfinished.pt").is_file(),
        "validation_cases": list(project.validation_cases),
        "classes": project.class_counts(),
        "problems": [{"case": case, "reason": reason} for case, reason in problems],
        "more_problems": counts["excluded"] - len(problems),
    }


def model_records(folder: Path | str) -> list[dict[str, Any]]:
    """Return the records beside the checkpoints, oldest first; a damaged one is passed over."""
    found = {path.stem[1:]: _json(path) for path in (Path(folder) / "models").glob("v*.json")}
    whole = [(int(number), record) for number, record in found.items() if number.isdigit()]
    return [record for _, record in sorted(whole, key=lambda pair: pair[0]) if record]


def _json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def plan_reasons(folder: Path | str) -> list[str]:
    """Return what the plan chose and why, in sentences; empty before there is one."""
    return [str(line) for line in _json(Path(folder) / "models" / "plan.json").get("reasons", [])]


def current_model(folder: Path | str) -> dict[str, Any] | None:
    """Return the record of the model in use: the newest that was accepted under the plan."""
    plan = _json(Path(folder) / "models" / "plan.json").get("hash")
    usable = [
        record
        for record in model_records(folder)
        if record.get("accepted") and plan in (None, record.get("plan"))
    ]
    return usable[-1] if usable else None


def case_facts(row: Any) -> dict[str, Any]:
    """Return what a list of cases shows of one case."""
    geometry = row.geometry
    return {
        "case": row.name,
        "state": row.state,
        "reason": row.reason,
        "patient": row.patient,
        "paths": [str(path) for path in row.source.paths],
        "kind": row.source.kind,
        "size": None if geometry is None else list(geometry.size),
        "spacing": None if geometry is None else list(geometry.spacing),
        "channels": row.channels,
        "modality": row.modality,
        "notes": list(row.notes),
        "labelled_slices": None if row.labelled_slices is None else list(row.labelled_slices),
        "label_version": row.label_version,
        "skipped": row.skipped,
        "has_draft": row.has_draft,
    }
