# text: tokenizers, templates, sampling
ENGINE_SOURCES += engine/tok.h engine/template.h engine/sample.h
