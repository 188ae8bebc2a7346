/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/build.h"
#include "config.h"
#include "lib/planner/planner.h"
#include "tools/kdumpctl/ctl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define INIT_PATH KD_LIBDIR "/kdump-init"

/* A new image beside the old one, not yet in its place. */
struct new_image {
	const struct kd_root *root;
	const char *path;
	int fd; /* read-only once built; -1: none */
};

static void new_image_abort(struct new_image *image)
{
	if (image->fd >= 0)
		kd_root_replace_abort(image->root, image->path, image->fd);
	image->fd = -1;
}

static bool same_content(const struct new_image *image)
{
	char new_hash[KD_SHA256_HEX_BYTES], old_hash[KD_SHA256_HEX_BYTES];
	KD_AUTO(kd_closep) int old = kd_root_openat(image->root, image->path, O_RDONLY, 0, NULL);

	return old >= 0 && kd_sha256_fd(image->fd, image->path, new_hash, NULL, NULL) == 0 &&
	       kd_sha256_fd(old, image->path, old_hash, NULL, NULL) == 0 &&
	       strcmp(new_hash, old_hash) == 0;
}

/* A file whose bytes would not change is left alone, with its time stamp. */
static int new_image_commit(struct new_image *image, struct kd_err *err)
{
	if (same_content(image)) {
		new_image_abort(image);
		return 0;
	}
	return kd_root_replace_commit(image->root, image->path, KD_STEAL_FD(image->fd), err);
}

static void describe(const struct kd_plan *plan, const char *path, const struct kd_image_stats *s)
{
	char packed[KD_SIZE_TEXT_BYTES], unpacked[KD_SIZE_TEXT_BYTES];

	say("built %s: %s (%s unpacked), %zu files, %zu modules", path,
	    kd_format_size(s->image_bytes, packed), kd_format_size(s->unpacked_bytes, unpacked),
	    s->file_count, plan->module_count);
	for (size_t i = 0; i < plan->target_count; i++)
		say("saves to %s %s=%s, directory %s", plan->targets[i].fstype,
		    kd_id_kind_name(plan->targets[i].id_kind), plan->targets[i].id,
		    plan->targets[i].dir);
	if (plan->collector.n > 0)
		say("collector: %s", plan->collector.v[0]);
	else
		say("collector: built-in engine, dump level %u, %s, %s", plan->engine.level,
		    plan->engine.elf ? "ELF" : "diskdump",
		    plan->engine.codec == KD_PLAN_NONE ? "not compressed"
						       : kd_plan_codec_name(plan->engine.codec));
}

/* Builds below the final name with ".kd-new" and reads it back. */
static int build_image(const struct ctl *ctl, const struct kd_planner_facts *facts,
		       struct new_image *image, struct kd_err *err)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	KD_AUTO(kd_plan_fini) struct kd_plan seen = { 0 };
	struct kd_image_stats stats = { 0 };
	int rc = kd_planner_plan(&ctl->config, facts, &plan, err);

	if (!rc && strncmp(facts->image_path, "/var/lib/kdump/", 15) == 0)
		rc = kd_root_mkdirs(ctl->root, "/var/lib/kdump", 0700, err);
	if (rc)
		return rc;
	image->fd = kd_root_replace_begin(ctl->root, facts->image_path, 0600, err);
	if (image->fd < 0)
		return image->fd;
	rc = kd_image_build(ctl->root, &plan, INIT_PATH,
			    kd_image_codec_for(ctl->root, facts->config_path), image->fd, &stats,
			    err);
	if (!rc) {
		int reader = kd_root_replace_reopen(ctl->root, facts->image_path,
						    KD_STEAL_FD(image->fd), err);
		image->fd = reader;
		rc = reader < 0 ? reader : kd_image_check(reader, facts->image_path, &seen, err);
	}
	if (!rc)
		describe(&plan, facts->image_path, &stats);
	return rc;
}

static int open_image(const struct ctl *ctl, const struct kd_planner_facts *facts,
		      struct kd_err *err)
{
	int fd = kd_root_openat(ctl->root, facts->image_path, O_RDONLY, 0, err);

	if (fd < 0)
		kd_wrap(err, "No kdump initial ramdisk found, run 'kdumpctl rebuild'");
	return fd;
}

/* The kernel may have dropped the old image when it refused the new one. */
static void restore_previous(const struct ctl *ctl, const struct kd_kexec_facts *before,
			     struct kd_kexec_request req, const struct kd_planner_facts *facts)
{
	struct kd_kexec_facts now = { 0 };
	struct kd_err err = { 0 };
	bool supported = false;

	if (!before->loaded)
		return;
	if (kexec_facts(ctl, &now, &supported, &err) == 0 && now.loaded) {
		say("the previous capture kernel is still loaded");
		return;
	}
	KD_AUTO(kd_closep) int fd = open_image(ctl, facts, &err);
	req.initrd_fd = fd;
	req.initrd_name = facts->image_path;
	req.force = true; /* it was loaded before */
	if (fd >= 0 && kd_kexec_load(ctl->kexec, &req, &now, &err) == 0)
		say("the previous image was loaded again");
	else
		say("Error: NO capture kernel is loaded now; the previous image could not be "
		    "loaded again: %s",
		    err.msg);
}

/* KEXEC_ARGS: -c is kexec_load; -s, the default, kexec_file_load where the kernel has it. */
static enum kd_kexec_how call_of(const struct ctl *ctl)
{
	const char *p = ctl->config.kexec_args.text ? ctl->config.kexec_args.text : "";
	enum kd_kexec_how call = KD_KEXEC_HOW_AUTO;

	for (; *p; p += strspn(p, " \t")) {
		size_t len = strcspn(p, " \t");
		if (len == 2 && p[0] == '-' && (p[1] == 'c' || p[1] == 's'))
			call = p[1] == 'c' ? KD_KEXEC_HOW_CLASSIC : KD_KEXEC_HOW_AUTO;
		p += len;
	}
	return call;
}

static int load_image(const struct ctl *ctl, const struct kd_planner_facts *facts, int image_fd,
		      const struct kd_kexec_facts *kfacts, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *cmdline = NULL;
	KD_AUTO(kd_closep)
	int kernel_fd = kd_root_openat(ctl->root, facts->kernel_path, O_RDONLY, 0, err);
	if (kernel_fd < 0)
		return kd_wrap(err, "the capture kernel cannot be read");
	int rc = kd_planner_cmdline(&ctl->config, facts, &cmdline, err);
	if (rc)
		return rc;

	struct kd_kexec_request req = {
		.kernel_fd = kernel_fd,
		.kernel_name = facts->kernel_path,
		.initrd_fd = image_fd,
		.initrd_name = facts->image_path,
		.force = ctl->force,
		.cmdline = cmdline,
		.how = call_of(ctl),
		.root = ctl->root,
		.log = &ctl->log,
	};
	rc = kd_image_unpacked(image_fd, facts->image_path, &req.unpacked_bytes, err);
	if (rc)
		return rc;
	if (!ctl->kexec) {
		rc = kd_kexec_check(&req, kfacts, err);
		if (!rc)
			say("--root: would load %s with %s and the command line: %s",
			    facts->kernel_path, facts->image_path, cmdline);
		return rc;
	}
	rc = kd_kexec_load(ctl->kexec, &req, kfacts, err);
	if (rc) {
		say("kexec: failed to load kdump kernel");
		restore_previous(ctl, kfacts, req, facts);
		return rc;
	}
	say("kexec: loaded kdump kernel");
	return 0;
}

static int arm_new(const struct ctl *ctl, const struct kd_planner_facts *facts,
		   const struct kd_kexec_facts *kfacts, struct kd_err *err)
{
	KD_AUTO(new_image_abort)
	struct new_image image = { .root = ctl->root, .path = facts->image_path, .fd = -1 };
	int rc = build_image(ctl, facts, &image, err);

	if (!rc)
		rc = load_image(ctl, facts, image.fd, kfacts, err);
	if (rc)
		return rc;
	/* Only an image the kernel has taken replaces the file of the one before. */
	rc = new_image_commit(&image, err);
	if (rc && ctl->kexec)
		return kd_wrap(err, "the new image is loaded, but its file could not be kept");
	return rc;
}

static int arm_kept(const struct ctl *ctl, const struct kd_planner_facts *facts,
		    const struct kd_kexec_facts *kfacts, struct kd_err *err)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	KD_AUTO(kd_closep) int fd = open_image(ctl, facts, err);

	if (fd < 0)
		return fd;
	int rc = kd_image_check(fd, facts->image_path, &plan, err);
	if (!rc && strcmp(plan.kernel_release, facts->release) != 0)
		rc = kd_fail(err, KD_BADDATA,
			     "%s was built for the kernel %s, not for %s: run 'kdumpctl restart'",
			     facts->image_path, plan.kernel_release, facts->release);
	return rc ? rc : load_image(ctl, facts, fd, kfacts, err);
}

int arm(struct ctl *ctl, enum image_source source, const struct kd_kexec_facts *kfacts,
	struct kd_err *err)
{
	KD_AUTO(kd_planner_facts_fini) struct kd_planner_facts facts = { 0 };
	int rc = kd_planner_gather(ctl->root, &ctl->config, &ctl->log, &facts, err);

	if (rc)
		return rc;
	return source == IMAGE_BUILD ? arm_new(ctl, &facts, kfacts, err)
				     : arm_kept(ctl, &facts, kfacts, err);
}

int rebuild_image(struct ctl *ctl, struct kd_err *err)
{
	KD_AUTO(kd_planner_facts_fini) struct kd_planner_facts facts = { 0 };
	int rc = kd_planner_gather(ctl->root, &ctl->config, &ctl->log, &facts, err);

	if (rc)
		return rc;

	KD_AUTO(new_image_abort)
	struct new_image image = { .root = ctl->root, .path = facts.image_path, .fd = -1 };
	rc = build_image(ctl, &facts, &image, err);
	return rc ? rc : new_image_commit(&image, err);
}
