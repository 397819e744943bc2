/* `ryot info` and `ryot models`: what a model file holds, and which ones are here. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/app/out.h"
#include "src/app/paths.h"
#include "src/base/mem.h"
#include "src/cmd/cmd.h"

/* A vocabulary without tensors cannot be run, yet has something to show; whatever else is
 * refused stays so. */
static ry_rc open_for_reading(const char *path, ry_engine **out, ry_err *err)
{
    struct ry_engine_options options = {.path = path, .no_repack = true, .no_screen = true};
    ry_engine *engine = NULL;
    ry_err ignored;
    ry_rc rc = ry_engine_open(out, &options, err);
    if (rc == RY_OK)
        return RY_OK;
    options.tokenizer_only = true;
    if (ry_engine_open(&engine, &options, &ignored) != RY_OK)
        return rc;
    if (ry_engine_info(engine)->n_tensors > 0) {
        ry_engine_close(engine);
        return rc;
    }
    *out = engine;
    return RY_OK;
}

ry_rc ry_cmd_info(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_engine *engine = NULL;
    ry_buf out = {0};
    (void)sig;
    if (s->opts->n_args) {
        if (ry_opts_on_line(s->opts, "model"))
            return ry_err_set(err, RY_ERR_USAGE, "give the model once: as argument or with -m");
        s->model_word = s->opts->args[0];
    }
    ry_rc rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = open_for_reading(s->model, &engine, err);
    if (rc == RY_OK)
        rc = ry_engine_describe(engine, s->opts->json, &out, err);
    if (rc == RY_OK && s->opts->json) {
        ry_out_bytes(ry_buf_str(&out), out.len);
        if (out.len && out.data[out.len - 1] != '\n')
            ry_out_bytes("\n", 1);
    } else if (rc == RY_OK) {
        ry_out_block(ry_buf_str(&out), out.len);
        ry_out_text_end();
    }
    ry_engine_close(engine);
    ry_buf_done(&out);
    return rc;
}

/* ---- models ---- */

/* One line: word, format and size, where. A file that cannot be used says why. */
static void add_model(const char *word, const char *path, ry_buf *out)
{
    ry_engine *engine = NULL;
    ry_err err;
    if (open_for_reading(path, &engine, &err) != RY_OK) {
        ry_buf_addf(out, "%-24s unusable: %s\n", word, err.text);
        return;
    }
    const struct ry_model_info *info = ry_engine_info(engine);
    ry_buf_addf(out, "%-24s %-8s %-14s %8.1f MB  %s\n", word, info->arch, info->format,
                (double)info->file_bytes / 1e6, path);
    ry_engine_close(engine);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_model_name(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && name[0] != '.' && strcmp(name + len - 5, ".gguf") == 0;
}

static ry_rc add_folder(const char *folder, ry_buf *out, ry_err *err)
{
    char **names = NULL;
    size_t n = 0;
    ry_rc rc = RY_OK;
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT
                   ? RY_OK
                   : ry_err_set(err, RY_ERR_IO, "%s: cannot read: %s", folder, strerror(errno));
    for (struct dirent *d; rc == RY_OK && (d = readdir(dir));) {
        if (!is_model_name(d->d_name))
            continue;
        char **grown = ry_mem_resize(names, n + 1, sizeof *names);
        names = grown ? grown : names;
        if (!grown || !(names[n] = ry_mem_strdup(d->d_name)))
            rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for the list of models");
        else
            n++;
    }
    closedir(dir);
    if (n > 1)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        ry_buf path = {0};
        ry_buf_addf(&path, "%s/%s", folder, names[i]);
        names[i][strlen(names[i]) - 5] = '\0';
        add_model(names[i], ry_buf_str(&path), out);
        ry_buf_done(&path);
        ry_mem_free(names[i]);
    }
    ry_mem_free(names);
    return rc;
}

ry_rc ry_cmd_models(struct ry_setup *s, int *sig, ry_err *err)
{
    char *folder = NULL;
    ry_buf out = {0};
    (void)sig;
    ry_rc rc = ry_path_of(RY_PATH_DATA, "models", &folder, err);
    if (rc != RY_OK)
        return rc;
    if (ry_engine_has_builtin())
        add_model("builtin", "builtin", &out);
    for (size_t i = 0; i < s->config.n; i++)
        if (s->config.entries[i].section[0] && strcmp(s->config.entries[i].key, "path") == 0)
            add_model(s->config.entries[i].section, s->config.entries[i].value, &out);
    rc = add_folder(folder, &out, err);
    ry_out_block(ry_buf_str(&out), out.len);
    ry_out_note("%s%s", out.len ? "models folder: " : "no models yet; put GGUF files into ",
                folder);
    ry_mem_free(folder);
    ry_buf_done(&out);
    return rc;
}
