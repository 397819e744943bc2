/* What `ryot info` prints about a model file. Pure; any thread. */
#ifndef RYOT_ENGINE_DESCRIBE_H
#define RYOT_ENGINE_DESCRIBE_H

#include "engine/gguf.h"
#include "engine/model.h"
#include "engine/tok.h"

/* Appends to *out. model NULL: not bound (a file opened for its tokenizer); tok NULL: none. template_name: "" for
 * none; template_known false: it stands in for one that ryot does not know.
 * Text: lines, values escaped and cut to one line each. JSON: one object of
 *   path, gguf_version, file_bytes, tensor_bytes, fingerprint (16 hex digits), n_params,
 *   model (hyper-parameters or null), tokenizer (or null), template {name, known}, memory (or null),
 *   keys [{key, type, value}], tensors [{name, type, shape, bytes, offset}];
 * an array's value is {elem, count, first}, first holding eight elements at most. Invalid UTF-8 becomes U+FFFD.
 * RY_ERR_MEMORY, or RY_ERR_MODEL when the file changed while it was read. */
ry_rc ry_describe(const ry_gguf *gguf, const struct ry_model *model, const ry_tok *tok,
                  const char *template_name, bool template_known, bool json, ry_buf *out,
                  ry_err *err);

#endif
