/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/accel.h"

#include "lab/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum { PROOF_MS = 10000 };

static int boot_id(char **ret, struct kd_err *err)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	int rc = kd_root_open("/", &root, err);

	return rc ? rc : kd_root_read_line(root, "/proc/sys/kernel/random/boot_id", ret, err);
}

/* "<boot id> kvm|tcg <why>" */
static bool read_answer(const char *path, const char *id, enum kd_lab_accel *ret, char *why,
			size_t size)
{
	KD_AUTO(kd_freep) char *text = NULL;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = strlen(id);

	if (fd < 0 || kd_read_all(fd, 1024, &text, NULL, path, NULL))
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, id, len) != 0 || text[len] != ' ')
		return false;
	const char *answer = text + len + 1;
	if (strncmp(answer, "kvm ", 4) == 0)
		*ret = KD_LAB_ACCEL_KVM;
	else if (strncmp(answer, "tcg ", 4) == 0)
		*ret = KD_LAB_ACCEL_TCG;
	else
		return false;
	snprintf(why, size, "%s", answer + 4);
	return true;
}

struct proof {
	char tail[4096]; /* of the console: the text looked for may come in two pieces */
	size_t len;
	bool spoke;
};

static void look(struct proof *p, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p->len == sizeof(p->tail) - 1) {
			memmove(p->tail, p->tail + sizeof(p->tail) / 2, sizeof(p->tail) / 2);
			p->len -= sizeof(p->tail) / 2;
		}
		if (data[i])
			p->tail[p->len++] = data[i];
	}
	p->tail[p->len] = '\0';
	p->spoke = p->spoke || strstr(p->tail, "Linux version ");
}

/* true: the guest's kernel spoke in time. */
static bool wait_for_kernel(const struct kd_lab_vm *vm, char *why, size_t size)
{
	uint64_t start = kd_monotonic_ms();
	struct proof proof = { 0 };
	char buf[1024];

	snprintf(why, size, "a guest under KVM printed nothing in %d s", PROOF_MS / 1000);
	for (;;) {
		uint64_t spent = kd_monotonic_ms() - start;
		struct pollfd p[] = { { .fd = vm->console_fd, .events = POLLIN },
				      { .fd = vm->pidfd, .events = POLLIN } };
		if (spent >= PROOF_MS)
			return false;
		if (poll(p, KD_ARRAY_LEN(p), (int)(PROOF_MS - spent)) < 0 && errno != EINTR)
			return false;
		ssize_t n = read(vm->console_fd, buf, sizeof(buf));
		if (n > 0)
			look(&proof, buf, (size_t)n);
		if (proof.spoke) {
			snprintf(why, size, "a guest under KVM printed after %ju ms",
				 (uintmax_t)(kd_monotonic_ms() - start));
			return true;
		}
		if (p[1].revents) {
			snprintf(why, size, "QEMU with KVM ended at once (see lab/kvm-proof.log)");
			return false;
		}
	}
}

static int prove(const struct kd_lab_env *env, const char *kernel, bool *works, char *why,
		 size_t size, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *image = NULL, *log = NULL;
	struct kd_lab_vm vm = { .pidfd = -1, .console_fd = -1, .gdb_fd = -1, .qmp.fd = -1 };
	int rc = kd_lab_env_kernel(env, kernel, &image, err);
	if (!rc)
		rc = kd_asprintf(&log, err, "%s/lab/kvm-proof.log", env->build);
	if (rc)
		return rc;
	const struct kd_lab_vm_opts opts = {
		.name = "kvm-proof",
		.accel = KD_LAB_ACCEL_KVM,
		.memory_mib = 512,
		.cpus = 1,
		.kernel = image,
		.append = "console=ttyS0 panic=0",
		.log = log,
	};
	rc = kd_lab_vm_start(&opts, &vm, err);
	if (rc)
		return rc;
	*works = wait_for_kernel(&vm, why, size);
	kd_lab_vm_stop(&vm);
	return 0;
}

int kd_lab_accel_resolve(const struct kd_lab_env *env, const char *kernel, enum kd_lab_accel *ret,
			 char why_ret[160], struct kd_err *err)
{
	KD_AUTO(kd_freep) char *id = NULL, *path = NULL, *text = NULL;
	bool works = false;
	int rc = boot_id(&id, err);

	if (!rc)
		rc = kd_asprintf(&path, err, "%s/lab/accel", env->build);
	if (rc)
		return rc;
	/* Not kept: cheap to find out, and another user may be allowed to. */
	if (access("/dev/kvm", R_OK | W_OK)) {
		*ret = KD_LAB_ACCEL_TCG;
		snprintf(why_ret, 160, "/dev/kvm: %s", strerror(errno));
		return 0;
	}
	if (read_answer(path, id, ret, why_ret, 160))
		return 0;
	rc = prove(env, kernel, &works, why_ret, 160, err);
	if (rc)
		return kd_wrap(err, "finding out whether KVM works");
	*ret = works ? KD_LAB_ACCEL_KVM : KD_LAB_ACCEL_TCG;
	rc = kd_asprintf(&text, err, "%s %s %s\n", id, kd_lab_accel_name(*ret), why_ret);
	return rc ? rc : kd_lab_write_file(path, text, strlen(text), 0644, err);
}
