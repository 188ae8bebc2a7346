/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
	"kdumpkit-plan 1\n"                                                                        \
	"kernel_release 6.1.0-18-amd64\n"                                                          \
	"host_tag 127.0.0.1\n"                                                                     \
	"deadline_s 300\n"                                                                         \
	"target_timeout_s 60\n"                                                                    \
	"failure_action shell\n"                                                                   \
	"final_action reboot\n"
#define TARGET "target ext4 uuid 0fc63daf-8483-4772-8e79-3d69d8477de4 /var/crash\n"
#define REMEDY ": run 'kdumpctl rebuild' to make a new one"

static const char full[] = HEAD
	"collector /usr/bin/makedumpfile -l --message-level 7 -d 31\n"
	"module /lib/modules/6.1/virtio.ko\n"
	"module /lib/modules/6.1/virtio_blk.ko queue_depth=8%20x=%25\n" TARGET
	"target xfs label my%20d%C3%A9p%C3%B4t / rw,noatime\n"
	"end\n";

static int parse_n(const char *text, size_t len, struct kd_plan *plan, struct kd_err *err)
{
	return kd_plan_parse(text, len, "/plan", plan, err);
}

static int parse(const char *text, struct kd_plan *plan, struct kd_err *err)
{
	return parse_n(text, strlen(text), plan, err);
}

/* Refused with exactly this message, and the result untouched. */
static void refused(const char *text, const char *message)
{
	struct kd_plan plan = { .deadline_s = 4711 };
	struct kd_err err = { 0 };

	assert_int_equal(parse(text, &plan, &err), -KD_BADDATA);
	assert_string_equal(err.msg, message);
	assert_int_equal(plan.deadline_s, 4711);
	assert_null(plan.modules);
}

static void test_full_plan_is_read(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(parse(full, &plan, &err), 0);
	assert_string_equal(plan.kernel_release, "6.1.0-18-amd64");
	assert_string_equal(plan.host_tag, "127.0.0.1");
	assert_int_equal(plan.deadline_s, 300);
	assert_int_equal(plan.target_timeout_s, 60);
	assert_int_equal(plan.failure_action, KD_ACTION_SHELL);
	assert_int_equal(plan.final_action, KD_ACTION_REBOOT);
	assert_int_equal(plan.collector.n, 6);
	assert_string_equal(plan.collector.v[0], "/usr/bin/makedumpfile");
	assert_string_equal(plan.collector.v[5], "31");
	assert_null(plan.collector.v[6]);
	assert_int_equal(plan.module_count, 2);
	assert_string_equal(plan.modules[0].path, "/lib/modules/6.1/virtio.ko");
	assert_string_equal(plan.modules[0].options, "");
	assert_string_equal(plan.modules[1].options, "queue_depth=8 x=%");
	assert_int_equal(plan.target_count, 2);
	assert_string_equal(plan.targets[0].fstype, "ext4");
	assert_int_equal(plan.targets[0].id_kind, KD_ID_UUID);
	assert_string_equal(plan.targets[0].id, "0fc63daf-8483-4772-8e79-3d69d8477de4");
	assert_string_equal(plan.targets[0].dir, "/var/crash");
	assert_string_equal(plan.targets[0].mount_options, "");
	assert_int_equal(plan.targets[1].id_kind, KD_ID_LABEL);
	assert_string_equal(plan.targets[1].id, "my d\xc3\xa9p\xc3\xb4t");
	assert_string_equal(plan.targets[1].dir, "/");
	assert_string_equal(plan.targets[1].mount_options, "rw,noatime");
}

static void test_without_collector_the_engine_works(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(parse(HEAD "engine 17 lzo diskdump\n" TARGET "end\n", &plan, &err), 0);
	assert_int_equal(plan.collector.n, 0);
	assert_int_equal(plan.module_count, 0);
	assert_int_equal(plan.engine.level, 17);
	assert_int_equal(plan.engine.codec, KD_PLAN_LZO);
	assert_false(plan.engine.elf);
}

static void test_who_collects_is_said_exactly_once(void **state)
{
	refused(HEAD TARGET "end\n", "/plan:10: there is no line 'collector' or 'engine'" REMEDY);
	refused(HEAD "collector /a\nengine 31 zstd diskdump\n" TARGET "end\n",
		"/plan:12: there is a line 'collector' and a line 'engine'" REMEDY);
	refused(HEAD "engine 32 zstd diskdump\n" TARGET "end\n",
		"/plan:8: engine's dump level is not 0 to 31" REMEDY);
	refused(HEAD "engine 31 rle diskdump\n" TARGET "end\n",
		"/plan:8: engine: 'rle' is not zstd, zlib, lzo or none" REMEDY);
	refused(HEAD "engine 31 none flat\n" TARGET "end\n",
		"/plan:8: engine: 'flat' is not diskdump or elf" REMEDY);
	refused(HEAD "engine 31 zstd elf\n" TARGET "end\n",
		"/plan:8: engine cannot compress an ELF file" REMEDY);
}

static void format_again(const char *text, size_t len, struct kd_buf *out)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	if (parse_n(text, len, &plan, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(kd_plan_format(&plan, out, &err), 0);
}

static void test_canonical_text_is_reproduced(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };

	format_again(full, strlen(full), &out);
	assert_string_equal(out.p, full);
}

static void test_other_spellings_become_canonical(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	static const char text[] = "kdumpkit-plan 1\n"
				   "module /a%2fb.ko\n"
				   "engine 0 %6eone elf\n"
				   "final_action h%61lt\n"
				   "target ext4 serial a%3Ab /\n"
				   "target_timeout_s 1\n"
				   "failure_action reboot\n"
				   "deadline_s 10\n"
				   "host_tag ::1\n"
				   "kernel_release 6\n"
				   "end\n";

	format_again(text, strlen(text), &out);
	assert_string_equal(out.p, "kdumpkit-plan 1\n"
				   "kernel_release 6\n"
				   "host_tag ::1\n"
				   "deadline_s 10\n"
				   "target_timeout_s 1\n"
				   "failure_action reboot\n"
				   "final_action halt\n"
				   "engine 0 none elf\n"
				   "module /a/b.ko\n"
				   "target ext4 serial a:b /\n"
				   "end\n");
}

/* A small generator: the same plans each time, with every byte a value may hold. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void random_text(uint32_t *seed, const char *start, char *ret, size_t size)
{
	size_t len = strlen(start), end = len + 1 + next_random(seed) % (size - len - 1);

	memcpy(ret, start, len);
	for (size_t i = len; i < end; i++) {
		unsigned char c = (unsigned char)next_random(seed);
		/* Control characters are refused, and a '.' could become "..". */
		ret[i] = c < 0x20 || c == 0x7f || c == '.' ? '%' : (char)c;
	}
	ret[end] = '\0';
}

static void test_round_trip_of_generated_plans(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 200; round++) {
		KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
		KD_AUTO(kd_plan_fini) struct kd_plan back = { 0 };
		KD_AUTO(kd_buf_fini) struct kd_buf first = { 0 };
		KD_AUTO(kd_buf_fini) struct kd_buf second = { 0 };
		struct kd_err err = { 0 };
		char a[64], b[64], c[64];

		assert_int_equal(kd_strdup(&plan.kernel_release, "6.1", &err), 0);
		assert_int_equal(kd_strdup(&plan.host_tag, "h", &err), 0);
		plan.deadline_s = 10 + next_random(&seed) % 86391;
		plan.target_timeout_s = 1 + next_random(&seed) % 86400;
		plan.failure_action = (enum kd_action)(next_random(&seed) % 5);
		plan.final_action = (enum kd_action)(next_random(&seed) % 3);
		plan.engine.level = next_random(&seed) % 32;
		plan.engine.codec = (enum kd_plan_codec)(next_random(&seed) % 4);
		plan.engine.elf = plan.engine.codec == KD_PLAN_NONE;
		for (unsigned int i = next_random(&seed) % 4; i > 0; i--) {
			random_text(&seed, plan.collector.n ? "" : "/", a, sizeof(a));
			assert_int_equal(kd_strv_add(&plan.collector, a, &err), 0);
		}
		for (unsigned int i = next_random(&seed) % 4; i > 0; i--) {
			random_text(&seed, "/", a, sizeof(a));
			random_text(&seed, "", b, sizeof(b));
			assert_int_equal(kd_plan_add_module(&plan, a, b, &err), 0);
		}
		for (unsigned int i = 1 + next_random(&seed) % 8; i > 0; i--) {
			random_text(&seed, "/dev/", a, sizeof(a));
			random_text(&seed, "", b, sizeof(b));
			random_text(&seed, "/", c, sizeof(c));
			const struct kd_plan_target t = {
				.fstype = (char[]){ "ext4" },
				.id_kind = (enum kd_id_kind)(next_random(&seed) % 5),
				.id = a,
				.mount_options = b,
				.dir = c,
			};
			assert_int_equal(kd_plan_add_target(&plan, &t, &err), 0);
		}

		if (kd_plan_format(&plan, &first, &err))
			fail_msg("%s", err.msg);
		if (parse_n(first.p, first.len, &back, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(back.module_count, plan.module_count);
		for (size_t i = 0; i < plan.module_count; i++) {
			assert_string_equal(back.modules[i].path, plan.modules[i].path);
			assert_string_equal(back.modules[i].options, plan.modules[i].options);
		}
		assert_int_equal(back.target_count, plan.target_count);
		for (size_t i = 0; i < plan.target_count; i++) {
			assert_string_equal(back.targets[i].id, plan.targets[i].id);
			assert_string_equal(back.targets[i].dir, plan.targets[i].dir);
		}
		assert_int_equal(kd_plan_format(&back, &second, &err), 0);
		assert_int_equal(first.len, second.len);
		assert_memory_equal(first.p, second.p, first.len);
	}
}

static void test_every_cut_is_noticed(void **state)
{
	for (size_t len = 0; len < strlen(full); len++) {
		struct kd_plan plan = { 0 };
		struct kd_err err = { 0 };
		int rc = parse_n(full, len, &plan, &err);

		assert_int_equal(rc, -KD_BADDATA);
		assert_non_null(strstr(err.msg, "kdumpctl rebuild"));
	}
	refused("", "/plan:1: the plan is cut short: its line 'end' is missing" REMEDY);
	refused(HEAD TARGET, "/plan:9: the plan is cut short: its line 'end' is missing" REMEDY);
	refused(HEAD TARGET "end",
		"/plan:9: the plan is cut short: its line 'end' is missing" REMEDY);
}

static void test_text_behind_end(void **state)
{
	refused(HEAD TARGET "end\n\n", "/plan:10: there is text behind the line 'end'" REMEDY);
	refused(HEAD TARGET "end of it\n", "/plan:9: there is something behind 'end'" REMEDY);
}

static void test_first_line(void **state)
{
	struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	refused("070701\nend\n", "/plan:1: this is not a plan: it does not begin with "
				 "'kdumpkit-plan 1'" REMEDY);
	refused("kdumpkit-plan x\nend\n", "/plan:1: the plan's version 'x' is not a number" REMEDY);
	refused("kdumpkit-plan 1 2\nend\n", "/plan:1: the plan's version is not one number" REMEDY);
	assert_int_equal(parse("kdumpkit-plan 2\nend\n", &plan, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "/plan:1: this is a plan of version 2, and this program knows "
				     "version 1" REMEDY);
}

static void test_keys(void **state)
{
	refused(HEAD "colour blue\n" TARGET "end\n", "/plan:8: unknown key 'colour'" REMEDY);
	refused(HEAD "host_tag x\n" TARGET "end\n", "/plan:8: host_tag stands there twice" REMEDY);
	refused(HEAD "collector /a\ncollector /b\n" TARGET "end\n",
		"/plan:9: collector stands there twice" REMEDY);
	refused(HEAD "end\n", "/plan:9: there is no line 'target'" REMEDY);
	refused("kdumpkit-plan 1\nend\n", "/plan:3: there is no line 'kernel_release'" REMEDY);
	refused(HEAD "module\n" TARGET "end\n", "/plan:8: module has 0 values, not 1 to 2" REMEDY);
	refused(HEAD "module /a b c\n" TARGET "end\n",
		"/plan:8: module has 3 values, not 1 to 2" REMEDY);
	refused(HEAD "target ext4 uuid x\nend\n",
		"/plan:8: target has 3 values, not 4 to 5" REMEDY);
}

static void test_encoding(void **state)
{
	struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };
	static const char with_nul[] = HEAD "module /a\0b\n" TARGET "end\n";

	refused(HEAD "\n" TARGET "end\n",
		"/plan:8: the line is empty or has a blank too many" REMEDY);
	refused(HEAD "module  /a\n" TARGET "end\n",
		"/plan:8: the line is empty or has a blank too many" REMEDY);
	refused(HEAD "module /a \n" TARGET "end\n",
		"/plan:8: the line is empty or has a blank too many" REMEDY);
	refused(HEAD "module /a\r\n" TARGET "end\n",
		"/plan:8: byte 0x0d is not percent-encoded" REMEDY);
	refused(HEAD "module /\xff\n" TARGET "end\n",
		"/plan:8: byte 0xff is not percent-encoded" REMEDY);
	static const char *const escapes[] = { "%", "%4", "%4g", "%00", "%%41" };
	for (size_t i = 0; i < KD_ARRAY_LEN(escapes); i++) {
		char text[600];
		snprintf(text, sizeof(text), HEAD "module /a%s\n" TARGET "end\n", escapes[i]);
		refused(text, "/plan:8: '%' is not followed by two hexadecimal digits other than "
			      "00" REMEDY);
	}
	assert_int_equal(parse_n(with_nul, sizeof(with_nul) - 1, &plan, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "/plan:8: byte 0x00 is not percent-encoded" REMEDY);
}

static void test_lengths_and_counts_are_bounded(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };

	kd_buf_puts(&text, HEAD "module /");
	for (int i = 0; i < 8190; i++)
		kd_buf_puts(&text, "a");
	kd_buf_puts(&text, "\n" TARGET "end\n");
	refused(text.p, "/plan:8: the line is longer than 8192 bytes" REMEDY);

	text.len = 0;
	kd_buf_puts(&text, HEAD "collector /c");
	for (int i = 0; i < 64; i++)
		kd_buf_puts(&text, " w");
	kd_buf_puts(&text, "\n" TARGET "end\n");
	refused(text.p, "/plan:8: the line has too many words" REMEDY);

	text.len = 0;
	kd_buf_puts(&text, HEAD);
	for (int i = 0; i < 513; i++)
		kd_buf_puts(&text, "module /m\n");
	kd_buf_puts(&text, TARGET "end\n");
	refused(text.p, "/plan:520: there are more than 512 modules" REMEDY);

	refused(HEAD TARGET TARGET TARGET TARGET TARGET TARGET TARGET TARGET TARGET "end\n",
		"/plan:16: there are more than 8 targets" REMEDY);

	text.len = 0;
	for (int i = 0; i <= KD_PLAN_MAX_BYTES; i++)
		kd_buf_puts(&text, "\n");
	refused(text.p, "/plan: a plan of 262145 bytes is larger than the limit of 262144" REMEDY);
}

/* full with one line replaced, from its first word on. */
static void refused_line(const char *key, const char *line, const char *message)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	const char *at = strstr(full, key);

	assert_non_null(at);
	kd_buf_add(&text, full, (size_t)(at - full));
	kd_buf_puts(&text, line);
	kd_buf_puts(&text, at + strcspn(at, "\n"));
	refused(text.p, message);
}

static void test_values_out_of_range(void **state)
{
	static const char *const deadlines[] = { "9", "86401", "18446744073709551615" };
	static const char *const not_numbers[] = { "-10", "0300", "0x20",
						   "+30", "30s",  "18446744073709551616" };

	for (size_t i = 0; i < KD_ARRAY_LEN(deadlines); i++) {
		char line[64];
		snprintf(line, sizeof(line), "deadline_s %s", deadlines[i]);
		refused_line("deadline_s", line,
			     "/plan:4: deadline_s is not between 10 and 86400" REMEDY);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(not_numbers); i++) {
		char line[64], want[160];
		snprintf(line, sizeof(line), "deadline_s %s", not_numbers[i]);
		snprintf(want, sizeof(want), "/plan:4: deadline_s '%s' is not a number" REMEDY,
			 not_numbers[i]);
		refused_line("deadline_s", line, want);
	}
	refused_line("target_timeout_s", "target_timeout_s 0",
		     "/plan:5: target_timeout_s is not between 1 and 86400" REMEDY);
	refused_line("failure_action", "failure_action explode",
		     "/plan:6: failure_action: 'explode' is not an action: use reboot, halt, "
		     "poweroff, shell or dump_to_rootfs" REMEDY);
	refused_line("final_action", "final_action shell",
		     "/plan:7: final_action is not reboot, halt or poweroff" REMEDY);
	refused_line("kernel_release", "kernel_release ../6.1",
		     "/plan:2: kernel_release is not that of a kernel" REMEDY);
	refused_line("host_tag", "host_tag .hidden",
		     "/plan:3: host_tag has other characters than letters, digits and . _ - :, or "
		     "begins with a dot" REMEDY);
	refused_line("host_tag", "host_tag 1234567890123456789012345678901234567890",
		     "/plan:3: host_tag is empty or longer than 39 bytes" REMEDY);
	refused_line("collector", "collector makedumpfile",
		     "/plan:8: collector does not begin with an absolute path without '..'" REMEDY);
	refused_line("module", "module virtio.ko",
		     "/plan:9: module path is not an absolute one without '..' and control "
		     "characters" REMEDY);
	refused_line("module", "module /lib/../x.ko",
		     "/plan:9: module path is not an absolute one without '..' and control "
		     "characters" REMEDY);
	refused_line("module", "module /x.ko a%0Ab",
		     "/plan:9: module options have control characters or more than 1024 "
		     "bytes" REMEDY);
}

static void test_targets_out_of_range(void **state)
{
	refused_line("target ext4", "target ext4/ uuid x /",
		     "/plan:11: target file system type is not one" REMEDY);
	refused_line("target ext4", "target ext4 name x /",
		     "/plan:11: target identity 'name' is not uuid, label, serial, wwid or "
		     "device" REMEDY);
	refused_line("target ext4", "target ext4 device vda1 /",
		     "/plan:11: target device is not below /dev" REMEDY);
	refused_line("target ext4", "target ext4 uuid x var/crash",
		     "/plan:11: target directory is not an absolute path without '..' and control "
		     "characters" REMEDY);
	refused_line("target ext4", "target ext4 uuid x /var/../..",
		     "/plan:11: target directory is not an absolute path without '..' and control "
		     "characters" REMEDY);
}

/* ---- writing ---- */

static void cannot_format(struct kd_plan *plan, const char *message)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_plan_format(plan, &out, &err), -KD_USAGE);
	assert_string_equal(err.msg, message);
}

static void test_format_refuses_what_parse_would_refuse(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	cannot_format(&plan, "this plan cannot be written: kernel_release or host_tag is missing");
	assert_int_equal(parse(full, &plan, &err), 0);
	plan.deadline_s = 5;
	cannot_format(&plan, "this plan cannot be written: deadline_s is not between 10 and 86400");
	plan.deadline_s = 10;
	plan.final_action = KD_ACTION_SHELL;
	cannot_format(&plan,
		      "this plan cannot be written: final_action is not reboot, halt or poweroff");
	plan.final_action = KD_ACTION_HALT;
	assert_int_equal(kd_strv_add(&plan.collector, "", &err), 0);
	cannot_format(&plan, "this plan cannot be written: collector has a word that is empty, has "
			     "control characters or more than 1024 bytes");
	kd_strv_fini(&plan.collector);
	char long_word[1001];
	memset(long_word, 'x', 1000);
	long_word[1000] = '\0';
	long_word[0] = '/';
	for (int i = 0; i < 9; i++)
		assert_int_equal(kd_strv_add(&plan.collector, long_word, &err), 0);
	cannot_format(&plan,
		      "this plan cannot be written: the collector's words are too long together");
	kd_strv_fini(&plan.collector);
	assert_int_equal(kd_plan_add_module(&plan, "relative.ko", "", &err), 0);
	cannot_format(&plan, "this plan cannot be written: module path is not an absolute one "
			     "without '..' and control characters");
}

static void test_format_refuses_a_plan_without_target(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { .deadline_s = 60, .target_timeout_s = 60 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_strdup(&plan.kernel_release, "6.1", &err), 0);
	assert_int_equal(kd_strdup(&plan.host_tag, "h", &err), 0);
	cannot_format(&plan, "this plan cannot be written: there is no target, or more than 8");
}

static void test_adding_beyond_the_limits(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };
	const struct kd_plan_target t = {
		.fstype = (char[]){ "xfs" },
		.id = (char[]){ "x" },
		.mount_options = (char[]){ "" },
		.dir = (char[]){ "/" },
	};

	for (int i = 0; i < KD_PLAN_MAX_MODULES; i++)
		assert_int_equal(kd_plan_add_module(&plan, "/m", "", &err), 0);
	assert_int_equal(kd_plan_add_module(&plan, "/m", "", &err), -KD_USAGE);
	assert_string_equal(err.msg, "a plan cannot hold more than 512 modules");
	for (int i = 0; i < KD_PLAN_MAX_TARGETS; i++)
		assert_int_equal(kd_plan_add_target(&plan, &t, &err), 0);
	assert_int_equal(kd_plan_add_target(&plan, &t, &err), -KD_USAGE);
	assert_string_equal(err.msg, "a plan cannot hold more than 8 targets");
}

static void test_longest_values_fit(void **state)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf first = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf second = { 0 };
	struct kd_err err = { 0 };
	/* Each byte of these takes three in the text. */
	char path[1025] = "/", options[1025], id[257], fstype[65];

	memset(path + 1, '\xff', 1023);
	path[1024] = '\0';
	memset(options, '%', 1024);
	options[1024] = '\0';
	memset(id, ' ', 256);
	id[256] = '\0';
	memset(fstype, 'f', 64);
	fstype[64] = '\0';
	assert_int_equal(parse(full, &plan, &err), 0);
	assert_int_equal(kd_plan_add_module(&plan, path, options, &err), 0);
	const struct kd_plan_target t = {
		.fstype = fstype, .id = id, .mount_options = options, .dir = path
	};
	assert_int_equal(kd_plan_add_target(&plan, &t, &err), 0);
	if (kd_plan_format(&plan, &first, &err))
		fail_msg("%s", err.msg);
	format_again(first.p, first.len, &second);
	assert_string_equal(first.p, second.p);
}

static void test_names(void **state)
{
	struct kd_err err = { 0 };

	for (int i = KD_ACTION_REBOOT; i <= KD_ACTION_DUMP_TO_ROOTFS; i++) {
		enum kd_action back = KD_ACTION_REBOOT;
		assert_int_equal(
			kd_action_from_name(kd_action_name((enum kd_action)i), &back, &err), 0);
		assert_int_equal(back, i);
	}
	assert_string_equal(kd_action_name(KD_ACTION_DUMP_TO_ROOTFS), "dump_to_rootfs");
	assert_string_equal(kd_action_name((enum kd_action)77), "unknown");
	assert_string_equal(kd_id_kind_name(KD_ID_WWID), "wwid");
	assert_string_equal(kd_id_kind_name((enum kd_id_kind)77), "unknown");

	enum kd_action kept = KD_ACTION_HALT;
	assert_int_equal(kd_action_from_name("Reboot", &kept, &err), -KD_USAGE);
	assert_int_equal(kept, KD_ACTION_HALT);
	assert_string_equal(err.msg, "'Reboot' is not an action: use reboot, halt, poweroff, shell "
				     "or dump_to_rootfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_plan_is_read),
		cmocka_unit_test(test_without_collector_the_engine_works),
		cmocka_unit_test(test_who_collects_is_said_exactly_once),
		cmocka_unit_test(test_canonical_text_is_reproduced),
		cmocka_unit_test(test_other_spellings_become_canonical),
		cmocka_unit_test(test_round_trip_of_generated_plans),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_text_behind_end),
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_lengths_and_counts_are_bounded),
		cmocka_unit_test(test_values_out_of_range),
		cmocka_unit_test(test_targets_out_of_range),
		cmocka_unit_test(test_format_refuses_what_parse_would_refuse),
		cmocka_unit_test(test_format_refuses_a_plan_without_target),
		cmocka_unit_test(test_adding_beyond_the_limits),
		cmocka_unit_test(test_longest_values_fit),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
