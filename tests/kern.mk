# tests of the kern rooms
