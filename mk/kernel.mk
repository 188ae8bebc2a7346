# SPDX-License-Identifier: GPL-2.0-or-later
# Our own kernels: Debian's source, kernel-patches/ on it, two configurations.

KERNEL_BUILD := $(O)/kernel
OWN_KERNEL_INPUTS := scripts/build-kernel scripts/kernel-source.sh scripts/debs.sh \
	$(wildcard kernel-patches/folders kernel-patches/configs/*.config \
	kernel-patches/*/series kernel-patches/*/*.patch)
OWN_KERNELS := $(O)/lab/kernels/own$(if $(DEBUG),-debug).stamp

.PHONY: kernel check-patches
kernel: $(OWN_KERNELS) ## build the lab kernel and the capture kernel, with our patches (DEBUG=1: with DWARF and BTF)

$(OWN_KERNELS): $(OWN_KERNEL_INPUTS)
	$(Q)scripts/build-kernel $(KERNEL_BUILD) $(O)/lab/kernels $(if $(DEBUG),--debug) lab capture
	$(Q)rm -f $(O)/lab/kernels/own*.stamp && touch $@

run-test: $(OWN_KERNELS)

.PHONY: test-patches
test-patches: $(LAB_PREREQS) ## build and crash the lab kernel after each patch (two minutes each; FROM=N)
	$(Q)O='$(O)' tests/patches/run

check-patches: ## apply each kernel patch alone, run checkpatch and sparse, compile what it touches
	$(Q)scripts/check-patches $(O)/kernel-check
