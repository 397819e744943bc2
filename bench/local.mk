# measurements; none of them runs in the test command
include bench/store.mk
include bench/kern.mk
include bench/report.mk
