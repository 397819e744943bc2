# inference: arch, model, forward, attention, kv, par, session, generate, engine
ENGINE_SOURCES += engine/arch.h engine/model.h
