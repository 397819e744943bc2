/* What leaves on stdout and stderr. stdout carries the answer only; notes and errors go to
 * stderr. Everything for people passes the sanitiser; exact bytes have their own door. Main
 * thread.
 *
 * A reader that went away (EPIPE) is remembered: further output is dropped and ry_out_broken
 * says so, so that the program ends quietly after its vault was flushed. */
#ifndef RYOT_APP_OUT_H
#define RYOT_APP_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/err.h"

/* -q: notes are dropped; errors are not. */
void ry_out_quiet(bool quiet);

/* Exact bytes to stdout (ids, JSON, generated shell code). False once stdout is broken. */
bool ry_out_bytes(const char *bytes, size_t len);

/* Streamed text of a model or file to stdout, sanitised; state is kept between calls until
 * ry_out_text_end, which also ends the last line. */
bool ry_out_text(const char *text, size_t len);
bool ry_out_text_end(void);

/* A whole text to stdout, sanitised; newlines and tabs stay. */
bool ry_out_block(const char *text, size_t len);

/* A line for the person on stderr, "ryot: " before it. */
void ry_out_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ry_out_notes(const char *text); /* one for each line; "" is none */
void ry_out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Words on stderr without prefix or newline (the prompt of plain mode). */
void ry_out_prompt(const char *text);

/* Whether a write to stdout failed because nobody reads it, or for another reason (then *why,
 * may be NULL, is set to errno). */
bool ry_out_broken(int *why);

#endif
