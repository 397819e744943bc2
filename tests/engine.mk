# tests of the engine rooms
