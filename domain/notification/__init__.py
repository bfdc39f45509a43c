"""Notifications: what people are told, by which channel and when.

A process asks for a `Notice`; `plan` turns it into one `NewNotification` for each recipient and channel. The rows are
written by `storage/notification` in the transaction of the event they tell of, worded by `adapters/notification` when
they are read or sent, and delivered by `workflows/notification`.
"""
