/* The catalogue of handcrafted bad model files: each is a small valid model with one lie in it, and the words that the
 * refusal must hold. Used by test_hostile (through the library) and make_bad (files for the program). */
#ifndef RYOT_TESTS_BAD_FILES_H
#define RYOT_TESTS_BAD_FILES_H

#include <stddef.h>

#include "src/base/buf.h"

struct bad_file; /* one row of the catalogue */

size_t bad_files_count(void);
const struct bad_file *bad_files_at(size_t i);
const char *bad_file_name(const struct bad_file *f);   /* a file name stem, unique */
const char *bad_file_expect(const struct bad_file *f); /* part of the message */
/* The bytes of the file; *out is emptied first. */
void bad_file_image(const struct bad_file *f, ry_buf *out);

#endif
