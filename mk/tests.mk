# SPDX-License-Identifier: GPL-2.0-or-later
# Tests. Each program or case prints TAP lines or exits 0 pass, 1 fail, 77 skip,
# 99 broken set-up; scripts/run-tests counts them all.

UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/test/unit/%,$(wildcard tests/unit/test-*.c))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:%=$(O)/test/fuzz/replay_%)
GOLDEN := $(wildcard tests/golden/*/cmd)

# Everything but main.c files can be linked into a test.
TESTED_SRCS := $(MODULE_SRCS) \
	$(filter-out %/main.c,$(wildcard capture-initrd/init/*.c lab/*.c tools/*/*.c)) \
	$(filter-out %-main.c,$(wildcard tests/gen/*.c)) $(wildcard tests/unit/support*.c)

$(O)/test/libtested.a: $(TESTED_SRCS:%.c=$(O)/san/%.o)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcsD $@ $^

$(O)/test/unit/%: $(O)/san/tests/unit/%.o $(O)/test/libtested.a
	$(call say,LD/san,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $< $(O)/test/libtested.a $(HOST_LIBS) -lcmocka

$(O)/test/fuzz/replay_%: $(O)/san/tests/fuzz/fuzz_%.o $(O)/san/tests/fuzz/replay.o $(O)/test/libtested.a
	$(call say,LD/san,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $(filter %.o,$^) $(O)/test/libtested.a $(HOST_LIBS)

# Dump generators of tests/gen: NAME-main.c -> build/test/bin/NAME
GEN_PROGRAMS := $(patsubst tests/gen/%-main.c,$(O)/test/bin/%,$(wildcard tests/gen/*-main.c))
$(O)/test/bin/%: $(O)/obj/tests/gen/%-main.o \
		$(patsubst %.c,$(O)/obj/%.o,$(filter-out %-main.c,$(wildcard tests/gen/*.c))) $(MODULE_ARCHIVES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(MODULE_ARCHIVES) -Wl,--end-group $(HOST_LIBS)

# libFuzzer programs: make fuzz, or build/fuzz/NAME by hand
FUZZED_SRCS := $(filter-out tests/unit/%,$(TESTED_SRCS))
$(O)/fuzz/%: $(O)/fuzz/obj/tests/fuzz/fuzz_%.o $(FUZZED_SRCS:%.c=$(O)/fuzz/obj/%.o)
	$(call say,LD/fuzz,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(HOST_LIBS)

FUZZ_SECONDS ?= 60
.PHONY: fuzz check unit golden replay check-long run-test
fuzz: $(FUZZERS:%=$(O)/fuzz/%) ## run every fuzz target for FUZZ_SECONDS (default 60)
	$(Q)scripts/run-fuzzers $(O)/fuzz $(FUZZ_SECONDS) $(FUZZERS)

CHECK_PREREQS := $(UNIT_TESTS) $(REPLAYS) $(GEN_PROGRAMS) programs
check: lint $(CHECK_PREREQS) ## everything without a virtual machine, under a minute
	$(Q)O='$(O)' scripts/run-tests $(O)/test/check unit golden fuzz

# The one list CI runs: checks, then real panics.
run-test: lint $(CHECK_PREREQS) $(LAB_PREREQS)
	$(Q)O='$(O)' scripts/run-tests $(O)/test/all unit golden fuzz panic
