/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a capture needs: the lines Fedora's tool prints, and our own numbers. */
#include "capture-initrd/build/build.h"
#include "lib/planner/planner.h"
#include "tools/kdumpctl/ctl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { MIB = 1 << 20, MAX_MODULES_BYTES = 4 << 20 };

struct estimate {
	struct kd_ck_capture capture;
	struct kd_ck_estimate ours;
	uint64_t reserved_bytes;
	uint64_t default_bytes;	    /* of Fedora's table, for this machine's memory */
	uint64_t recommended_bytes; /* by Fedora's rule */
	struct kd_strv large;	    /* "name: bytes" */
};

static void estimate_fini(struct estimate *e)
{
	kd_strv_fini(&e->large);
}

/* "/lib/modules/x/kernel/virtio-blk.ko" is virtio_blk in /proc/modules. */
static bool is_module(const char *path, const char *name)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	for (; *name; name++, file++)
		if (*file != *name && !(*file == '-' && *name == '_'))
			return false;
	return *file == '.';
}

/* "ext4 1118208 2 - Live 0x0": as large as it is in the running kernel. */
static int add_modules(const struct ctl *ctl, const struct kd_plan *plan, struct estimate *e,
		       struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	char *save = NULL;
	int rc = 0;

	if (kd_root_read(ctl->root, "/proc/modules", MAX_MODULES_BYTES, &text, NULL, NULL))
		return 0; /* a kernel without modules */
	for (char *line = strtok_r(text, "\n", &save); !rc && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[64] = "";
		unsigned long long bytes = 0;
		if (sscanf(line, "%63s %llu", name, &bytes) != 2)
			continue;
		for (size_t i = 0; !rc && i < plan->module_count; i++) {
			if (!is_module(plan->modules[i].path, name))
				continue;
			e->capture.module_bytes += bytes;
			if (bytes >= MIB)
				rc = kd_strv_addf(&e->large, err, "%s: %llu", name, bytes);
		}
	}
	return rc;
}

static int look_at_kernel(const struct ctl *ctl, const struct kd_planner_facts *facts,
			  struct estimate *e, struct kd_err *err)
{
	struct kd_kexec_kernel kernel = { 0 };
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(ctl->root, facts->kernel_path, O_RDONLY, 0, err);

	if (fd < 0)
		return kd_wrap(err, "the capture kernel cannot be read");
	int rc = kd_kexec_probe_kernel(fd, facts->kernel_path, &kernel, err);
	e->capture.kernel_bytes = kernel.run_bytes;
	return rc;
}

static int look_at_image(const struct ctl *ctl, const struct kd_planner_facts *facts,
			 struct estimate *e, struct kd_err *err)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct stat st = { 0 };
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(ctl->root, facts->image_path, O_RDONLY, 0, err);

	if (fd < 0)
		return kd_wrap(err, "No kdump initial ramdisk found, run 'kdumpctl rebuild'");
	int rc = kd_root_stat(ctl->root, facts->image_path, &st, err);
	if (!rc)
		rc = kd_image_check(fd, facts->image_path, &plan, err);
	if (!rc)
		rc = kd_image_unpacked(fd, facts->image_path, &e->capture.unpacked_bytes, err);
	e->capture.initrd_bytes = (uint64_t)st.st_size;
	e->capture.engine = plan.collector.n == 0;
	return rc ? rc : add_modules(ctl, &plan, e, err);
}

static int look_at_machine(const struct ctl *ctl, struct estimate *e, struct kd_err *err)
{
	KD_AUTO(kd_host_kernel_fini) struct kd_host_kernel kernel = { 0 };
	KD_AUTO(kd_ck_value_fini) struct kd_ck_value value = { 0 };
	struct kd_host_crash_facts crash = { 0 };
	struct kd_ck_machine machine = { 0 };
	int rc = kd_host_crash_facts(ctl->root, &crash, err);

	if (!rc)
		rc = machine_facts(ctl, &kernel, &machine, err);
	if (rc)
		return rc;
	e->capture.ram_bytes = crash.ram_bytes.value;
	e->reserved_bytes = crash.size_bytes.value;
	const char *text = kd_ck_default(&machine);
	if (*text)
		rc = kd_ck_parse(text, &value, err);
	if (!rc && *text)
		e->default_bytes = kd_ck_select(&value, crash.ram_bytes.value);
	return rc;
}

/* Kernel, modules, three times the image and 16 MiB; never less than the table has. */
static void recommend(struct estimate *e)
{
	const struct kd_ck_capture *c = &e->capture;
	uint64_t sum = c->kernel_bytes + c->module_bytes + 3 * c->initrd_bytes + 16 * MIB;

	e->recommended_bytes = sum > e->default_bytes ? sum : e->default_bytes;
	kd_ck_estimate(c, &e->ours);
}

static unsigned long long mib(uint64_t bytes)
{
	return bytes / MIB;
}

static void print_lines(const struct estimate *e)
{
	printf("Reserved crashkernel:    %lluM\n", mib(e->reserved_bytes));
	printf("Recommended crashkernel: %lluM\n\n", mib(e->recommended_bytes));
	printf("Kernel image size:   %lluM\n", mib(e->capture.kernel_bytes));
	printf("Kernel modules size: %lluM\n", mib(e->capture.module_bytes));
	printf("Initramfs size:      %lluM\n", mib(e->capture.initrd_bytes));
	printf("Runtime reservation: 16M\n");
	printf("Large modules:%s\n", e->large.n ? "" : " <none>");
	for (size_t i = 0; i < e->large.n; i++)
		printf("    %s\n", e->large.v[i]);
	if (e->reserved_bytes < e->recommended_bytes)
		printf("WARNING: Current crashkernel size is lower than recommended size %lluM.\n",
		       mib(e->recommended_bytes));
}

static void print_explained(const struct estimate *e)
{
	char size[KD_SIZE_TEXT_BYTES];

	printf("\nWhat this capture takes, item by item:\n");
	for (size_t i = 0; i < e->ours.item_count; i++) {
		const struct kd_ck_item *it = &e->ours.items[i];
		printf("  %-16s %10s  %s%s%s%s\n", it->name, kd_format_size(it->bytes, size),
		       it->from, it->kernel ? " (" : "", it->kernel ? it->kernel : "",
		       it->kernel ? ")" : "");
	}
	printf("  %-16s %9lluM\n\n", "together", mib(e->ours.need_bytes));
	printf("crashkernel=%lluM leaves a quarter to spare. Below %lluM the image cannot boot, and\n"
	       "start refuses it.\n",
	       mib(e->ours.advised_bytes), mib(e->ours.floor_bytes));
	if (e->ours.advised_bytes < e->recommended_bytes)
		printf("The recommended %lluM above follow the rule of Fedora's tool, which allows for "
		       "an image\nof another kind; what is counted here is the image as it is.\n",
		       mib(e->recommended_bytes));
	else if (e->ours.need_bytes > e->recommended_bytes)
		printf("The recommended %lluM above follow the rule of Fedora's tool, which is too "
		       "little for\nthis kernel: go by the %lluM.\n",
		       mib(e->recommended_bytes), mib(e->ours.advised_bytes));
}

static void print_json(const struct estimate *e)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_json j = { .out = &out, .pretty = true };

	kd_json_open_object(&j, NULL);
	kd_json_u64(&j, "reserved_bytes", e->reserved_bytes);
	kd_json_u64(&j, "recommended_bytes", e->recommended_bytes);
	kd_json_u64(&j, "default_bytes", e->default_bytes);
	kd_json_u64(&j, "floor_bytes", e->ours.floor_bytes);
	kd_json_u64(&j, "need_bytes", e->ours.need_bytes);
	kd_json_u64(&j, "advised_bytes", e->ours.advised_bytes);
	kd_json_open_array(&j, "items");
	for (size_t i = 0; i < e->ours.item_count; i++) {
		kd_json_open_object(&j, NULL);
		kd_json_string(&j, "name", e->ours.items[i].name);
		kd_json_u64(&j, "bytes", e->ours.items[i].bytes);
		kd_json_string(&j, "from", e->ours.items[i].from);
		if (e->ours.items[i].kernel)
			kd_json_string(&j, "kernel", e->ours.items[i].kernel);
		kd_json_close_object(&j);
	}
	kd_json_close_array(&j);
	kd_json_close_object(&j);
	fputs(out.p ? out.p : "", stdout);
}

int cmd_estimate(struct ctl *ctl)
{
	KD_AUTO(kd_planner_facts_fini) struct kd_planner_facts facts = { 0 };
	KD_AUTO(estimate_fini) struct estimate e = { .capture.cpus = 1 };
	struct kd_err err = { 0 };
	int rc = kd_planner_gather_kernel(ctl->root, &ctl->config, &facts, &err);

	if (!rc)
		rc = look_at_kernel(ctl, &facts, &e, &err);
	if (!rc)
		rc = look_at_image(ctl, &facts, &e, &err);
	if (!rc)
		rc = look_at_machine(ctl, &e, &err);
	if (rc)
		return complain(&err);
	recommend(&e);
	if (ctl->json) {
		print_json(&e);
		return 0;
	}
	print_lines(&e);
	if (ctl->explain)
		print_explained(&e);
	return 0;
}
