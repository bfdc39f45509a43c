"""Feedback: what users say, from the day they say it to the day they hear what became of it."""
