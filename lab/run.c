/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/run.h"

#include "lab/check.h"
#include "lab/console.h"
#include "lab/disk.h"
#include "lab/files.h"
#include "lab/follow.h"
#include "lab/gdb.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	TICK_MS = 500,
	MAX_CONSOLE_BYTES = 64 << 20, /* a guest printing in circles must not fill the disk */
	HOST_SPARE_MIB = 512,
};

void kd_lab_result_fini(struct kd_lab_result *result)
{
	free(result->dir);
	free(result->dump);
	*result = (struct kd_lab_result){ 0 };
}

int kd_lab_append(const struct kd_lab_env *env, const struct kd_lab_case *c, bool shell, char **ret,
		  struct kd_err *err)
{
	/*
	 * tsc=reliable, no_timer_check: without a steady clock underneath, the calibrations of a
	 * guest under TCG fail now and then on a busy host. panic=1: a panic that kdump does not
	 * catch ends the run at once.
	 */
	return kd_asprintf(ret, err, "root=/dev/vda console=ttyS0 crashkernel=%s panic=1%s%s%s%s",
			   c->crashkernel,
			   env->accel == KD_LAB_ACCEL_TCG ? " tsc=reliable no_timer_check" : "",
			   c->append ? " " : "", c->append ? c->append : "",
			   shell ? " lab.shell" : "");
}

/* A run in progress. */
struct machine {
	const struct kd_lab_env *env;
	const struct kd_lab_case *c;
	char *dir, *kernel, *initrd, *append, *disk, *extra, *log, *memory;
	struct kd_lab_vm vm;
	struct kd_lab_console console;
	struct kd_lab_follow follow;
};

static void machine_fini(struct machine *m)
{
	kd_lab_vm_stop(&m->vm);
	kd_lab_console_close(&m->console);
	kd_lab_follow_fini(&m->follow);
	free(m->dir);
	free(m->kernel);
	free(m->initrd);
	free(m->append);
	free(m->disk);
	free(m->extra);
	free(m->log);
	free(m->memory);
}

static void on_line(void *arg, const char *line, uint64_t now_ms)
{
	struct machine *m = arg;

	kd_lab_follow_line(&m->follow, line, now_ms);
}

/* An empty directory for the run, the disks, and where everything is. */
static int machine_init(struct machine *m, const struct kd_lab_env *env,
			const struct kd_lab_case *c, bool shell, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *base = NULL;

	*m = (struct machine){ .env = env, .c = c };
	m->vm = (struct kd_lab_vm){ .pidfd = -1, .console_fd = -1, .gdb_fd = -1, .qmp.fd = -1 };
	m->console = (struct kd_lab_console){ .log_fd = -1, .times_fd = -1 };
	int rc = kd_asprintf(&m->dir, err, "%s/%s", env->out, c->name);
	if (!rc)
		rc = kd_lab_remove_tree(m->dir, err);
	if (!rc)
		rc = kd_lab_mkdirs(m->dir, err);
	if (!rc)
		rc = kd_lab_disk_base(env, c->kernel, &base, &m->initrd, err);
	if (!rc)
		rc = kd_lab_disk_case(env, c, base, m->dir, err);
	if (!rc)
		rc = kd_lab_env_kernel(env, c->kernel, &m->kernel, err);
	if (!rc)
		rc = kd_lab_append(env, c, shell, &m->append, err);
	if (!rc)
		rc = kd_asprintf(&m->disk, err, "%s/disk.img", m->dir);
	if (!rc && c->disk_mib)
		rc = kd_asprintf(&m->extra, err, "%s/extra.img", m->dir);
	if (!rc)
		rc = kd_asprintf(&m->log, err, "%s/qemu.log", m->dir);
	if (!rc)
		rc = kd_asprintf(&m->memory, err, "%s/guest.elf", m->dir);
	return rc;
}

static int switch_on(struct machine *m, bool on_terminal, struct kd_err *err)
{
	const struct kd_lab_vm_opts opts = {
		.name = m->c->name,
		.accel = m->env->accel,
		.efi = m->c->efi,
		.memory_mib = m->c->memory_mib,
		.cpus = m->c->cpus,
		.kernel = m->kernel,
		.initrd = m->initrd,
		.append = m->append,
		.disk = m->disk,
		.extra_disk = m->extra,
		.vmcoreinfo = m->c->trigger == KD_LAB_TRIGGER_QEMU,
		.debugger = m->c->debugger && !on_terminal,
		.log = m->log,
		.on_terminal = on_terminal,
	};

	kd_lab_vm_stop(&m->vm);
	return kd_lab_vm_start(&opts, &m->vm, err);
}

/* Everything the console has for us now. */
static int drain_console(struct machine *m, struct kd_err *err)
{
	char buf[16384];

	for (;;) {
		ssize_t n = read(m->vm.console_fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0; /* nothing now, or QEMU has ended: its control channel tells */
		int rc = kd_lab_console_feed(&m->console, buf, (size_t)n, kd_monotonic_ms(), err);
		if (rc)
			return rc;
		if (m->console.bytes > MAX_CONSOLE_BYTES)
			return kd_fail(err, KD_BADDATA, "the guest printed more than %d MiB",
				       MAX_CONSOLE_BYTES >> 20);
	}
}

/* An event is handled after all console output that was sent before it. */
static int take_events(struct machine *m, struct kd_err *err)
{
	for (;;) {
		enum kd_lab_qmp_event event = KD_LAB_QMP_NONE;
		int rc = kd_lab_qmp_next(&m->vm.qmp, &event, err);
		uint64_t now = kd_monotonic_ms();
		if (!rc)
			rc = drain_console(m, err);
		if (rc || event == KD_LAB_QMP_NONE)
			return rc;
		kd_lab_follow_event(&m->follow, event, now);
		if (m->follow.power_on || event == KD_LAB_QMP_EOF)
			return 0;
	}
}

static int type(struct machine *m, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };

	for (size_t i = 0; i < m->c->type.n; i++)
		kd_buf_printf(&text, "%s\n", m->c->type.v[i]);
	if (text.bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	/* No signal where QEMU has just ended: its control channel tells. */
	if (text.len && send(m->vm.console_fd, text.p, text.len, MSG_NOSIGNAL) < (ssize_t)text.len)
		return kd_fail_sys(err, errno, "type into the console");
	return 0;
}

/* What the walk asks the lab to do. */
static int obey(struct machine *m, struct kd_err *err)
{
	const struct kd_lab_wish wish = m->follow.wish;

	if (m->follow.power_on) {
		m->follow.power_on = false;
		return switch_on(m, false, err);
	}
	if (m->follow.type) {
		m->follow.type = false;
		return type(m, err);
	}
	m->follow.wish.kind = KD_LAB_WISH_NONE;
	if (wish.kind == KD_LAB_WISH_POKE)
		return kd_lab_gdb_fill(m->vm.gdb_fd, wish.addr, wish.len, 'X', err);
	if (wish.kind == KD_LAB_WISH_WRITABLE)
		return kd_lab_gdb_tell_writable(m->vm.gdb_fd, wish.addr, wish.len, wish.answer,
						err);
	if (!m->follow.dump)
		return 0;
	m->follow.dump = false;
	return kd_lab_qmp_dump(&m->vm.qmp, m->memory, err);
}

static int watch(struct machine *m, struct kd_err *err)
{
	while (!kd_lab_follow_over(&m->follow)) {
		struct pollfd p[] = { { .fd = m->vm.console_fd, .events = POLLIN },
				      { .fd = m->vm.qmp.fd, .events = POLLIN } };
		if (poll(p, KD_ARRAY_LEN(p), TICK_MS) < 0 && errno != EINTR)
			return kd_fail_sys(err, errno, "wait for the machine");
		int rc = drain_console(m, err);
		if (!rc)
			rc = take_events(m, err);
		if (!rc)
			rc = obey(m, err);
		if (rc)
			return rc;
		kd_lab_follow_clock(&m->follow, kd_monotonic_ms(), kd_lab_vm_cpu_ms(&m->vm));
	}
	return 0;
}

static void KD_PRINTF(3, 4)
	decide(struct kd_lab_result *r, enum kd_lab_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	r->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
}

/* Not enough memory to hold the guest: a reason to skip, not to fail after minutes of swapping. */
static bool is_too_large(const struct kd_lab_case *c, uint64_t *free_mib)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	unsigned long long kib = 0;

	if (kd_root_open("/", &root, NULL) ||
	    kd_root_read(root, "/proc/meminfo", 1 << 16, &text, NULL, NULL))
		return false;
	const char *at = strstr(text, "MemAvailable:");
	if (!at || sscanf(at, "MemAvailable: %llu", &kib) != 1)
		return false;
	*free_mib = kib >> 10;
	return *free_mib < c->memory_mib + HOST_SPARE_MIB;
}

static void discard_images(const struct machine *m)
{
	/* A leftover image only takes room: the verdict stands. */
	if (unlink(m->disk) && errno != ENOENT)
		fprintf(stderr, "kdump-lab: remove %s: %s\n", m->disk, strerror(errno));
	if (m->extra && unlink(m->extra) && errno != ENOENT)
		fprintf(stderr, "kdump-lab: remove %s: %s\n", m->extra, strerror(errno));
}

static void judge(struct machine *m, struct kd_lab_result *r)
{
	struct kd_err err = { 0 };
	const struct kd_lab_evidence evidence = {
		.c = m->c,
		.timeline = &m->follow.timeline,
		.guest = &m->follow.guest,
		.console = &m->follow.lines,
		.dir = m->dir,
		.build = m->env->build,
	};

	int rc = m->c->trigger == KD_LAB_TRIGGER_QEMU
			 ? kd_lab_check_memory(&evidence, m->memory, &r->dump, &err)
			 : kd_lab_check_all(&evidence, &r->dump, &err);
	if (rc)
		decide(r, KD_LAB_FAIL, "%s", err.msg);
	else
		decide(r, KD_LAB_PASS, "%s", "");
}

static bool was_on_console(const struct kd_lab_follow *f, const char *text)
{
	const struct kd_strv *const both[] = { &f->guest, &f->lines };

	for (size_t b = 0; b < KD_ARRAY_LEN(both); b++)
		for (size_t i = 0; i < both[b]->n; i++)
			if (strstr(both[b]->v[i], text))
				return true;
	return false;
}

/* On a kernel without the patch the case has to fail, and for the reason it names. */
static void judge_unpatched(const struct machine *m, struct kd_lab_result *r)
{
	const char *why = m->c->unpatched_fails;
	char reason[sizeof(r->reason)];

	if (r->verdict == KD_LAB_PASS) {
		decide(r, KD_LAB_FAIL, "passes on the unpatched kernel too, so it proves nothing");
	} else if (r->verdict == KD_LAB_FAIL) {
		snprintf(reason, sizeof(reason), "%s", r->reason);
		if (strstr(reason, why) || was_on_console(&m->follow, why))
			decide(r, KD_LAB_PASS, "%s", "");
		else
			decide(r, KD_LAB_FAIL,
			       "fails on the unpatched kernel, but not for '%s': %s", why, reason);
	}
}

void kd_lab_run_case(const struct kd_lab_env *env, const struct kd_lab_case *c,
		     struct kd_lab_result *ret)
{
	KD_AUTO(machine_fini) struct machine m = { 0 };
	struct kd_err err = { 0 };
	uint64_t start = kd_monotonic_ms(), free_mib = 0;

	*ret = (struct kd_lab_result){ .verdict = KD_LAB_BROKEN };
	if (is_too_large(c, &free_mib)) {
		decide(ret, KD_LAB_SKIP, "needs %ju MiB of memory, %ju MiB are free",
		       (uintmax_t)c->memory_mib + HOST_SPARE_MIB, (uintmax_t)free_mib);
		return;
	}
	int rc = machine_init(&m, env, c, false, &err);
	if (!rc)
		rc = kd_lab_console_open(&m.console, m.dir, &err);
	if (!rc) {
		m.console.on_line = on_line;
		m.console.arg = &m;
		kd_lab_follow_init(&m.follow, c, kd_monotonic_ms());
		rc = switch_on(&m, false, &err);
	}
	if (!rc)
		rc = watch(&m, &err);
	kd_lab_vm_stop(&m.vm);
	ret->timeline = m.follow.timeline;
	ret->dir = KD_STEAL(m.dir);
	if (rc)
		decide(ret, KD_LAB_BROKEN, "%s", err.msg);
	else if (m.follow.failed)
		decide(ret, KD_LAB_FAIL, "%s", m.follow.why);
	else {
		m.dir = ret->dir;
		judge(&m, ret);
		m.dir = NULL;
	}
	if (env->unpatched)
		judge_unpatched(&m, ret);
	if (ret->verdict == KD_LAB_PASS && !env->keep)
		discard_images(&m);
	ret->wall_ms = kd_monotonic_ms() - start;
}

int kd_lab_shell_case(const struct kd_lab_env *env, const struct kd_lab_case *c, struct kd_err *err)
{
	KD_AUTO(machine_fini) struct machine m = { 0 };
	int rc = machine_init(&m, env, c, true, err);

	if (!rc)
		rc = switch_on(&m, true, err);
	if (rc)
		return rc;
	while (waitpid(m.vm.pid, NULL, 0) < 0 && errno == EINTR)
		;
	m.vm.pid = 0;
	return 0;
}
