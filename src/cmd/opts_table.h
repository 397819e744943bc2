/* The two tables behind opts.h, for opts.c (parsing) and opts_doc.c (everything that is printed
 * from them). */
#ifndef RYOT_CMD_OPTS_TABLE_H
#define RYOT_CMD_OPTS_TABLE_H

#include "src/cmd/opts.h"

struct ry_cmd_row {
    const char *name;
    const char *args;  /* "" or how its arguments read in the synopsis */
    const char *help;  /* one line */
    const char *more;  /* further words of its help, or NULL */
    const char *words; /* first argument's values "a|b" for completion, or NULL */
    size_t min_args, max_args;
};

enum ry_opt_type {
    RY_OPT_FLAG,   /* bool */
    RY_OPT_STRING, /* const char * */
    RY_OPT_FILE,   /* const char *, completed as a file name */
    RY_OPT_WORD,   /* const char *, one of `words` */
    RY_OPT_LIST,   /* stops */
    RY_OPT_INT,    /* int in min..max */
    RY_OPT_FLOAT,  /* float in min..max */
    RY_OPT_U64     /* uint64_t */
};

struct ry_opt_row {
    const char *name;
    char letter;       /* 0: none */
    const char *arg;   /* "N", "FILE"; NULL: a flag */
    const char *words; /* "a|b|c" for WORD and completion, or NULL */
    const char *help;
    enum ry_opt_type type;
    size_t at; /* offset in struct ry_opts */
    double min, max;
    uint32_t cmds; /* bit per enum ry_cmd that takes it; 0: in the config file only */
    bool config;   /* may stand in the config file */
};

extern const struct ry_cmd_row ry_cmd_rows[RY_CMD_COUNT];
extern const struct ry_opt_row ry_opt_rows[];
extern const size_t ry_n_opt_rows;

#endif
