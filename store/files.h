/* The files of a vault: names, safety of the path, modes, and the lock between processes (inside
 * store/ only).
 *
 *   DIR/vault.db            the database, 0600
 *   DIR/vault.db-wal, -shm  sqlite's, of the same mode
 *   DIR/vault.lock          the lock; one byte in it asks the next opening for a full check
 *   DIR/vault.db.salvaged   a finished salvage that is about to take the place of vault.db
 *   DIR/vault.db.damaged-*  a damaged vault, moved aside and never touched again
 *
 * The lock's name is the database's with ".db" replaced by ".lock" (appended when it ends
 * otherwise). Thread: the vault's owner. It knows nothing of sqlite. */
#ifndef RYOT_STORE_FILES_H
#define RYOT_STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

struct ry_files {
    char *path;      /* owned; its directory is resolved: only the last component could be a link */
    char *wal_path;  /* owned */
    char *lock_path; /* owned */
    bool exists;
    bool created; /* by ry_files_create */
    bool dir_writable;
    bool file_writable;
    int lock_fd;  /* -1: none (read-only) */
    int n_locked; /* nested holds by this vault */
    dev_t dev;    /* identity of the database, set by ry_files_remember */
    ino_t ino;
};

/* Resolves the path, makes the directories (0700) when `create` is set, and refuses what is not
 * a regular file, what belongs to another user, and symbolic links (RY_ERR_VAULT). A wrong mode
 * of an own file is set to 0600. Opens the lock where the directory is writable. */
ry_rc ry_files_prepare(struct ry_files *files, const char *path, bool create, ry_err *err);

/* Accepts one that is zeroed. */
void ry_files_done(struct ry_files *files);

/* Makes the empty database file, 0600 whatever the umask, and syncs the directory. */
ry_rc ry_files_create(struct ry_files *files, ry_err *err);

/* Takes the lock between processes, waiting up to 5 s (RY_ERR_BUSY); nests. Without a lock file:
 * RY_OK. */
ry_rc ry_files_lock(struct ry_files *files, ry_err *err);
void ry_files_unlock(struct ry_files *files);

/* Notes which file the path names now, and later whether it still does (deleted, renamed:
 * RY_ERR_VAULT). */
ry_rc ry_files_remember(struct ry_files *files, ry_err *err);
ry_rc ry_files_same(const struct ry_files *files, ry_err *err);

/* The mark that damage was met: the next opening checks everything. Best effort. */
void ry_files_mark_damage(const struct ry_files *files);
bool ry_files_marked(const struct ry_files *files);
void ry_files_clear_mark(const struct ry_files *files);

/* path + suffix, owned; NULL when out of memory. */
char *ry_files_name(const struct ry_files *files, const char *suffix);

/* Makes the entries of the directory of `path` durable. */
ry_rc ry_files_sync_dir(const char *path, ry_err *err);

/* 0 when the file is absent. */
int64_t ry_files_size(const char *path);

#endif
