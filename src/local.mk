# the hall: the program itself
