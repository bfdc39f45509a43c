"""What a developer is told when workflow code has changed. The long form is docs/changing-workflows.md."""

from typing import Final

_WHAT_TO_DO: Final = """
What to do, docs/changing-workflows.md says it at length:
  1. Running processes go on with the changed code. Keep the old order for those that began with it:
         if workflow.patched("what-is-new"):
             ... the new order
         else:
             ... the old order, unchanged
  2. The process is another one altogether. Leave this workflow type as it is, make a new type beside it
     (`workers/registry.py`), and start the new one.
"""

BROKEN: Final = (
    """
The history {name} cannot be replayed by this code: processes that look like it would stop at their next step.

{reason}
"""
    + _WHAT_TO_DO
    + """  3. Nobody has ever run the version named above, because it is not released:
     `make record`, and commit the new histories with the change.
"""
)

CHANGED_SINCE_RELEASE: Final = (
    """
The workflow code gives its commands in another order than version {version}, which is released: processes that
began with it are running somewhere.

{difference}
"""
    + _WHAT_TO_DO
    + """
Then `make record` records the new order beside the old one; the old histories stay and must go on replaying.
"""
)

CHANGED_AT_WORK: Final = """
The workflow code gives its commands in another order than its recorded histories of version {version}:

{difference}

This version is not released, so nobody runs it: `make record`, and commit the histories with the change. Histories
of released versions have to go on replaying: if one of them fails now, see docs/changing-workflows.md.
"""

NOT_COVERED: Final = """
{place}: no recorded history notices.

Either no history passes there: add a story that does to tests/replay/paths/, and `make record`. Or the order makes
no difference to the process: then write the code so that it cannot be read as if it did.
"""
