# text: tokenizers, templates, sampling
ENGINE_SOURCES += engine/tok.h engine/template.h engine/sample.h \
  engine/tok_int.h engine/tok.c engine/tok_load.c engine/tok_spm.c engine/tok_bpe.c \
  engine/tok_pre.h engine/tok_pre.c \
  engine/template_rows.h engine/template_rows.c engine/template.c engine/sample.c
