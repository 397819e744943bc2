/* Writes the catalogue of bad model files, for tests that run the program on them, or the seeds of the fuzz target.
 *
 *   make_bad bad DIR     DIR/NAME.gguf for each, and DIR/manifest: NAME.gguf TAB exit status TAB words of the message
 *   make_bad seeds DIR   DIR/seed-NN.gguf: small valid models
 *   make_bad good FILE ARCH FORMAT   one valid random model, e.g. bitnet TQ2_0 */
#include <stdio.h>
#include <string.h>

#include "engine/arch.h"
#include "src/base/err.h"
#include "tests/bad_files.h"
#include "tests/gguf_build.h"

static bool write_file(const char *path, const ry_buf *bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return false;
    }
    bool ok = fwrite(ry_buf_str(bytes), 1, bytes->len, f) == bytes->len;
    ok = fclose(f) == 0 && ok;
    if (!ok)
        perror(path);
    return ok;
}

static bool write_in(const char *dir, const char *name, const ry_buf *bytes)
{
    ry_buf path = {0};
    ry_buf_addf(&path, "%s/%s", dir, name);
    bool ok = write_file(ry_buf_str(&path), bytes);
    ry_buf_done(&path);
    return ok;
}

static bool write_bad(const char *dir)
{
    ry_buf image = {0}, manifest = {0};
    bool ok = true;
    for (size_t i = 0; i < bad_files_count() && ok; i++) {
        const struct bad_file *f = bad_files_at(i);
        char name[128];
        snprintf(name, sizeof name, "%s.gguf", bad_file_name(f));
        bad_file_image(f, &image);
        ry_buf_addf(&manifest, "%s\t%d\t%s\n", name, ry_rc_exit_code(RY_ERR_MODEL),
                    bad_file_expect(f));
        ok = write_in(dir, name, &image);
    }
    ok = ok && write_in(dir, "manifest", &manifest);
    ry_buf_done(&image);
    ry_buf_done(&manifest);
    return ok;
}

static bool write_seeds(const char *dir)
{
    ry_buf image = {0};
    bool ok = true;
    for (size_t i = 0; ok; i++) {
        char name[32];
        ry_buf_clear(&image);
        if (!gb_seed(i, &image))
            break;
        snprintf(name, sizeof name, "seed-%02zu.gguf", i);
        ok = write_in(dir, name, &image);
    }
    ry_buf_done(&image);
    return ok;
}

static bool write_good(const char *path, const char *arch, const char *format)
{
    int fmt = 0;
    while (fmt < RY_FMT_COUNT && strcmp(ry_fmt_info((enum ry_fmt)fmt)->name, format) != 0)
        fmt++;
    if (fmt == RY_FMT_COUNT || !ry_arch_find(arch, strlen(arch))) {
        fprintf(stderr, "make_bad: no architecture %s or no format %s\n", arch, format);
        return false;
    }
    struct gb b;
    struct gb_shape shape = gb_shape_default(arch, (enum ry_fmt)fmt);
    ry_buf image = {0};
    gb_model(&b, &shape);
    gb_image(&b, &image);
    gb_done(&b);
    bool ok = write_file(path, &image);
    ry_buf_done(&image);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "bad") == 0)
        return !write_bad(argv[2]);
    if (argc == 3 && strcmp(argv[1], "seeds") == 0)
        return !write_seeds(argv[2]);
    if (argc == 5 && strcmp(argv[1], "good") == 0)
        return !write_good(argv[2], argv[3], argv[4]);
    fprintf(stderr, "usage: make_bad bad DIR | seeds DIR | good FILE ARCH FORMAT\n");
    return 2;
}
