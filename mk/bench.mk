# SPDX-License-Identifier: GPL-2.0-or-later
# Benchmarks: programs of tests/bench, and the scripts that print tables with them.

BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(O)/bench/%,$(wildcard tests/bench/*.c))

$(O)/bench/%: $(O)/obj/tests/bench/%.o \
		$(patsubst %.c,$(O)/obj/%.o,$(filter-out %-main.c,$(wildcard tests/gen/*.c))) $(MODULE_ARCHIVES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(MODULE_ARCHIVES) -Wl,--end-group $(HOST_LIBS)

.PHONY: bench-dump
bench-dump: programs $(BENCH_PROGRAMS) $(GEN_PROGRAMS) ## the dump engine beside makedumpfile (DUMP=FILE, RUNS=5)
	$(Q)O='$(O)' tests/bench/bench-dump $(DUMP)

.PHONY: bench-filter
bench-filter: programs $(BENCH_PROGRAMS) $(GEN_PROGRAMS) ## the page filter alone beside makedumpfile's (GIB=64, RUNS=5)
	$(Q)O='$(O)' tests/bench/bench-filter

.PHONY: bench-reboot
bench-reboot: $(LAB_PREREQS) ## seconds from panic to reboot, panics by turns (RUNS=3, KDUMP_TOOLS=1: beside Debian's)
	$(Q)O='$(O)' tests/bench/bench-reboot

# CASES="stock lab": only these. Each step is a panic in a virtual machine, twenty seconds or more.
.PHONY: bench-crashkernel
bench-crashkernel: $(LAB_PREREQS) ## the smallest crashkernel= that gives a verified dump (CASES=, LOW=, HIGH=)
	$(Q)O='$(O)' tests/bench/bench-crashkernel $(CASES)
