/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/kexec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* A kernel that answers as the test wants and remembers what it was asked. */
struct fake_kernel {
	int answer;
	unsigned int loads, unloads;
	unsigned long flags;
	char cmdline[64];
};

static int fake_load(void *arg, int kernel_fd, int initrd_fd, const char *cmdline,
		     unsigned long flags)
{
	struct fake_kernel *k = arg;

	k->loads++;
	k->flags = flags;
	snprintf(k->cmdline, sizeof(k->cmdline), "%s", cmdline);
	return k->answer;
}

static int fake_unload(void *arg)
{
	struct fake_kernel *k = arg;

	k->unloads++;
	return k->answer;
}

static int file_of(const void *bytes, size_t len, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(kd_write_full(fd, bytes, len, "test", NULL), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* The fields of a bzImage that the loader looks at. */
static int bzimage(uint32_t init_size)
{
	uint8_t h[0x400] = { 0 };

	h[0x1fe] = 0x55;
	h[0x1ff] = 0xaa;
	memcpy(h + 0x202, "HdrS", 4);
	h[0x206] = 0x0f;
	h[0x207] = 0x02;
	h[0x239] = 0x08; /* cmdline_size 2048 */
	for (int i = 0; i < 4; i++)
		h[0x260 + i] = (uint8_t)(init_size >> 8 * i);
	return file_of(h, sizeof(h), 1 << 20);
}

static const struct kd_kexec_facts good_facts = {
	.reserved_known = true,
	.reserved_bytes = 128 << 20,
	.lockdown = "none",
};

struct load {
	struct fake_kernel kernel;
	struct kd_kexec_ops ops;
	struct kd_kexec_request req;
	struct kd_kexec_facts facts;
	struct kd_err err;
};

static void load_init(struct load *l)
{
	*l = (struct load){ .facts = good_facts };
	l->ops = (struct kd_kexec_ops){ .file_load = fake_load,
					.unload = fake_unload,
					.arg = &l->kernel };
	l->req = (struct kd_kexec_request){
		.kernel_fd = bzimage(40 << 20),
		.kernel_name = "/boot/vmlinuz-x",
		.initrd_fd = file_of("x", 1, 4 << 20),
		.initrd_name = "/boot/initramfs-xkdump.img",
		.cmdline = "console=ttyS0",
	};
}

static void load_fini(struct load *l)
{
	close(l->req.kernel_fd);
	close(l->req.initrd_fd);
}

static void test_load_passes_command_line_and_crash_flag(void **state)
{
	struct load l;

	load_init(&l);
	assert_int_equal(kd_kexec_load(&l.ops, &l.req, &l.facts, &l.err), 0);
	assert_int_equal(l.kernel.loads, 1);
	assert_int_equal(l.kernel.flags, KEXEC_FILE_ON_CRASH);
	assert_string_equal(l.kernel.cmdline, "console=ttyS0");
	load_fini(&l);
}

/* What must be refused without asking the kernel, which could drop the armed image. */
static void refused_before_call(struct load *l, int want, const char *text)
{
	assert_int_equal(kd_kexec_load(&l->ops, &l->req, &l->facts, &l->err), want);
	if (!strstr(l->err.msg, text))
		fail_msg("'%s' not in '%s'", text, l->err.msg);
	assert_int_equal(l->kernel.loads, 0);
	load_fini(l);
}

static void test_no_reservation_is_refused(void **state)
{
	struct load l;

	load_init(&l);
	l.facts.reserved_bytes = 0;
	refused_before_call(&l, -KD_NOTSUP,
			    "No memory reserved for crash kernel: add crashkernel=");
}

static void test_load_disabled_is_refused(void **state)
{
	struct load l;

	load_init(&l);
	l.facts.load_disabled = true;
	assert_int_equal(kd_kexec_unload(&l.ops, &l.facts, &l.err), -KD_NOTSUP);
	assert_int_equal(l.kernel.unloads, 0);
	refused_before_call(&l, -KD_NOTSUP, "kernel.kexec_load_disabled is 1");
}

static void test_image_that_cannot_boot_is_refused(void **state)
{
	struct load l;

	/* 40 MiB of kernel, 4 of image and 10 of files, 3 for any kernel, 1 of struct pages */
	load_init(&l);
	l.req.unpacked_bytes = 10 << 20;
	l.facts.reserved_bytes = 57 << 20;
	refused_before_call(&l, -KD_NOSPACE,
			    "/boot/vmlinuz-x takes 40 MiB, /boot/initramfs-xkdump.img 4 MiB and "
			    "10 MiB unpacked, with the least a kernel needs beside them 58 MiB, "
			    "but 57 MiB are reserved; set crashkernel=");
	load_init(&l);
	l.req.unpacked_bytes = 10 << 20;
	l.facts.reserved_bytes = 58 << 20;
	assert_int_equal(kd_kexec_load(&l.ops, &l.req, &l.facts, &l.err), 0);
	load_fini(&l);
	load_init(&l);
	l.req.force = true;
	l.facts.reserved_bytes = 16 << 20;
	assert_int_equal(kd_kexec_load(&l.ops, &l.req, &l.facts, &l.err), 0);
	assert_int_equal(l.kernel.loads, 1);
	load_fini(&l);
}

static void test_not_a_kernel_is_refused(void **state)
{
	struct load l;

	load_init(&l);
	close(l.req.kernel_fd);
	l.req.kernel_fd = file_of("#!/bin/sh\n", 10, 8192);
	refused_before_call(&l, -KD_BADDATA, "/boot/vmlinuz-x is not a Linux kernel");

	load_init(&l);
	close(l.req.kernel_fd);
	l.req.kernel_fd = file_of("x", 1, 100);
	refused_before_call(&l, -KD_BADDATA, "/boot/vmlinuz-x is only 100 bytes long");
}

static void test_empty_initrd_is_refused(void **state)
{
	struct load l;

	load_init(&l);
	assert_int_equal(ftruncate(l.req.initrd_fd, 0), 0);
	refused_before_call(&l, -KD_BADDATA, "/boot/initramfs-xkdump.img is empty");
}

static void test_command_line_too_long_is_refused(void **state)
{
	char cmdline[3000];
	struct load l;

	load_init(&l);
	memset(cmdline, 'a', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = '\0';
	l.req.cmdline = cmdline;
	refused_before_call(&l, -KD_USAGE, "2999 bytes long, /boot/vmlinuz-x takes 2048");
}

/* What only the kernel can tell: errno, state of the machine, and the words for it. */
static void test_kernel_errors_name_cause_and_remedy(void **state)
{
	static const struct {
		int sys;
		const char *lockdown;
		int want;
		const char *text;
	} cases[] = {
		{ EPERM, "none", -KD_SYS, "run as root" },
		{ EPERM, "integrity", -KD_SYS, "locked down" },
		{ EBUSY, "none", -KD_SYS, "another load or unload is going on" },
		{ ENOEXEC, "none", -KD_SYS, "not a kernel" },
		{ EADDRNOTAVAIL, "none", -KD_NOSPACE, "no room in the reserved memory" },
		{ ENOMEM, "none", -KD_NOSPACE, "no room in the reserved memory" },
		{ EKEYREJECTED, "none", -KD_SYS, "signature" },
		{ ENOSYS, "none", -KD_SYS, "CONFIG_KEXEC_FILE" },
		{ EIO, "none", -KD_SYS, "Input/output error" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct load l;
		load_init(&l);
		l.kernel.answer = cases[i].sys;
		snprintf(l.facts.lockdown, sizeof(l.facts.lockdown), "%s", cases[i].lockdown);
		assert_int_equal(kd_kexec_load(&l.ops, &l.req, &l.facts, &l.err), cases[i].want);
		if (!strstr(l.err.msg, cases[i].text))
			fail_msg("errno %d: '%s' not in '%s'", cases[i].sys, cases[i].text,
				 l.err.msg);
		assert_int_equal(l.err.sys, cases[i].sys);
		load_fini(&l);
	}
}

static void test_unload_reports_the_kernels_answer(void **state)
{
	struct load l;

	load_init(&l);
	assert_int_equal(kd_kexec_unload(&l.ops, &l.facts, &l.err), 0);
	assert_int_equal(l.kernel.unloads, 1);
	l.kernel.answer = EBUSY;
	assert_int_equal(kd_kexec_unload(&l.ops, &l.facts, &l.err), -KD_SYS);
	assert_non_null(strstr(l.err.msg, "another load or unload"));
	load_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_passes_command_line_and_crash_flag),
		cmocka_unit_test(test_no_reservation_is_refused),
		cmocka_unit_test(test_load_disabled_is_refused),
		cmocka_unit_test(test_image_that_cannot_boot_is_refused),
		cmocka_unit_test(test_not_a_kernel_is_refused),
		cmocka_unit_test(test_empty_initrd_is_refused),
		cmocka_unit_test(test_command_line_too_long_is_refused),
		cmocka_unit_test(test_kernel_errors_name_cause_and_remedy),
		cmocka_unit_test(test_unload_reports_the_kernels_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
