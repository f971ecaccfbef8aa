"""What reviews add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.user.model.rating import Rating, Sum
from services.user.model.review import Review, SubRatings

STARS = st.integers(1, 5)
NOTHING = SubRatings()
PARTS = st.builds(SubRatings, *[st.integers(0, 5)] * 3)


def review_of(stars: int, parts: SubRatings = NOTHING) -> Review:
    return Review("rev", "bkg", "acc_author", "acc_subject", stars, "", parts)


@pytest.mark.parametrize(
    "total, count, score", [(0, 0, 3.5), (5, 1, 22.5 / 6), (25, 5, 4.25), (500, 100, 517.5 / 105), (1, 1, 18.5 / 6)]
)
def test_the_score_is_the_mean_as_if_five_ratings_of_three_and_a_half_stood_beside_it(
    total: int, count: int, score: float
) -> None:
    assert Rating("acc", Sum(total, count)).score == pytest.approx(score)


def test_many_good_ratings_score_more_than_one_that_is_perfect() -> None:
    one, many = Rating("acc", Sum(5, 1)), Rating("acc", Sum(480, 100))
    assert one.stars.mean > many.stars.mean
    assert one.score < many.score


@given(st.lists(st.tuples(STARS, PARTS), max_size=20), st.data())
def test_what_is_taken_out_leaves_what_the_others_add_up_to(given_: list[tuple[int, SubRatings]], data: st.DataObject) -> None:
    reviews = [review_of(*each) for each in given_]
    hidden = data.draw(st.lists(st.sampled_from(range(len(reviews))), unique=True)) if reviews else []
    rating = Rating("acc")
    for each in reviews:
        rating = rating.with_one(each)
    for index in hidden:
        rating = rating.without_one(reviews[index])
    kept = [each for index, each in enumerate(reviews) if index not in hidden]
    assert rating.stars == Sum(sum(each.stars for each in kept), len(kept))
    rated = [each.sub_ratings.quality for each in kept if each.sub_ratings.quality]
    assert rating.quality == Sum(sum(rated), len(rated))
    assert rating.revision == len(reviews) + len(hidden)


def test_a_part_that_was_not_rated_does_not_count() -> None:
    rating = Rating("acc").with_one(review_of(5, SubRatings(punctuality=3)))
    assert (rating.punctuality, rating.quality) == (Sum(3, 1), Sum())
