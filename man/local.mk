# the manual
dist_man_MANS = man/ryot.1
