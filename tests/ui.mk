# tests of the ui rooms
