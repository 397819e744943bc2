# tests of the text rooms
