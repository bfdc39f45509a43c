"""How ordinary helpdesks keep deadlines: a job that cron starts every minute and that looks for what is overdue.

`python -m tests.chaos.scanner DATABASE_URL SMTP_PORT TABLE`, one scan a process, as cron does it. `TABLE` names
its table and its habit: `marks_first` writes that the ticket is breached and then mails, `mails_first` the other way
round. It is as good as such jobs are: an index finds the due rows, each ticket is a transaction, a refused mail is
logged and the job goes on, and the next scan finds what was not marked.
"""

import smtplib
import sys
from email.message import EmailMessage
from typing import Final
from uuid import uuid4

import psycopg

MARKS_FIRST: Final = "marks_first"
MAILS_FIRST: Final = "mails_first"
_MAKE: Final = """
    CREATE TABLE {table} (
        ticket text PRIMARY KEY, due_at timestamptz NOT NULL, resolved_at timestamptz, breached_at timestamptz
    );
    CREATE INDEX ON {table} (due_at) WHERE breached_at IS NULL AND resolved_at IS NULL;
"""
_DUE: Final = """
    SELECT ticket FROM {table}
    WHERE due_at <= now() AND breached_at IS NULL AND resolved_at IS NULL ORDER BY due_at
"""
_MARK: Final = "UPDATE {table} SET breached_at = clock_timestamp() WHERE ticket = %s"


def make_tables(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in (MARKS_FIRST, MAILS_FIRST):
            connection.execute(_MAKE.format(table=table))


def scan(url: str, port: int, table: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for (ticket,) in connection.execute(_DUE.format(table=table)).fetchall():
            if table == MAILS_FIRST:
                _mail(port, table, ticket)
            connection.execute(_MARK.format(table=table), [ticket])
            if table == MARKS_FIRST:
                _mail(port, table, ticket)


def _mail(port: int, table: str, ticket: str) -> None:
    message = EmailMessage()
    message["Message-ID"] = f"<{table}.{ticket}.{uuid4().hex}@helpdesk.example>"
    message["From"], message["To"] = "desk@helpdesk.example", "agent@helpdesk.example"
    message["Subject"] = f"Ticket {ticket} is overdue"
    message.set_content("It was due.")
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        sys.stderr.write(f"{ticket}: {error}\n")


if __name__ == "__main__":
    scan(sys.argv[1], int(sys.argv[2]), sys.argv[3])
