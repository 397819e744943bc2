# inference: thread team, KV cache, attention, forward pass, sessions, generation, the public face
ENGINE_SOURCES += engine/barrier.h engine/barrier.c engine/par.h engine/par.c engine/profile.h engine/kv.h engine/kv.c \
  engine/repack.h engine/repack.c engine/repack_model.c engine/scratch.h engine/scratch.c \
  engine/attention.h engine/attention.c engine/attn_rows.h engine/attn_rows.c engine/attn_flash.c \
  engine/repack_block.c \
  engine/forward.h engine/forward.c engine/session.h engine/session.c \
  engine/screen.h engine/screen.c engine/draft.h engine/draft.c engine/generate.c engine/shape.h engine/shape.c engine/shape_fill.c engine/engine.c
