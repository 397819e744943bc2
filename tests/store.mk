# tests of the store rooms
