# the model inside the program
ENGINE_SOURCES += engine/builtin/builtin.h engine/builtin/builtin.S
EXTRA_DIST += engine/builtin/ryot-builtin.gguf engine/builtin/README.md engine/builtin/eval_questions.txt \
	engine/builtin/eval_talk.txt engine/builtin/questions.txt engine/builtin/vague_questions.txt
EXTRA_DIST += engine/builtin/train/chats.py engine/builtin/train/check_fused.py \
	engine/builtin/train/check_stories.txt engine/builtin/train/check_talk.txt \
	engine/builtin/train/compare.py engine/builtin/train/corpus.py engine/builtin/train/evaluate.py \
	engine/builtin/train/export.py engine/builtin/train/facts.py engine/builtin/train/fused.c \
	engine/builtin/train/fused.py engine/builtin/train/gguf.py engine/builtin/train/mix.py \
	engine/builtin/train/model.py engine/builtin/train/muon.py engine/builtin/train/plots.txt \
	engine/builtin/train/settings.py engine/builtin/train/stories.py engine/builtin/train/talk.py \
	engine/builtin/train/talk.txt engine/builtin/train/tokenizer.py engine/builtin/train/train.py \
	engine/builtin/train/warm.py engine/builtin/train/words.py
AM_CPPFLAGS += -DRYOT_BUILTIN_GGUF='"$(abs_top_srcdir)/engine/builtin/ryot-builtin.gguf"'
engine/builtin/builtin.$(OBJEXT): engine/builtin/ryot-builtin.gguf
