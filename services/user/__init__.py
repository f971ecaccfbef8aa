"""Who people are to each other: profiles, preferences, reviews and ratings."""
