/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan to text. Whatever is written here, parse.c reads back as the same plan. */
#include "lib/plan/internal.h"

#include <inttypes.h>
#include <string.h>

/* " " and the value, percent-encoded so that no byte can end the word or the line. */
static void add_word(struct kd_buf *out, const char *value)
{
	kd_buf_puts(out, " ");
	for (const char *p = value; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c <= 0x20 || c >= 0x7f || c == '%')
			kd_buf_printf(out, "%%%02X", c);
		else
			kd_buf_add(out, p, 1);
	}
}

static void add_single(struct kd_buf *out, const char *key, const char *value)
{
	kd_buf_puts(out, key);
	add_word(out, value);
	kd_buf_puts(out, "\n");
}

static void add_module(struct kd_buf *out, const struct kd_plan_module *m)
{
	kd_buf_puts(out, "module");
	add_word(out, m->path);
	if (m->options[0])
		add_word(out, m->options);
	kd_buf_puts(out, "\n");
}

static void add_target(struct kd_buf *out, const struct kd_plan_target *t)
{
	kd_buf_puts(out, "target");
	add_word(out, t->fstype);
	add_word(out, kd_id_kind_name(t->id_kind));
	add_word(out, t->id);
	add_word(out, t->dir);
	if (t->mount_options[0])
		add_word(out, t->mount_options);
	kd_buf_puts(out, "\n");
}

static void add_engine(struct kd_buf *out, const struct kd_plan_engine *e)
{
	kd_buf_printf(out, "engine %u %s %s\n", e->level, kd_plan_codec_name(e->codec),
		      e->elf ? "elf" : "diskdump");
}

/* The checks of the reader, so that no plan is packed that the capture init would refuse. */
static const char *check(const struct kd_plan *plan)
{
	const char *fault = kd_plan_check_release(plan->kernel_release);

	if (!fault)
		fault = kd_plan_check_host_tag(plan->host_tag);
	if (!fault)
		fault = kd_plan_check_deadline(plan->deadline_s);
	if (!fault)
		fault = kd_plan_check_timeout(plan->target_timeout_s);
	if (!fault && (unsigned int)plan->failure_action > KD_ACTION_DUMP_TO_ROOTFS)
		fault = "failure_action is unknown";
	if (!fault)
		fault = kd_plan_check_final_action(plan->final_action);
	if (!fault)
		fault = kd_plan_check_collector(&plan->collector);
	if (!fault && plan->collector.n == 0)
		fault = kd_plan_check_engine(&plan->engine);
	if (!fault && plan->module_count > KD_PLAN_MAX_MODULES)
		fault = "there are more than 512 modules";
	for (size_t i = 0; !fault && i < plan->module_count; i++)
		fault = kd_plan_check_module(plan->modules[i].path, plan->modules[i].options);
	if (!fault && (plan->target_count < 1 || plan->target_count > KD_PLAN_MAX_TARGETS))
		fault = "there is no target, or more than 8";
	for (size_t i = 0; !fault && i < plan->target_count; i++)
		fault = kd_plan_check_target(&plan->targets[i]);
	return fault;
}

int kd_plan_format(const struct kd_plan *plan, struct kd_buf *out, struct kd_err *err)
{
	const char *fault = plan->kernel_release && plan->host_tag
				    ? check(plan)
				    : "kernel_release or host_tag is missing";
	size_t start = out->len;

	if (fault)
		return kd_fail(err, KD_USAGE, "this plan cannot be written: %s", fault);

	kd_buf_printf(out, KD_PLAN_MAGIC " %d\n", KD_PLAN_VERSION);
	add_single(out, "kernel_release", plan->kernel_release);
	add_single(out, "host_tag", plan->host_tag);
	kd_buf_printf(out, "deadline_s %" PRIu64 "\n", plan->deadline_s);
	kd_buf_printf(out, "target_timeout_s %" PRIu64 "\n", plan->target_timeout_s);
	add_single(out, "failure_action", kd_action_name(plan->failure_action));
	add_single(out, "final_action", kd_action_name(plan->final_action));
	if (plan->collector.n > 0) {
		size_t line = out->len;
		kd_buf_puts(out, "collector");
		for (size_t i = 0; i < plan->collector.n; i++)
			add_word(out, plan->collector.v[i]);
		if (out->len - line > KD_PLAN_MAX_LINE_BYTES)
			return kd_fail(err, KD_USAGE,
				       "this plan cannot be written: the collector's words are too "
				       "long together");
		kd_buf_puts(out, "\n");
	} else {
		add_engine(out, &plan->engine);
	}
	for (size_t i = 0; i < plan->module_count; i++)
		add_module(out, &plan->modules[i]);
	for (size_t i = 0; i < plan->target_count; i++)
		add_target(out, &plan->targets[i]);
	kd_buf_puts(out, "end\n");

	if (out->bad)
		return kd_fail(err, KD_NOMEM, "no memory for the plan's text");
	if (out->len - start > KD_PLAN_MAX_BYTES)
		return kd_fail(err, KD_USAGE,
			       "this plan cannot be written: it would have %zu bytes, %d are the "
			       "limit",
			       out->len - start, KD_PLAN_MAX_BYTES);
	return 0;
}
