/* Pages, cells, records and log frames, read with suspicion. See rawdb.h. */
#include "store/rawdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"

enum {
    PAGE_BYTES_USUAL = 4096,
    PAGE_BYTES_MAX = 65536,
    LOG_HEADER_BYTES = 32,
    FRAME_HEADER_BYTES = 24,
    PAYLOAD_MAX = 80 << 20,
    PAGES_MAX = 1 << 26, /* 256 GiB of 4 KiB pages */
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to = (uint8_t *)to + n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool is_page_size(uint32_t n)
{
    return n >= 512 && n <= PAGE_BYTES_MAX && (n & (n - 1)) == 0;
}

/* ---- the log ---- */

struct sum {
    uint32_t a, b;
};

/* The log's own check sum (file format, section 4.2), continued from `from`. len: a multiple of
 * 8. */
static struct sum sum_of(struct sum from, const uint8_t *p, size_t len, bool big_endian)
{
    for (size_t i = 0; i < len; i += 8) {
        uint32_t x = big_endian ? be32(p + i) : le32(p + i);
        uint32_t y = big_endian ? be32(p + i + 4) : le32(p + i + 4);
        from.a += x + from.b;
        from.b += y + from.a;
    }
    return from;
}

static struct sum stored_sum(const uint8_t *p)
{
    return (struct sum){be32(p), be32(p + 4)};
}

static bool sum_equal(struct sum x, struct sum y)
{
    return x.a == y.a && x.b == y.b;
}

struct frame {
    uint32_t page_no;
    uint32_t n_pages_after; /* not 0: this frame ends a transaction */
    uint64_t data_offset;
    bool same_log; /* carries the salt of this log, not of an older one in its place */
    bool sound;    /* its check sum holds */
};

/* A walk over the frames. A frame's sum continues the one before; where that one is broken, both
 * what it says and what its bytes give are tried, so that one broken place does not hide all
 * behind it. */
struct log {
    int fd;
    uint64_t size, offset;
    uint32_t page_bytes;
    bool big_endian, header_sound, salted;
    uint8_t salt[8];
    struct sum said, made;
    uint8_t *buf; /* owned; a frame with its header */
};

static void log_close(struct log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    ry_mem_free(log->buf);
}

/* False when there is no log with at least one frame (log_close is due all the same). */
static bool log_open(struct log *log, const char *path)
{
    uint8_t h[LOG_HEADER_BYTES];
    struct stat st;
    *log = (struct log){.fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    if (log->fd < 0 || fstat(log->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size <= LOG_HEADER_BYTES || !read_at(log->fd, h, sizeof h, 0))
        return false;
    uint32_t magic = be32(h);
    log->size = (uint64_t)st.st_size;
    log->offset = LOG_HEADER_BYTES;
    log->page_bytes = is_page_size(be32(h + 8)) ? be32(h + 8) : PAGE_BYTES_USUAL;
    log->big_endian = magic == 0x377f0683;
    log->said = stored_sum(h + 24);
    log->made = sum_of((struct sum){0, 0}, h, 24, log->big_endian);
    log->header_sound = (magic == 0x377f0682 || magic == 0x377f0683) && be32(h + 4) == 3007000 &&
                        be32(h + 8) == log->page_bytes && sum_equal(log->said, log->made);
    log->salted = log->header_sound; /* else the first frame's salt counts */
    memcpy(log->salt, h + 16, 8);
    log->buf = ry_mem_alloc(FRAME_HEADER_BYTES + (size_t)log->page_bytes, 1);
    return log->buf != NULL;
}

static bool log_next(struct log *log, struct frame *frame)
{
    size_t len = FRAME_HEADER_BYTES + (size_t)log->page_bytes;
    if (log->size - log->offset < len || !read_at(log->fd, log->buf, len, log->offset))
        return false;
    const uint8_t *h = log->buf;
    if (!log->salted) {
        memcpy(log->salt, h + 8, 8);
        log->salted = true;
    }
    struct sum stored = stored_sum(h + 16);
    struct sum from_said = sum_of(log->said, h, 8, log->big_endian);
    from_said = sum_of(from_said, h + FRAME_HEADER_BYTES, log->page_bytes, log->big_endian);
    struct sum from_made = from_said;
    if (!sum_equal(log->said, log->made)) {
        from_made = sum_of(log->made, h, 8, log->big_endian);
        from_made = sum_of(from_made, h + FRAME_HEADER_BYTES, log->page_bytes, log->big_endian);
    }
    frame->page_no = be32(h);
    frame->n_pages_after = be32(h + 4);
    frame->data_offset = log->offset + FRAME_HEADER_BYTES;
    frame->same_log = memcmp(h + 8, log->salt, 8) == 0;
    frame->sound = frame->same_log && frame->page_no != 0 &&
                   (sum_equal(stored, from_said) || sum_equal(stored, from_made));
    log->said = stored;
    log->made = sum_equal(stored, from_said) ? from_said : from_made;
    log->offset += len;
    return true;
}

enum ry_raw_log ry_raw_check_log(const char *wal_path)
{
    struct log log;
    struct frame frame;
    enum ry_raw_log verdict = RY_RAW_LOG_CLEAN;
    if (log_open(&log, wal_path)) {
        bool broken = !log.header_sound;
        while (verdict != RY_RAW_LOG_DAMAGED && log_next(&log, &frame)) {
            if (!frame.sound) {
                if (!broken && frame.same_log)
                    verdict = RY_RAW_LOG_TORN;
                broken = true;
            } else if (broken && frame.n_pages_after != 0) {
                verdict = RY_RAW_LOG_DAMAGED;
            }
        }
    }
    log_close(&log);
    return verdict;
}

/* ---- pages ---- */

struct raw {
    int db_fd;
    struct log log; /* its descriptor reads the pages that the log holds */
    uint32_t page_bytes, n_pages;
    uint64_t db_bytes;
    uint64_t
        *in_log; /* owned; [n_pages + 1] offset of the newest version in the log, 0: in the file */
    uint8_t *page, *chained; /* owned; the page visited, and one of an overflow chain */
    uint8_t *payload;        /* owned; of the record visited when it does not lie on one page */
    size_t payload_cap;
    struct ry_raw_damage damage;
};

static void raw_close(struct raw *raw)
{
    if (raw->db_fd >= 0)
        close(raw->db_fd);
    log_close(&raw->log);
    ry_mem_free(raw->in_log);
    ry_mem_free(raw->page);
    ry_mem_free(raw->chained);
    ry_mem_free(raw->payload);
}

/* The newest sound version of each page, as far as its transaction was finished. Two walks: the
 * first finds the last finished transaction and the number of pages. */
static ry_rc map_log(struct raw *raw, const char *wal_path, ry_err *err)
{
    struct frame frame;
    uint64_t finished_at = 0;
    if (log_open(&raw->log, wal_path))
        while (log_next(&raw->log, &frame))
            if (frame.sound && frame.n_pages_after != 0) {
                finished_at = frame.data_offset;
                if (frame.n_pages_after > raw->n_pages)
                    raw->n_pages = frame.n_pages_after;
            }
    if (raw->n_pages > PAGES_MAX)
        raw->n_pages = PAGES_MAX;
    raw->in_log = ry_mem_zalloc((size_t)raw->n_pages + 1, sizeof *raw->in_log);
    if (!raw->in_log)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to read %s", wal_path);
    if (finished_at == 0)
        return RY_OK;
    if (raw->log.page_bytes != raw->page_bytes) {
        raw->damage.n_lacking++;
        return RY_OK;
    }
    log_close(&raw->log);
    if (!log_open(&raw->log, wal_path))
        return ry_err_set(err, RY_ERR_IO, "%s cannot be read twice", wal_path);
    while (log_next(&raw->log, &frame) && frame.data_offset <= finished_at)
        if (frame.sound && frame.page_no <= raw->n_pages)
            raw->in_log[frame.page_no] = frame.data_offset;
    return RY_OK;
}

static ry_rc raw_open(struct raw *raw, const char *db_path, const char *wal_path, ry_err *err)
{
    struct stat st;
    uint8_t h[RY_RAW_HEADER_BYTES] = {0};
    *raw = (struct raw){.db_fd = open(db_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK),
                        .log.fd = -1};
    if (raw->db_fd < 0 || fstat(raw->db_fd, &st) != 0 || !S_ISREG(st.st_mode))
        return ry_err_set(err, RY_ERR_IO, "%s cannot be read: %s", db_path, strerror(errno));
    raw->db_bytes = (uint64_t)st.st_size;
    (void)!read_at(raw->db_fd, h, sizeof h, 0);
    uint32_t said = be16(h + 16) == 1 ? PAGE_BYTES_MAX : be16(h + 16);
    raw->page_bytes =
        memcmp(h, "SQLite format 3", 16) == 0 && is_page_size(said) ? said : PAGE_BYTES_USUAL;
    uint64_t n = raw->db_bytes / raw->page_bytes;
    raw->n_pages = n < PAGES_MAX ? (uint32_t)n : PAGES_MAX;
    ry_rc rc = map_log(raw, wal_path, err);
    if (rc != RY_OK)
        return rc;
    raw->page = ry_mem_alloc(raw->page_bytes, 1);
    raw->chained = ry_mem_alloc(raw->page_bytes, 1);
    if (!raw->page || !raw->chained)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to read %s", db_path);
    return RY_OK;
}

static bool read_page(const struct raw *raw, uint32_t no, uint8_t *to)
{
    if (no == 0 || no > raw->n_pages)
        return false;
    if (raw->in_log[no])
        return read_at(raw->log.fd, to, raw->page_bytes, raw->in_log[no]);
    return read_at(raw->db_fd, to, raw->page_bytes, (uint64_t)(no - 1) * raw->page_bytes);
}

bool ry_raw_header(const char *db_path, const char *wal_path, uint8_t header[RY_RAW_HEADER_BYTES])
{
    struct raw raw;
    bool ok = raw_open(&raw, db_path, wal_path, NULL) == RY_OK && read_page(&raw, 1, raw.page);
    if (ok)
        memcpy(header, raw.page, RY_RAW_HEADER_BYTES);
    raw_close(&raw);
    return ok;
}

/* ---- cells and records ---- */

enum page_type {
    PAGE_OTHER = 0, /* overflow, free, lock */
    PAGE_INDEX_BRANCH = 2,
    PAGE_TABLE_BRANCH = 5,
    PAGE_INDEX_LEAF = 10,
    PAGE_TABLE_LEAF = 13,
};

/* 1..9 bytes of a variable-length integer; 0 when it runs past the end. */
static size_t varint(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 9 && p + i < end; i++) {
        if (i == 8) {
            *out = v << 8 | p[i];
            return 9;
        }
        v = v << 7 | (p[i] & 0x7f);
        if (!(p[i] & 0x80)) {
            *out = v;
            return i + 1;
        }
    }
    return 0;
}

/* One column of serial type `type` at p; bytes taken, or SIZE_MAX when it does not fit. */
static size_t decode_value(uint64_t type, const uint8_t *p, const uint8_t *end,
                           struct ry_raw_value *value)
{
    static const uint8_t int_bytes[7] = {0, 1, 2, 3, 4, 6, 8};
    size_t room = (size_t)(end - p);
    *value = (struct ry_raw_value){.kind = RY_RAW_NULL, .bytes = p};
    if (type == 0)
        return 0;
    if (type == 8 || type == 9) {
        value->kind = RY_RAW_INT;
        value->i = (int64_t)type - 8;
        return 0;
    }
    if (type <= 6) {
        size_t n = int_bytes[type];
        if (room < n)
            return SIZE_MAX;
        uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < n; i++)
            v = v << 8 | p[i];
        value->kind = RY_RAW_INT;
        value->i = (int64_t)v;
        return n;
    }
    if (type == 7) {
        value->kind = RY_RAW_REAL;
        return room < 8 ? SIZE_MAX : 8;
    }
    uint64_t n = type < 12 ? UINT64_MAX : (type - 12) / 2;
    if (n > room)
        return SIZE_MAX;
    value->kind = type % 2 ? RY_RAW_TEXT : RY_RAW_BLOB;
    value->len = (size_t)n;
    return value->len;
}

/* A record must fill its payload to the last byte. */
static bool decode_record(const uint8_t *p, size_t len, struct ry_raw_record *record)
{
    uint64_t header_len;
    size_t n = varint(p, p + len, &header_len);
    if (n == 0 || header_len < n || header_len > len)
        return false;
    const uint8_t *type_at = p + n, *header_end = p + header_len;
    const uint8_t *body = header_end, *end = p + len;
    record->n_values = 0;
    while (type_at < header_end) {
        uint64_t type;
        n = varint(type_at, header_end, &type);
        if (n == 0 || record->n_values == RY_RAW_COLUMNS_MAX)
            return false;
        type_at += n;
        n = decode_value(type, body, end, &record->values[record->n_values++]);
        if (n == SIZE_MAX)
            return false;
        body += n;
    }
    return body == end;
}

/* Collects a payload of `len` bytes: `local` of them at p, the rest in the chain that starts at
 * page `next`. NULL when the chain is broken. */
static const uint8_t *gather(struct raw *raw, const uint8_t *p, size_t local, size_t len,
                             uint32_t next)
{
    if (len > raw->payload_cap) {
        ry_mem_free(raw->payload);
        raw->payload_cap = 0;
        raw->payload = ry_mem_alloc(len, 1);
        if (!raw->payload)
            return NULL;
        raw->payload_cap = len;
    }
    memcpy(raw->payload, p, local);
    for (size_t done = local; done < len;) {
        if (!read_page(raw, next, raw->chained))
            return NULL;
        next = be32(raw->chained);
        size_t n = raw->page_bytes - 4;
        if (n > len - done)
            n = len - done;
        memcpy(raw->payload + done, raw->chained + 4, n);
        done += n;
    }
    return next == 0 ? raw->payload : NULL;
}

/* Decodes the cell at `offset` of the page in raw->page. type: not a branch of a table. */
static bool decode_cell(struct raw *raw, int type, size_t offset, struct ry_raw_record *record)
{
    const uint8_t *p = raw->page + offset, *end = raw->page + raw->page_bytes;
    uint64_t len, rowid = 0;
    size_t u = raw->page_bytes;
    if (type == PAGE_INDEX_BRANCH) {
        if (end - p < 4)
            return false;
        p += 4;
    }
    size_t n = varint(p, end, &len);
    if (n == 0 || len > PAYLOAD_MAX)
        return false;
    p += n;
    if (type == PAGE_TABLE_LEAF) {
        n = varint(p, end, &rowid);
        if (n == 0)
            return false;
        p += n;
    }
    /* how much lies on the page itself: file format, section 1.6 */
    size_t most = type == PAGE_TABLE_LEAF ? u - 35 : (u - 12) * 64 / 255 - 23;
    size_t least = (u - 12) * 32 / 255 - 23;
    size_t local = (size_t)len;
    if (len > most) {
        size_t k = least + ((size_t)len - least) % (u - 4);
        local = k <= most ? k : least;
        if ((size_t)(end - p) < local + 4)
            return false;
        p = gather(raw, p, local, (size_t)len, be32(p + local));
        if (!p)
            return false;
    } else if ((size_t)(end - p) < local) {
        return false;
    }
    record->index = type != PAGE_TABLE_LEAF;
    record->rowid = (int64_t)rowid;
    return decode_record(p, (size_t)len, record);
}

static bool is_table(int type)
{
    return type == PAGE_TABLE_BRANCH || type == PAGE_TABLE_LEAF;
}

static void count_bad(struct raw *raw, int type)
{
    ++*(is_table(type) ? &raw->damage.n_rows : &raw->damage.n_keys);
}

/* A page named by a branch must be of the same tree. */
static void check_child(struct raw *raw, int type, uint32_t no)
{
    int child = read_page(raw, no, raw->chained) ? raw->chained[0] : PAGE_OTHER;
    bool known = is_table(child) || child == PAGE_INDEX_BRANCH || child == PAGE_INDEX_LEAF;
    if (!known || is_table(child) != is_table(type))
        count_bad(raw, type);
}

static ry_rc walk_page(struct raw *raw, ry_raw_visit visit, void *ctx, ry_err *err)
{
    int type = raw->page[0];
    bool branch = type == PAGE_INDEX_BRANCH || type == PAGE_TABLE_BRANCH;
    if (!branch && type != PAGE_INDEX_LEAF && type != PAGE_TABLE_LEAF) {
        if (type != PAGE_OTHER)
            raw->damage.n_unknown++;
        return RY_OK;
    }
    size_t head = branch ? 12 : 8;
    size_t n_cells = be16(raw->page + 3);
    if (n_cells > (raw->page_bytes - head) / 2) {
        count_bad(raw, type);
        return RY_OK;
    }
    if (branch)
        check_child(raw, type, be32(raw->page + 8));
    for (size_t i = 0; i < n_cells; i++) {
        size_t offset = be16(raw->page + head + 2 * i);
        struct ry_raw_record record;
        bool inside = offset >= head + 2 * n_cells && offset + 4 <= raw->page_bytes;
        if (inside && branch)
            check_child(raw, type, be32(raw->page + offset));
        if (inside && type == PAGE_TABLE_BRANCH)
            continue;
        if (!inside || !decode_cell(raw, type, offset, &record)) {
            count_bad(raw, type);
            continue;
        }
        ry_rc rc = visit(ctx, &record, err);
        if (rc != RY_OK)
            return rc;
    }
    return RY_OK;
}

ry_rc ry_raw_walk(const char *db_path, const char *wal_path, ry_raw_visit visit, void *ctx,
                  struct ry_raw_damage *damage, ry_err *err)
{
    struct raw raw;
    ry_rc rc = raw_open(&raw, db_path, wal_path, err);
    if (rc == RY_OK && read_page(&raw, 1, raw.page)) {
        uint32_t said = be32(raw.page + 28); /* size in pages, as the header has it */
        if (said > raw.n_pages)
            raw.damage.n_lacking += said - raw.n_pages;
    }
    for (uint32_t no = 2; rc == RY_OK && no <= raw.n_pages; no++) {
        if (read_page(&raw, no, raw.page))
            rc = walk_page(&raw, visit, ctx, err);
        else
            raw.damage.n_lacking++;
    }
    if (rc == RY_OK)
        *damage = raw.damage;
    raw_close(&raw);
    return rc;
}
