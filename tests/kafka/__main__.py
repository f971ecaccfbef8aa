"""The events' suite on Apache Kafka: fetches the broker, then hands over to pytest. `make test-kafka` runs it."""

import sys

import pytest

from mesh.local.program import StackError
from tests.kafka.apache import fetch_jars


def main() -> int:
    """Returns pytest's exit code; 2 when the broker cannot be had, after saying why in a sentence."""
    try:
        fetch_jars()
    except StackError as error:
        print(error, file=sys.stderr)
        return 2
    arguments = sys.argv[1:]
    folders = [] if any(each.startswith("tests/") for each in arguments) else ["tests/mesh/events", "tests/kafka"]
    return pytest.main(["--broker=kafka", *folders, *arguments])


if __name__ == "__main__":
    sys.exit(main())
