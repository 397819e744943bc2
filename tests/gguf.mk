# tests of the gguf rooms
