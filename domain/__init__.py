"""The rules of Duradesk and the messages between its parts.

Pure: only the standard library, pydantic and whenever. Time is always an argument.
"""
