/* What is done with a damaged vault: everything readable goes into a new file, the damaged one
 * is kept under another name, and what was saved and lost is counted (inside store/ only).
 *
 *   vault.db ──raw walk──▶ vault.db.new ──synced──▶ vault.db.salvaged ──▶ vault.db
 *       └──── second name (link): vault.db.damaged-DATE, with its log as vault.db.damaged-DATE-wal
 *
 * "vault.db.salvaged" is the point of no return: whoever finds it finishes the exchange (a crash
 * between the steps loses nothing). Rows are known by their shape (schema version 1), not by the
 * tables' roots. Thread: the vault's owner; the lock is held and no connection of this process
 * is open. */
#ifndef RYOT_STORE_SALVAGE_H
#define RYOT_STORE_SALVAGE_H

#include <stdint.h>

#include "src/base/err.h"
#include "store/files.h"

struct ry_salvage_report {
    int64_t n_saved; /* messages */
    int64_t n_lost;  /* messages known to be lost; -1: unknown */
    char moved_to[512];
};

/* RY_ERR_VAULT: not a vault at all, of a newer version, or no room; then the file is left as it
 * was. */
ry_rc ry_salvage(const struct ry_files *files, struct ry_salvage_report *report, ry_err *err);

/* Finishes an exchange that a crash interrupted; RY_OK as well when there is none. */
ry_rc ry_salvage_finish(const struct ry_files *files, ry_err *err);

#endif
