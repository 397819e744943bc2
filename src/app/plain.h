/* The conversation in lines: without a terminal, with TERM=dumb, or with --plain. Answers go to
 * stdout, everything else to stderr; the prompt appears only when stdin is a terminal. Main
 * thread. */
#ifndef RYOT_APP_PLAIN_H
#define RYOT_APP_PLAIN_H

#include "src/app/chat.h"

/* Runs until the end of stdin, /quit or a signal. *sig: 0, or the signal to be raised again. The
 * result is that of the last line or turn that failed after the last good one, so that a script
 * sees it; err->text is empty when the person was told already. */
ry_rc ry_plain_run(const struct ry_chat_options *options, int *sig, ry_err *err);

#endif
