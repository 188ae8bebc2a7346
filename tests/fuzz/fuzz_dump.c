/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole engine: the input is a dump of any kind, filtered at level 31 and written again in every
 * form. So the page array is found, memory sections, zones and page tables are walked, and what must
 * be kept is looked up, all with what the dump says of them.
 *
 * Beyond staying inside: a dump that is written can be read, all of it.
 */
#include "lib/dump/dump.h"
#include "tests/fuzz/vmcore_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MEMORY_BYTES = 24 << 20, ROOM_BYTES = 16 << 20 };

static void check(int fd, const struct kd_dump_opts *opts, const struct kd_dump_result *r)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_verify_result v;
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "out", NULL, &core, &err)) {
		if (!r->truncated)
			abort();
		return;
	}
	if (kd_dump_verify(core, &(struct kd_verify_opts){ .fd = fd }, &v, &err) || v.bad ||
	    v.digests.bad)
		abort();
	/* An ELF file has pages more where gaps were filled in. */
	if (!r->truncated &&
	    (v.stored < r->pages || (v.stored > r->pages && opts->format == KD_DUMP_DISKDUMP)))
		abort();
	if (!r->truncated && !r->input_incomplete && kd_vmcore_is_incomplete(core))
		abort();
}

static void write_as(struct kd_vmcore *core, enum kd_dump_format format, bool flattened)
{
	KD_AUTO(kd_closep) int out = walk_file(NULL, 0);
	const struct kd_dump_opts opts = { .level = 31,
					   .threads = 1,
					   .format = format,
					   .flattened = flattened,
					   .max_memory_bytes = MAX_MEMORY_BYTES };
	const struct kd_sink_fault full = { .room_bytes = ROOM_BYTES };
	struct kd_sink *file = NULL, *sink = NULL;
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	if (kd_sink_open_fd(out, "out", 0, &file, &err) ||
	    kd_sink_fault_new(file, &full, &sink, &err))
		abort();
	if (kd_dump_run(core, &opts, sink, &r, &err))
		walk_refused(&err);
	else
		check(out, &opts, &r);
	kd_sink_abort(sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_closep) int in = walk_file(data, size);
	struct kd_err err = { 0 };

	if (kd_vmcore_open(in, "fuzz", NULL, &core, &err)) {
		walk_refused(&err);
		return 0;
	}
	write_as(core, KD_DUMP_DISKDUMP, false);
	write_as(core, KD_DUMP_DISKDUMP, true);
	write_as(core, KD_DUMP_ELF, false);
	write_as(core, KD_DUMP_ELF, true);
	return 0;
}
