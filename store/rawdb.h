/* A bounded reader of a database file and its write-ahead log, without sqlite: for files that
 * sqlite refuses (inside store/ only).
 *
 * Every leaf page is visited by itself, so that a broken page costs its own rows and no others;
 * the newest version of a page that the log holds comes before the one in the file. Pages that
 * were given back hold zeros (secure_delete), so that nothing deleted comes to life again.
 * Formats: sqlite.org/fileformat2.html.
 *
 * Thread: one owner. All bytes are hostile: every length and offset is checked before use. It
 * knows pages, cells and records, not what they mean. */
#ifndef RYOT_STORE_RAWDB_H
#define RYOT_STORE_RAWDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

enum { RY_RAW_COLUMNS_MAX = 16, RY_RAW_HEADER_BYTES = 100 };

enum ry_raw_kind { RY_RAW_NULL, RY_RAW_INT, RY_RAW_REAL, RY_RAW_TEXT, RY_RAW_BLOB };

struct ry_raw_value {
    enum ry_raw_kind kind;
    int64_t i;            /* RY_RAW_INT */
    const uint8_t *bytes; /* RY_RAW_TEXT, RY_RAW_BLOB; borrowed during the visit; never NULL */
    size_t len;
};

struct ry_raw_record {
    bool index;    /* a key of an index; else a row of a table */
    int64_t rowid; /* of a row */
    size_t n_values;
    struct ry_raw_value values[RY_RAW_COLUMNS_MAX];
};

/* Anything but RY_OK ends the walk and is passed on. */
typedef ry_rc (*ry_raw_visit)(void *ctx, const struct ry_raw_record *record, ry_err *err);

/* What a walk could not read. A branch page names its leaves, so that a leaf that was
 * overwritten is missed. */
struct ry_raw_damage {
    uint64_t n_rows;    /* rows, or pages of rows */
    uint64_t n_keys;    /* keys of an index, or pages of them */
    uint64_t n_lacking; /* pages that the file should have and has not */
    uint64_t n_unknown; /* pages of no known kind; whoever names one counts it above as well */
};

/* Visits every row and every index key that can be decoded, in the order of the pages; page 1
 * (the schema) is left out. wal_path may name nothing. */
ry_rc ry_raw_walk(const char *db_path, const char *wal_path, ry_raw_visit visit, void *ctx,
                  struct ry_raw_damage *damage, ry_err *err);

/* The first bytes of the file as they stand in the log or in the file; false when there are
 * fewer. */
bool ry_raw_header(const char *db_path, const char *wal_path, uint8_t header[RY_RAW_HEADER_BYTES]);

enum ry_raw_log {
    RY_RAW_LOG_CLEAN, /* absent, empty, or sound up to its end */
    RY_RAW_LOG_TORN, /* the last change is incomplete: a write cut off, or damage at the very end */
    RY_RAW_LOG_DAMAGED, /* sound changes stand behind a broken place: sqlite drops them silently */
};

/* Nobody may write to the log meanwhile. */
enum ry_raw_log ry_raw_check_log(const char *wal_path);

#endif
