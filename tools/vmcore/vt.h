/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcore - the analyst's tool. main.c finds the verb; each cmd_<verb>.c is one;
 * job.c is what dump and convert share, files.c opens what the command line names,
 * tell.c prints results and progress.
 */
#ifndef KD_TOOLS_VMCORE_VT_H
#define KD_TOOLS_VMCORE_VT_H

#include "lib/base/base.h"
#include "lib/dump/dump.h"
#include "lib/sink/sink.h"
#include "lib/vmcore/vmcore.h"

#include <stdbool.h>

/* Exit statuses; part of the interface, see vmcore(1). */
enum { VT_DONE = 0, VT_REFUSED = 1, VT_DAMAGED = 2 };

/* ---- main.c ---- */

/** vt_say() - "vmcore: ..." on standard error */
void vt_say(const char *fmt, ...) KD_PRINTF(1, 2);
/** vt_complain() - an error, once, at the top; returns VT_REFUSED */
int vt_complain(const struct kd_err *err);
/** vt_log() - warnings of the libraries, and with KD_DEBUG more, on standard error */
const struct kd_log *vt_log(void);
void vt_usage(FILE *to);

/* For verbs whose only options are --json and --help: 0 and optind is at the first argument, 1
 * help was asked for and given, negative: a mistake, told. */
int vt_simple_options(int argc, char **argv, bool *json_ret);

/* ---- files.c ---- */

struct vt_input {
	int *fds;
	size_t n;
	struct kd_vmcore *core;
};

/** vt_input_open() - one dump, or all parts of a split one; vt_input_fini() */
int vt_input_open(char *const paths[], size_t n, struct vt_input *ret,
		  struct kd_err *err) KD_MUST_CHECK;
/** vt_input_is_file() - or is the first of them a device? */
bool vt_input_is_file(const struct vt_input *in);
void vt_input_fini(struct vt_input *in);

struct vt_output {
	struct kd_sink *sink;
	int dir_fd; /* -1: none */
	int fd;	    /* of a device or pipe we opened; -1: none */
	bool is_stdout;
};

/** vt_output_open() - @path NULL or "-": standard output; @direct: past the page cache, where that
 * can be had; vt_output_fini() */
int vt_output_open(const char *path, bool flattened, bool direct, struct vt_output *ret,
		   struct kd_err *err) KD_MUST_CHECK;
void vt_output_fini(struct vt_output *out); /* aborts the sink if it is still there */

/* ---- job.c ---- */

/** vt_job() - the command line of dump (@n_max_inputs 1) and convert, and what it asks for */
int vt_job(int argc, char **argv, size_t n_max_inputs);

/* ---- tell.c ---- */

enum vt_progress { VT_PROGRESS_AUTO, VT_PROGRESS_TTY, VT_PROGRESS_JSON, VT_PROGRESS_NONE };

struct vt_teller {
	enum vt_progress how;
	unsigned int width; /* of the line that stands on the terminal */
};

/** vt_teller_init() - AUTO: a line on a terminal, nothing elsewhere */
void vt_teller_init(struct vt_teller *t, enum vt_progress how);
/** vt_tell_progress() - for struct kd_dump_opts; @arg is a struct vt_teller */
void vt_tell_progress(void *arg, const struct kd_dump_progress *p);
/** vt_teller_clear() - take the line away */
void vt_teller_clear(struct vt_teller *t);

/* What a job was, for telling how it ended. */
struct vt_story {
	const char *input;
	const char *output;
	const struct kd_dump_opts *opts;
	const struct kd_dump_result *r;
};

void vt_tell_result(FILE *to, const struct vt_story *s);
/** vt_tell_json() - the same for machines; "outcome" is "complete", "truncated", ... */
int vt_tell_json(FILE *to, const struct vt_story *s);
/** vt_json_classes() - {"free": 12, ...} */
void vt_json_classes(struct kd_json *j, const char *name, const uint64_t counts[KD_N_CLASSES]);
/** vt_print_json() - and free it; VT_DONE, or VT_REFUSED when memory or the file failed */
int vt_print_json(FILE *to, struct kd_buf *buf);

/* ---- cmd_*.c; each returns the exit status ---- */

int vt_cmd_dump(int argc, char **argv);
int vt_cmd_convert(int argc, char **argv);
int vt_cmd_info(int argc, char **argv);
int vt_cmd_dmesg(int argc, char **argv);
int vt_cmd_verify(int argc, char **argv);

#endif
