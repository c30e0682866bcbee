"""This file is where state is written: here and below stand the only inserts, updates, deletes."""

from __future__ import annotations

from grid.db.apply.credit import set_costs, set_name, set_program_ms, set_team
from grid.db.apply.instructions import (
    Lost,
    apply,
    keep_outputs,
    log,
)
from grid.db.apply.people import (
    destroy_prefix_keys_before,
    release,
    reserve,
    revoke_token,
    set_last_seen,
    set_prefix,
    set_principal,
    set_speeds,
    start_principal,
)
from grid.db.apply.rows import (
    add,
    add_chunk_columns,
    add_workunits,
    count_retracted,
    drop_duplicate_outputs,
    forget_idempotency_before,
    mark_enough,
    restart_merge,
    set_merge,
    set_plugin,
    set_workunits_made,
    unseal,
)
from grid.db.apply.standing import (
    ban,
    clear_moved,
    clear_unmoved,
    lift_ban,
    move_review,
    quarantine,
    set_moved_from,
)

__all__ = [
    "Lost",
    "add",
    "add_chunk_columns",
    "add_workunits",
    "apply",
    "ban",
    "clear_moved",
    "clear_unmoved",
    "count_retracted",
    "destroy_prefix_keys_before",
    "drop_duplicate_outputs",
    "forget_idempotency_before",
    "keep_outputs",
    "lift_ban",
    "release",
    "reserve",
    "log",
    "mark_enough",
    "move_review",
    "quarantine",
    "restart_merge",
    "revoke_token",
    "set_costs",
    "set_last_seen",
    "set_merge",
    "set_name",
    "set_moved_from",
    "set_plugin",
    "set_prefix",
    "set_program_ms",
    "set_principal",
    "set_speeds",
    "set_team",
    "set_workunits_made",
    "start_principal",
    "unseal",
]
