# tests of the hall rooms
