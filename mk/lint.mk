# SPDX-License-Identifier: GPL-2.0-or-later
# What a reader should not have to look for.

C_FILES := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null | grep -v '^kernel-patches/' || \
	find . -path ./build -prune -o -name '*.[ch]' -print)
HEADERS := $(filter %.h,$(C_FILES))
CLANG_FORMAT ?= clang-format-14

.PHONY: lint lint-format lint-layers lint-headers lint-cppcheck lint-man lint-spdx format
lint: lint-spdx lint-format lint-layers lint-headers lint-cppcheck lint-man ## include rules, headers, format, cppcheck, manual pages

format: ## format all C files
	$(Q)$(CLANG_FORMAT) -i $(C_FILES)

lint-format:
	$(call say,LINT,format)
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

lint-layers:
	$(call say,LINT,layers)
	$(Q)scripts/layers

lint-spdx:
	$(call say,LINT,spdx)
	$(Q)scripts/check-spdx

# Each header must compile alone, once per content.
HEADER_STAMPS := $(HEADERS:%=$(O)/lint/%.ok)
lint-headers: $(HEADER_STAMPS)
$(O)/lint/%.h.ok: %.h $(O)/config.h
	$(call say,LINT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) -Werror -fsyntax-only -MMD -MP -MF $(O)/lint/$*.h.d -MT $@ -x c $< && touch $@

lint-cppcheck: $(O)/lint/cppcheck.ok
$(O)/lint/cppcheck.ok: $(C_FILES) $(O)/config.h mk/cppcheck.suppress
	$(call say,LINT,cppcheck)
	$(Q)mkdir -p $(@D) $(O)/lint/cppcheck
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--cppcheck-build-dir=$(O)/lint/cppcheck --suppressions-list=mk/cppcheck.suppress \
		-I. -I$(O) -D__x86_64__ -j2 $(filter %.c,$(C_FILES)) && touch $@

lint-man: programs
	$(call say,LINT,manual pages)
	$(Q)scripts/check-man $(O)/bin

-include $(shell find $(O)/obj $(O)/san $(O)/fuzz/obj $(O)/lint -name '*.d' 2>/dev/null)
