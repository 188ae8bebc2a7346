/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/planner/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Facts and configuration as a small virtual machine has them; strings are literals. */
static struct kd_host_module two_modules[] = {
	{ .name = (char *)"virtio_blk",
	  .path = (char *)"/lib/modules/6.1/virtio_blk.ko.xz",
	  .options = (char *)"" },
	{ .name = (char *)"ext4",
	  .path = (char *)"/lib/modules/6.1/ext4.ko",
	  .options = (char *)"debug=1" },
};
static char *collector_words[] = { (char *)"makedumpfile", (char *)"-l", (char *)"-d", (char *)"31",
				   NULL };

static struct kd_planner_facts small_machine(void)
{
	struct kd_planner_facts facts = {
		.running = { .release = (char *)"6.1",
			     .cmdline = (char *)"root=/dev/vda1 ro quiet crashkernel=256M" },
		.release = (char *)"6.1",
		.collector = (char *)"/usr/bin/makedumpfile",
		.target_count = 1,
		.modules = two_modules,
		.module_count = 2,
		.ram_bytes = 2ull << 30,
	};

	facts.targets[0] = (struct kd_planner_target){
		.device = { .name = (char *)"vda1",
			    .disk = (char *)"vda",
			    .devnode = (char *)"/dev/vda1",
			    .fs_uuid = (char *)"0f-UUID",
			    .serial = (char *)"SER" },
		.fstype = (char *)"ext4",
		.dir = (char *)"/var/crash",
	};
	return facts;
}

static struct kd_config defaults(void)
{
	struct kd_config config = {
		.path = { .text = (char *)"/var/crash" },
		.collector_argv = { .v = collector_words, .n = 4 },
		.commandline_remove = { .text = (char *)"quiet hugepages" },
		.commandline_append = { .text = (char *)"nr_cpus=1 panic=10" },
	};

	return config;
}

static void test_plan_carries_modules_target_and_collector(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	config.failure_action = KD_CONF_POWEROFF;
	assert_int_equal(kd_planner_plan(&config, &facts, &plan, &err), 0);
	assert_string_equal(plan.kernel_release, "6.1");
	assert_int_equal(plan.module_count, 2);
	/* unpacked into the image: no suffix */
	assert_string_equal(plan.modules[0].path, "/lib/modules/6.1/virtio_blk.ko");
	assert_string_equal(plan.modules[1].options, "debug=1");
	assert_int_equal(plan.collector.n, 4);
	assert_string_equal(plan.collector.v[0], "/usr/bin/makedumpfile");
	assert_string_equal(plan.collector.v[3], "31");
	assert_int_equal(plan.targets[0].id_kind, KD_ID_UUID);
	assert_string_equal(plan.targets[0].id, "0f-UUID");
	assert_string_equal(plan.targets[0].mount_options, "");
	assert_int_equal(plan.failure_action, KD_ACTION_POWEROFF);
	assert_int_equal(plan.final_action, KD_ACTION_REBOOT);
	assert_int_equal(plan.deadline_s, 600 + 2 * 20);
}

static void test_identity_falls_back_in_order(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	struct kd_host_device *device = &facts.targets[0].device;
	struct kd_err err = { 0 };

	device->fs_uuid = NULL;
	/* a partition: its disk's serial would not tell which partition */
	KD_AUTO(kd_plan_fini) struct kd_plan by_node = { 0 };
	assert_int_equal(kd_planner_plan(&config, &facts, &by_node, &err), 0);
	assert_int_equal(by_node.targets[0].id_kind, KD_ID_DEVICE);

	device->disk = device->name;
	KD_AUTO(kd_plan_fini) struct kd_plan by_serial = { 0 };
	assert_int_equal(kd_planner_plan(&config, &facts, &by_serial, &err), 0);
	assert_int_equal(by_serial.targets[0].id_kind, KD_ID_SERIAL);

	device->fs_label = (char *)"crash";
	KD_AUTO(kd_plan_fini) struct kd_plan by_label = { 0 };
	assert_int_equal(kd_planner_plan(&config, &facts, &by_label, &err), 0);
	assert_int_equal(by_label.targets[0].id_kind, KD_ID_LABEL);
}

static void test_btrfs_directory_counts_from_the_top(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };

	facts.targets[0].fstype = (char *)"btrfs";
	assert_int_equal(kd_planner_plan(&config, &facts, &plan, NULL), 0);
	assert_string_equal(plan.targets[0].mount_options, "subvolid=5");
}

/* core_collector in words, and what comes of it: the engine (level, codec), or the program. */
static void test_engine_does_what_it_covers(void **state)
{
	static const struct {
		const char *line;
		bool engine;
		unsigned int level;
		enum kd_plan_codec codec;
		bool elf;
	} cases[] = {
		{ "makedumpfile -l --message-level 7 -d 31", true, 31, KD_PLAN_LZO, false },
		{ "makedumpfile -cd1", true, 1, KD_PLAN_ZLIB, false },
		{ "makedumpfile -z -d17 --num-threads=4", true, 17, KD_PLAN_ZSTD, false },
		{ "makedumpfile", true, 0, KD_PLAN_NONE, false },
		{ "makedumpfile -E -d 31", true, 31, KD_PLAN_NONE, true },
		{ "makedumpfile -l -d 1,31", false, 0, 0, false },
		{ "makedumpfile -p -d 31", false, 0, 0, false },
		{ "makedumpfile -l -L 1G", false, 0, 0, false },
		{ "makedumpfile -l -d", false, 0, 0, false },
		{ "makedumpfile -e -d 31", false, 0, 0, false },
		{ "makedumpfile extra", false, 0, 0, false },
		{ "/usr/bin/makedumpfile -l -d 31", false, 0, 0, false },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_config config = { .core_collector = { .file = (char *)"kdump.conf" } };
		struct kd_plan_engine engine = { 0 };
		assert_int_equal(kd_strv_split(&config.collector_argv, cases[i].line, " ", NULL),
				 0);
		if (kd_planner_engine_for(&config, &engine) != cases[i].engine)
			fail_msg("%s", cases[i].line);
		if (cases[i].engine &&
		    (engine.level != cases[i].level || engine.codec != cases[i].codec ||
		     engine.elf != cases[i].elf))
			fail_msg("%s: level %u, %s", cases[i].line, engine.level,
				 kd_plan_codec_name(engine.codec));
		kd_strv_fini(&config.collector_argv);
	}
}

static void test_without_core_collector_the_engine_works(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };

	facts.collector = NULL;
	assert_true(kd_planner_engine_for(&config, &facts.engine));
	assert_int_equal(kd_planner_plan(&config, &facts, &plan, NULL), 0);
	assert_int_equal(plan.collector.n, 0);
	assert_int_equal(plan.engine.level, 31);
	assert_int_equal(plan.engine.codec, KD_PLAN_ZSTD);
}

static void test_same_facts_same_bytes(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	KD_AUTO(kd_plan_fini) struct kd_plan a = { 0 };
	KD_AUTO(kd_plan_fini) struct kd_plan b = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf text_a = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf text_b = { 0 };

	assert_int_equal(kd_planner_plan(&config, &facts, &a, NULL), 0);
	assert_int_equal(kd_planner_plan(&config, &facts, &b, NULL), 0);
	assert_int_equal(kd_plan_format(&a, &text_a, NULL), 0);
	assert_int_equal(kd_plan_format(&b, &text_b, NULL), 0);
	assert_string_equal(text_a.p, text_b.p);
}

static void check_cmdline(struct kd_config *config, struct kd_planner_facts *facts,
			  const char *want)
{
	KD_AUTO(kd_freep) char *got = NULL;

	assert_int_equal(kd_planner_cmdline(config, facts, &got, NULL), 0);
	assert_string_equal(got, want);
}

static void test_cmdline_drops_first_boot_words_and_appends(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();

	check_cmdline(&config, &facts, "ro nr_cpus=1 panic=10");
	facts.running.cmdline =
		(char *)"console=ttyS0 dyndbg=\"file x +p\" hugepages=4 empty= "
			"hugepagesx=1 rd.lvm.lv=a crashkernel=1G,high panic_on_warn";
	check_cmdline(&config, &facts,
		      "console=ttyS0 dyndbg=\"file x +p\" hugepagesx=1 nr_cpus=1 panic=10");
	config.commandline.text = (char *)"a=b";
	check_cmdline(&config, &facts, "a=b nr_cpus=1 panic=10");
}

static void test_cmdline_always_ends_a_panic(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();

	config.commandline_append.text = (char *)"nr_cpus=1";
	check_cmdline(&config, &facts, "ro nr_cpus=1 panic=10");
	/* 0 means to stand still for ever, and the last word counts */
	config.commandline_append.text = (char *)"panic=5 panic=0";
	check_cmdline(&config, &facts, "ro panic=5 panic=0 panic=10");
	config.commandline_append.text = (char *)"panic=soon";
	check_cmdline(&config, &facts, "ro panic=soon panic=10");
	config.commandline_append.text = (char *)"panic_print=1 panic=-1";
	check_cmdline(&config, &facts, "ro panic_print=1 panic=-1");
	facts.running.cmdline = (char *)"panic=30";
	config.commandline_append.text = (char *)"nr_cpus=1";
	check_cmdline(&config, &facts, "panic=30 nr_cpus=1");
}

static void test_cmdline_names_boot_cpu_and_watchdogs(void **state)
{
	struct kd_planner_facts facts = small_machine();
	struct kd_config config = defaults();
	char *dogs[] = { (char *)"iTCO_wdt", (char *)"hpwdt" };

	facts.cpu0_apicid = (struct kd_host_number){ .known = true, .value = 0 };
	facts.watchdog_modules = (struct kd_strv){ .v = dogs, .n = 2 };
	check_cmdline(&config, &facts,
		      "ro nr_cpus=1 panic=10 disable_cpu_apicid=0 iTCO_wdt.pretimeout=0 "
		      "hpwdt.pretimeout=0 hpwdt.kdumptimeout=0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_carries_modules_target_and_collector),
		cmocka_unit_test(test_identity_falls_back_in_order),
		cmocka_unit_test(test_btrfs_directory_counts_from_the_top),
		cmocka_unit_test(test_engine_does_what_it_covers),
		cmocka_unit_test(test_without_core_collector_the_engine_works),
		cmocka_unit_test(test_same_facts_same_bytes),
		cmocka_unit_test(test_cmdline_drops_first_boot_words_and_appends),
		cmocka_unit_test(test_cmdline_always_ends_a_panic),
		cmocka_unit_test(test_cmdline_names_boot_cpu_and_watchdogs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
