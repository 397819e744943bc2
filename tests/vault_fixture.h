/* What the vault's tests share: a folder of their own, a vault in it, and texts that can be made
 * again from a number. */
#ifndef RYOT_TESTS_VAULT_FIXTURE_H
#define RYOT_TESTS_VAULT_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ryot_test.h"
#include "src/base/mem.h"
#include "store/vault.h"

static char fix_dir[256], fix_path[300];

static inline void fix_setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(fix_dir, sizeof fix_dir, "%s/ryot-vault-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(fix_dir));
    snprintf(fix_path, sizeof fix_path, "%s/vault.db", fix_dir);
}

/* Removes the folder's files and the folder; one level deep is enough here. */
static inline void fix_wipe(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[600];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
            continue;
        if (unlink(path) != 0)
            fix_wipe(path);
    }
    closedir(d);
    rmdir(dir);
}

static inline void fix_teardown(void)
{
    chmod(fix_dir, 0700);
    fix_wipe(fix_dir);
}

static inline ry_vault *fix_open(struct ry_vault_report *report)
{
    ry_err err = {0};
    ry_vault *vault = NULL;
    ry_rc rc = ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true},
                             report, &err);
    ck_assert_msg(rc == RY_OK, "%s", err.text);
    return vault;
}

/* Where FIX_OK's calls put their words. */
static ry_err fix_err;

/* Fails the test with the call's own words; the call fills fix_err. */
#define FIX_OK(call)                                                                               \
    do {                                                                                           \
        ry_rc fix_rc = (call);                                                                     \
        ck_assert_msg(fix_rc == RY_OK, "%s: %s", #call, fix_err.text);                             \
    } while (0)

static inline uint64_t fix_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x;
}

/* Text number n: its number, then letters and now and then any byte. Owned. *len up to about
 * max. */
static inline char *fix_text(uint64_t n, size_t max, size_t *len)
{
    size_t want = 24 + (size_t)(fix_mix(n) % (max > 24 ? max - 23 : 1));
    char *text = ry_mem_alloc(want + 1, 1);
    ck_assert_ptr_nonnull(text);
    int head = snprintf(text, want, "text %llu ", (unsigned long long)n);
    uint64_t x = n * 2 + 1;
    for (size_t i = (size_t)head; i < want; i++) {
        x = fix_mix(x + i);
        text[i] = x % 29 ? (char)('a' + x % 26) : (char)(x >> 16);
    }
    text[want] = '\0';
    *len = want;
    return text;
}

/* Appends text number n. */
static inline int64_t fix_append(ry_vault *vault, int64_t session, uint64_t n, size_t max)
{
    size_t len;
    int64_t id = 0;
    char *text = fix_text(n, max, &len);
    FIX_OK(ry_vault_message_append(vault, session, n % 2 ? RY_VAULT_ASSISTANT : RY_VAULT_USER, text,
                                   len, RY_VAULT_COMPLETE, "{\"n\":1}", &id, &fix_err));
    ry_mem_free(text);
    return id;
}

static inline bool fix_is_text(const struct ry_vault_message *m, uint64_t n, size_t max)
{
    size_t len;
    char *text = fix_text(n, max, &len);
    bool same = m->text_len == len && memcmp(m->text, text, len) == 0;
    ry_mem_free(text);
    return same;
}

static inline int64_t fix_session(ry_vault *vault)
{
    int64_t id = 0;
    FIX_OK(ry_vault_session_create(vault, "tiny.gguf", "be brief", "{}", &id, &fix_err));
    return id;
}

/* The whole file; owned. */
static inline unsigned char *fix_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = ry_mem_alloc(*len, 1);
    ck_assert(bytes && fread(bytes, 1, *len, f) == *len);
    fclose(f);
    return bytes;
}

static inline void fix_write(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

#endif
