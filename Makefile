# SPDX-License-Identifier: GPL-2.0-or-later
#
# One make graph for everything; all output goes below build/ (O=DIR for another
# place). "make help" lists the targets. A new .c file in an existing directory, a
# new test or a new module directory below lib/ is found without an edit here.

VERSION := 0.1.0

O ?= build
V ?= 0
prefix ?= /usr
sysconfdir ?= /etc
DESTDIR ?=

ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
MAKEFLAGS += --no-print-directory
endif

# All processors, unless the caller says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all
all: programs ## build every program (default)

include mk/flags.mk
include mk/modules.mk
include mk/purgatory.mk
include mk/programs.mk
include mk/tests.mk
include mk/lint.mk
-include mk/lab.mk
-include mk/kernel.mk
-include mk/long.mk
-include mk/bench.mk
include mk/install.mk

# ---- the two commands of the README ---------------------------------------

# Setup may need root; nothing behind it does. Under sudo the rest runs as the
# user who called it, so that build/ stays theirs.
as_user := $(if $(SUDO_USER),sudo -u $(SUDO_USER) -H)

.PHONY: demo test setup help clean config
demo: ## crash a virtual machine and show what is left (installs what is missing)
	$(Q)scripts/setup
	$(Q)$(as_user) $(MAKE) run-demo

test: ## run all tests, real panics in virtual machines too (installs what is missing)
	$(Q)scripts/setup
	$(Q)$(as_user) $(MAKE) run-test

setup: ## install what building and testing need (Debian packages)
	$(Q)scripts/setup

config: ## show what the build found
	@echo "version   $(VERSION)"
	@echo "compiler  $$($(CC) --version | head -n 1)"
	@for p in $(HOST_PKGS) $(CAPTURE_PKGS); do \
		printf '%-9s %s\n' "$$p" "$$($(PKG_CONFIG) --modversion $$p 2>/dev/null || echo missing)"; \
	done

clean: ## remove everything that was built (kernels and packages in the cache stay)
	$(Q)rm -rf $(O)

help: ## show this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo "Variables: V=1 (show commands)  O=DIR (build elsewhere)  CC=  DESTDIR=  prefix=  T=CASES (one panic case)"
