# the manual
