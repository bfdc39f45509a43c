"""Rows of achievements: `records` keeps them, `measure` finds what criteria ask for, `award` decides in a member's
commit, `read` shows what somebody holds, `backfill` looks at everybody."""
