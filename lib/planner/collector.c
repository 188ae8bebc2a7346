/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who collects: the dump engine built into init, or a program that is packed. The
 * engine does whatever makedumpfile's options in core_collector ask for as long as
 * it knows them all; "/usr/bin/makedumpfile ..." with its path asks for that program.
 */
#include "lib/planner/internal.h"

#include <string.h>

enum { DEFAULT_LEVEL = 31, MAX_LEVEL = 31 };

/* "31"; the list "1,31" (try again with the next level when full) is makedumpfile's alone. */
static bool read_level(const char *text, unsigned int *ret)
{
	uint64_t level = 0;

	if (!text || kd_parse_u64(text, &level, NULL) || level > MAX_LEVEL)
		return false;
	*ret = (unsigned int)level;
	return true;
}

/* "-l", "-cd31", "-d" with @next; true if all of it is known. */
static bool read_short(const char *word, const char *next, bool *used_next,
		       struct kd_plan_engine *engine)
{
	for (const char *p = word + 1; *p; p++) {
		switch (*p) {
		case 'c':
			engine->codec = KD_PLAN_ZLIB;
			break;
		case 'l':
			engine->codec = KD_PLAN_LZO;
			break;
		case 'z':
			engine->codec = KD_PLAN_ZSTD;
			break;
		case 'E':
			engine->elf = true;
			engine->codec = KD_PLAN_NONE;
			break;
		case 'd':
			*used_next = p[1] == '\0';
			return read_level(*used_next ? next : p + 1, &engine->level);
		default:
			return false;
		}
	}
	return true;
}

/* How much is printed and how many threads work changes nothing in the dump. */
static bool read_long(const char *word, bool *used_next)
{
	static const char *const harmless[] = { "--message-level", "--num-threads" };

	for (size_t i = 0; i < KD_ARRAY_LEN(harmless); i++) {
		size_t len = strlen(harmless[i]);
		if (strncmp(word, harmless[i], len) != 0 || (word[len] && word[len] != '='))
			continue;
		*used_next = word[len] == '\0';
		return true;
	}
	return false;
}

bool kd_planner_engine_for(const struct kd_config *config, struct kd_plan_engine *ret)
{
	const struct kd_strv *argv = &config->collector_argv;
	/* makedumpfile without options leaves nothing out and compresses nothing */
	struct kd_plan_engine engine = { .level = 0, .codec = KD_PLAN_NONE };

	if (!config->core_collector.file) {
		*ret = (struct kd_plan_engine){ .level = DEFAULT_LEVEL, .codec = KD_PLAN_ZSTD };
		return true;
	}
	if (argv->v[0][0] == '/')
		return false;
	for (size_t i = 1; i < argv->n; i++) {
		const char *word = argv->v[i];
		const char *next = i + 1 < argv->n ? argv->v[i + 1] : NULL;
		bool used_next = false;
		bool known = strncmp(word, "--", 2) == 0 ? read_long(word, &used_next)
			     : word[0] == '-' ? read_short(word, next, &used_next, &engine)
					      : false;
		if (!known)
			return false;
		i += used_next;
	}
	if (engine.elf)
		engine.codec = KD_PLAN_NONE;
	*ret = engine;
	return true;
}
