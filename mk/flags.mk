# SPDX-License-Identifier: GPL-2.0-or-later
# Compilers, warnings and the libraries each side links with.

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang-14
PKG_CONFIG ?= pkg-config

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
ifdef CI
WARN += -Werror
endif

# What the code needs, whatever CFLAGS the packager gives.
BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(O) $(WARN)
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2
SECTIONS := -ffunction-sections -fdata-sections
SAN_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined

# Host programs are dynamic; the capture init is one static program.
HOST_PKGS := libkmod blkid mount libarchive jansson libelf nettle libzstd libdeflate zlib libxxhash
CAPTURE_PKGS := nettle libzstd libdeflate zlib libxxhash
HOST_LIBS = $(shell $(PKG_CONFIG) --libs $(HOST_PKGS)) -llzo2 -lpthread
CAPTURE_LIBS = $(shell $(PKG_CONFIG) --libs --static $(CAPTURE_PKGS)) -llzo2 -lpthread
