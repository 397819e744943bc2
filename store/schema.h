/* The vault's tables and the steps from one version of them to the next (inside store/ only).
 *
 *   sessions 1 ──── n messages
 *
 * user_version counts the steps done, application_id says whose file it is.
 *
 * A fresh vault runs every step from 0, so that all vaults of a version have the very same
 * schema. Thread: the vault's owner. It knows nothing of files and of the cache. */
#ifndef RYOT_STORE_SCHEMA_H
#define RYOT_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* "RYOT" */
#define RY_SCHEMA_APPLICATION_ID 0x52594F54

/* Step i brings version i to i + 1. */
struct ry_migration {
    const char *sql; /* several statements; no BEGIN or COMMIT */
};

/* Every step known, and the version that they lead to. */
extern const struct ry_migration ry_schema_migrations[];
extern const int ry_schema_version;

/* PRAGMA user_version or application_id (`name`) into *value. Returns sqlite's code. */
int ry_schema_pragma(sqlite3 *h, const char *name, int64_t *value);

/* Runs the steps from the file's version up to n_steps, each in a transaction of its own with
 * the new version number, so that a crash leaves a whole version. A version beyond n_steps is
 * left alone (RY_OK). On failure the failing step is undone. The caller holds the vault's lock. */
ry_rc ry_schema_migrate(sqlite3 *h, const struct ry_migration *steps, int n_steps, ry_err *err);

/* Whether the file's own tables and indices read exactly as the steps make them (what somebody
 * added beside them does not matter). False as well when it cannot be read. */
bool ry_schema_matches(sqlite3 *h);

#endif
