/* The rows behind engine/template.h: what each chat template prints around a message, and how its Jinja text is
 * recognised. Data only; template.c reads it. */
#ifndef RYOT_ENGINE_TEMPLATE_ROWS_H
#define RYOT_ENGINE_TEMPLATE_ROWS_H

#include "engine/template.h"

enum {
    RY_ROW_BOS = 1,         /* begins with bos_token */
    RY_ROW_TRIM_SYSTEM = 2, /* white space around the message is dropped */
    RY_ROW_TRIM_USER = 4,
    RY_ROW_TRIM_ANSWER = 8,
    RY_ROW_TRIM = 14,
    RY_ROW_CUT_THINK = 16,        /* of an answer only what follows its last </think> stays */
    RY_ROW_LSTRIP_LINES = 32,     /* and the line ends at its start go, where something was cut */
    RY_ROW_LSTRIP_ANSWER = 64,    /* white space before an answer is dropped */
    RY_ROW_SYSTEM_ANYWHERE = 128, /* else a system message can only be the first one */
    RY_ROW_SYSTEM_IN_FIRST_USER =
        256, /* there is no system turn: its text, then a blank line, begins a user's */
    RY_ROW_SYSTEM_IN_LAST_USER = 512
};

/* Inside a row's literals: the eos_token, and today's date as in "20 Nov 2026". */
#define RY_ROW_EOS  "\1"
#define RY_ROW_DATE "\2"

/* head, then for each message pre, text, post, then open. NULL reads as "". */
struct ry_template_row {
    const char *name;
    const char *head;
    const char *no_system; /* printed where the conversation does not begin with a system message */
    const char *system_pre, *system_post;
    const char *user_pre, *user_post;
    const char *answer_pre, *answer_post;
    const char *open; /* what opens the answer */
    unsigned flags;
};

const struct ry_template_row *ry_template_row_at(enum ry_template t);

/* A Jinja text that holds all of `want` and none of `without` is this row's. The first fitting telltale counts. */
enum { RY_TELLTALE_LITERALS = 5 };
struct ry_template_telltale {
    enum ry_template row;
    bool nearest_only; /* the template prints more than the row does */
    const char *want[RY_TELLTALE_LITERALS], *without[RY_TELLTALE_LITERALS];
};

/* Telltale i, NULL past the last. */
const struct ry_template_telltale *ry_template_telltale_at(size_t i);

#endif
