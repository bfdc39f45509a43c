"""Measurements of the whole desk as it runs: `make bench`, or one of them by `python -m benchmarks NAME`.

Each module measures one thing and gives a `figures.Section`. A machine is never as fast twice, so what is
compared is measured in one run, in turns. Nothing here is a test: no number fails a build.
"""
