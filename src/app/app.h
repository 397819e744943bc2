/* The full screen: a poll loop over terminal, chat and signals, and the view model. Main thread,
 * which owns curses. */
#ifndef RYOT_APP_APP_H
#define RYOT_APP_APP_H

#include "src/app/chat.h"

struct ry_app_options {
    struct ry_chat_options chat;        /* surface is set by the app */
    const char *version, *history_path; /* borrowed */
    const char *theme;                  /* NULL: dark */
    bool ascii, color, mouse;
};

/* The conversation on the whole screen until the person leaves. *sig: 0, or the signal that
 * ended it, to be raised again when everything is put away. RY_ERR_IO without a usable terminal,
 * RY_ERR_VAULT without a vault. */
ry_rc ry_app_run(const struct ry_app_options *options, int *sig, ry_err *err);

#endif
