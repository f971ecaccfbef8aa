"""What the simulator remembers: tables of JSON objects, kept in a file of one line a change, so that a kill loses nothing."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
Change: TypeAlias = tuple[str, str, JsonObject | None]
"""A table, an id, and the new object; None removes it."""


class Journal:
    """Tables by name, objects by id. Changes that belong together are one line: all of them are read back, or none."""

    def __init__(self, path: Path, is_worth_keeping: Callable[[str, JsonObject], bool] = lambda _table, _object: True) -> None:
        """Reads the file, drops what is not worth keeping, and writes the rest anew, atomically."""
        self._tables: dict[str, dict[str, JsonObject]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.is_file() else []:
            try:
                self._apply(json.loads(line))
            except json.JSONDecodeError:
                break  # the machine stopped while this line was written
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            for table, objects in self._tables.items():
                kept = {key: value for key, value in objects.items() if is_worth_keeping(table, value)}
                self._tables[table] = kept
                file.writelines(json.dumps([[table, key, value]]) + "\n" for key, value in kept.items())
        fresh.replace(path)
        self._file = path.open("a")

    def table(self, name: str) -> dict[str, JsonObject]:
        """The objects of a table by id, oldest first; to be read, not to be changed."""
        return self._tables.setdefault(name, {})

    def commit(self, *changes: Change) -> None:
        """Makes the changes and writes them down."""
        self._file.write(json.dumps(changes) + "\n")
        self._file.flush()
        self._apply(changes)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _apply(self, changes: Iterable[Change]) -> None:
        for table, key, value in changes:
            if value is None:
                self.table(table).pop(key, None)
            else:
                self.table(table)[key] = value
