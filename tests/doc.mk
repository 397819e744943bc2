# what the program says of itself
dist_check_SCRIPTS += tests/completion.sh tests/dist.sh
TESTS += tests/completion.sh tests/dist.sh
