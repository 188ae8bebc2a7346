/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/vmcore/vt.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct facts {
	const char *path;
	const struct kd_vmcore *core;
	const struct kd_vmcore_diskdump_info *dd; /* NULL: ELF */
	struct kd_verify_result pages;
	struct kd_dump_result classes;
	bool has_classes;
	char why_no_classes[KD_ERR_MSG_BYTES];
	char codecs[48];
	char crash_time[32]; /* "" unknown */
	uint32_t cpus;
	uint64_t memory_bytes;
};

static void list_codecs(struct facts *f)
{
	size_t n = 0, len = 0;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	for (size_t i = 0; f->dd && i < n; i++) {
		if (!(f->dd->status & codecs[i]->diskdump_flag))
			continue;
		len += (size_t)snprintf(f->codecs + len, sizeof(f->codecs) - len, "%s%s",
					len ? "," : "", codecs[i]->name);
	}
	if (f->dd && len == 0)
		snprintf(f->codecs, sizeof(f->codecs), "none");
}

static void crash_time(struct facts *f)
{
	int64_t when = 0;
	struct tm tm;

	if (!kd_vmcore_crashtime(f->core, &when))
		return;
	time_t t = (time_t)when;
	if (gmtime_r(&t, &tm))
		strftime(f->crash_time, sizeof(f->crash_time), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int gather(struct facts *f, struct kd_vmcore *core, const char *path, struct kd_err *err)
{
	const struct kd_dump_opts dry = { .level = KD_LEVEL_ALL, .dry_run = true };
	struct kd_err why = { 0 };
	size_t n = 0;

	f->path = path;
	f->core = core;
	f->dd = kd_vmcore_diskdump(core);
	list_codecs(f);
	crash_time(f);
	f->cpus = kd_vmcore_cpus(core);
	const struct kd_vmcore_segment *s = kd_vmcore_segments(core, &n);
	for (size_t i = 0; i < n; i++)
		f->memory_bytes += s[i].len_bytes;
	int rc = kd_dump_count_pages(core, &f->pages, err);
	if (rc)
		return rc;

	/* Classes are a bonus: a dump whose page array cannot be read has all the rest to tell. */
	if (kd_dump_run(core, &dry, NULL, &f->classes, &why))
		memcpy(f->why_no_classes, why.msg, sizeof(why.msg));
	else if (f->classes.filter.dropped & KD_LEVEL_USER)
		memcpy(f->why_no_classes, f->classes.why_dropped[3],
		       sizeof(f->classes.why_dropped[3]));
	else
		f->has_classes = true;
	return 0;
}

static bool is_complete(const struct facts *f)
{
	return !kd_vmcore_is_incomplete(f->core) && f->pages.lost == 0;
}

static const char *format_name(const struct facts *f)
{
	return f->dd ? "kdump-compressed" : "ELF";
}

static void print_format(const struct facts *f)
{
	printf("format:      %s", format_name(f));
	if (f->dd)
		printf(" version %u, codec %s, level %u", f->dd->header_version, f->codecs,
		       f->dd->dump_level);
	if (f->dd && f->dd->split)
		printf(", page frames 0x%jx to 0x%jx of a split dump", (uintmax_t)f->dd->start_pfn,
		       (uintmax_t)f->dd->end_pfn);
	printf("%s, %s\n", kd_vmcore_is_flattened(f->core) ? ", flattened" : "",
	       is_complete(f) ? "complete" : "INCOMPLETE");
}

/* A dump's text, fit for a terminal. */
static const char *printable(const char *text, char *buf, size_t len)
{
	size_t i = 0;

	for (; text[i] && i + 1 < len; i++)
		buf[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	buf[i] = '\0';
	return buf;
}

static void print_text(const struct facts *f)
{
	const char *release = kd_vmcore_osrelease(f->core);
	char size[KD_SIZE_TEXT_BYTES], clean[128];

	printf("file:        %s\n", f->path);
	print_format(f);
	printf("kernel:      %s (%s)\n",
	       printable(release ? release : "not told", clean, sizeof(clean)),
	       kd_vmcore_machine_name(f->core));
	printf("crashed at:  %s\n", f->crash_time[0] ? f->crash_time : "not told: no crash?");
	printf("CPUs:        %u\n", f->cpus);
	printf("memory:      %s, page size %u, up to page frame 0x%jx\n",
	       kd_format_size(f->memory_bytes, size), kd_vmcore_page_size(f->core),
	       (uintmax_t)kd_vmcore_max_pfn(f->core));
	printf("pages:       %ju stored, %ju left out, %ju missing\n", (uintmax_t)f->pages.stored,
	       (uintmax_t)f->pages.excluded, (uintmax_t)f->pages.lost);
	if (!f->has_classes) {
		printf("classes:     not known: %s\n", f->why_no_classes);
		return;
	}
	printf("of those in the dump:\n");
	for (int i = 0; i < KD_N_CLASSES; i++)
		printf("  %-13s %ju\n", kd_page_class_name((enum kd_page_class)i),
		       (uintmax_t)f->classes.filter.found[i]);
}

static int print_json(const struct facts *f)
{
	struct kd_buf buf = { 0 };
	struct kd_json j = { .out = &buf, .pretty = true };

	kd_json_open_object(&j, NULL);
	kd_json_string(&j, "file", f->path);
	kd_json_string(&j, "format", format_name(f));
	if (f->dd) {
		kd_json_u64(&j, "version", f->dd->header_version);
		kd_json_string(&j, "codec", f->codecs);
		kd_json_u64(&j, "level", f->dd->dump_level);
		kd_json_bool(&j, "split", f->dd->split);
	}
	kd_json_bool(&j, "flattened", kd_vmcore_is_flattened(f->core));
	kd_json_bool(&j, "complete", is_complete(f));
	kd_json_string(&j, "kernel", kd_vmcore_osrelease(f->core));
	kd_json_string(&j, "machine", kd_vmcore_machine_name(f->core));
	kd_json_string(&j, "crash_time", f->crash_time[0] ? f->crash_time : NULL);
	kd_json_u64(&j, "cpus", f->cpus);
	kd_json_u64(&j, "memory_bytes", f->memory_bytes);
	kd_json_u64(&j, "page_size", kd_vmcore_page_size(f->core));
	kd_json_u64(&j, "max_pfn", kd_vmcore_max_pfn(f->core));
	kd_json_u64(&j, "stored_pages", f->pages.stored);
	kd_json_u64(&j, "left_out_pages", f->pages.excluded);
	kd_json_u64(&j, "missing_pages", f->pages.lost);
	if (f->has_classes)
		vt_json_classes(&j, "classes", f->classes.filter.found);
	else
		kd_json_string(&j, "classes", NULL);
	kd_json_close_object(&j);
	return vt_print_json(stdout, &buf);
}

int vt_cmd_info(int argc, char **argv)
{
	KD_AUTO(vt_input_fini) struct vt_input in = { 0 };
	struct facts f = { 0 };
	struct kd_err err = { 0 };
	bool json = false;
	int rc = vt_simple_options(argc, argv, &json);

	if (rc)
		return rc > 0 ? VT_DONE : VT_REFUSED;
	rc = vt_input_open(argv + optind, (size_t)(argc - optind), &in, &err);
	if (!rc)
		rc = gather(&f, in.core, argv[optind], &err);
	if (rc)
		return vt_complain(&err);
	if (json) {
		rc = print_json(&f);
		if (rc)
			return rc;
	} else {
		print_text(&f);
	}
	return is_complete(&f) ? VT_DONE : VT_DAMAGED;
}
