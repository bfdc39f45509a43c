"""Rows of surveys: `invite` notes whom a resolution makes us ask, `commit` does what is due, `answer` takes in what
they say, `task` follows up low scores, `definition` keeps what is asked, `results` counts."""
