import re
import time

import pytest

from mesh.ids import derived_id, new_id


def test_an_id_is_its_prefix_and_26_characters_without_ambiguous_letters() -> None:
    assert re.fullmatch(r"bkg_[0-7][0-9a-hjkmnp-tv-z]{25}", new_id("bkg"))


def test_ids_sort_by_the_millisecond_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (1, 999, 1_000, 1_764_000_000_000, 1_764_000_000_001, 2**48 - 1):
        monkeypatch.setattr(time, "time_ns", lambda at=milliseconds: at * 1_000_000)
        made.append(new_id("bkg"))
    assert made == sorted(made)


def test_ids_made_at_once_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_764_000_000_000_000_000)
    assert len({new_id("bkg") for _ in range(10_000)}) == 10_000


def test_a_derived_id_depends_on_the_prefix_and_on_every_part_and_on_nothing_else() -> None:
    assert derived_id("idk", "acc_1", "key") == derived_id("idk", "acc_1", "key")
    others = {derived_id("idk", "acc_1", "key"), derived_id("pay", "acc_1", "key"), derived_id("idk", "acc_2", "key")}
    others |= {derived_id("idk", "acc_1", "key2"), derived_id("idk", "acc_1key"), derived_id("idk", "key", "acc_1")}
    assert len(others) == 6


def test_a_derived_id_looks_like_any_other() -> None:
    assert re.fullmatch(r"idk_[0-7][0-9a-hjkmnp-tv-z]{25}", derived_id("idk", "any", "parts"))
