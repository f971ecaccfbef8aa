"""What a trace has touched, by the services' own logs: who served its calls, and which of its events were handled."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Touched:
    """What one trace has left in the logs."""

    services: set[str] = field(default_factory=set)
    events: dict[str, None] = field(default_factory=dict)  # in the order in which they were handled

    def __str__(self) -> str:
        parts = (", ".join(sorted(self.services)), f"events: {', '.join(self.events)}" if self.events else "")
        return " · ".join(filter(None, parts))

    def __bool__(self) -> bool:
        return bool(self.services or self.events)

    def beyond(self, earlier: "Touched") -> "Touched":
        """What is in this and not in the earlier one."""
        return Touched(self.services - earlier.services, {name: None for name in self.events if name not in earlier.events})


class Traces:
    """Follows the logs of the services and sorts their lines by trace."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._logs = dict(logs)
        self._read = {name: path.stat().st_size if path.exists() else 0 for name, path in self._logs.items()}
        self._touched: defaultdict[str, Touched] = defaultdict(Touched)

    def touched_by(self, trace_id: str) -> Touched:
        """What the trace has touched so far; events may still be on their way."""
        for name, path in self._logs.items():
            self._follow(name, path)
        found = self._touched[trace_id]
        return Touched(set(found.services), dict(found.events))

    def _follow(self, name: str, path: Path) -> None:
        if not path.exists():
            return
        with path.open("rb") as log:
            log.seek(self._read[name])
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read[name] += len(line)
                self._note(name, line)

    def _note(self, service: str, line: bytes) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict) or "trace_id" not in entry:
            return
        touched = self._touched[entry["trace_id"]]
        touched.services.add(service)
        if entry.get("event") == "event handled":
            touched.events[entry["type"].rpartition(".")[2]] = None
