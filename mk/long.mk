# SPDX-License-Identifier: GPL-2.0-or-later
# Tests that take minutes and large downloads: the differential test against
# makedumpfile, and other programs reading our dumps. Both work on dumps of machines
# crashed in the lab; those are made once and kept below $(O)/diff. And sweeps of the
# kexec calls on three kernels.

DIFF_CASES := $(patsubst tests/diff/%.test,%,$(wildcard tests/diff/*.test))
DIFF_DUMPS := $(DIFF_CASES:%=$(O)/diff/%.elf)

# Not made again when our programs change: what a dump holds does not hang on them.
# Either the lab extracted a dump directory, or QEMU left guest.elf.
$(DIFF_DUMPS): $(O)/diff/%.elf: tests/diff/%.test $(KERNELS) | $(LAB_PREREQS)
	$(Q)mkdir -p $(@D)
	$(Q)$(O)/bin/kdump-lab run --cases=tests/diff --out=$(O)/diff/lab $*
	$(Q)mv -f $(O)/diff/lab/$*/guest.elf $@ 2>/dev/null || \
		mv -f $(O)/diff/lab/$*/var/crash/*/vmcore $@
	$(Q)touch $@

.PHONY: test-long test-readers test-crashkernel
test-long: $(O)/bin/vmcore $(O)/test/bin/dump-diff $(DIFF_DUMPS) ## compare with makedumpfile 1.7.2 at all levels, on real dumps (10 minutes)
	$(Q)O='$(O)' tests/diff/run $(DIFF_CASES)

test-readers: $(O)/bin/vmcore $(O)/diff/crash-6.1.elf ## open our dumps with crash, libkdumpfile and drgn (downloads 280 MB)
	$(Q)O='$(O)' tests/readers/run

test-crashkernel: $(O)/config.h $(O)/crashkernel/measured.h ## our reading of crashkernel= beside the kernel's own (KERNEL_SRC=DIR, Linux 6.9 or later)
	$(Q)O='$(O)' tests/diff/crashkernel '$(KERNEL_SRC)' 300000

.PHONY: test-kexec-long test-panic-load
test-kexec-long: $(LAB_PREREQS) ## 20000 random segment lists on each kernel through kexec_load and preflight (5 minutes)
	$(Q)$(O)/bin/kdump-lab run --all --cases=tests/long --out=$(O)/long

test-panic-load: $(LAB_PREREQS) ## panic in the middle of a load, RUNS=20 times, KERNEL=lab or cloud-6.12
	$(Q)O='$(O)' tests/panic-load/run
