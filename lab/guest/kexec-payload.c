/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec-payload - a regular kexec into a program of our own, placed where the running
 * kernel is. The destination pages are in use until the very last moment, so the
 * image can only be right there if the kernel's page lists moved it: the program
 * looks at each 8 bytes of it, says so on the serial port and switches the machine
 * off (the ACPI port of QEMU's machine "pc").
 */
#include "lib/base/base.h"

#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>

enum { PAGE = 4096, PATTERN_BYTES = 16 << 20 };
#define STEP UINT64_C(0x9e3779b97f4a7c15)

/*
 * Entered in 64-bit mode with everything mapped at its address, interrupts off (Linux
 * arch/x86/kernel/relocate_kernel_64.S). Takes the page behind itself for the start
 * of the pattern and the end of its own for a stack.
 */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"payload_start:\n"
	"	cli\n"
	"	lea payload_start+4096(%rip), %rsp\n"
	"	lea payload_start+4096(%rip), %rbx\n"
	"	mov payload_words(%rip), %rcx\n"
	"	movabs $0x9e3779b97f4a7c15, %rdx\n"
	"	xor %eax, %eax\n"
	"1:	add %rdx, %rax\n"
	"	lea payload_bad(%rip), %rsi\n"
	"	cmp %rax, (%rbx)\n"
	"	jne 2f\n"
	"	lea payload_good(%rip), %rsi\n"
	"	add $8, %rbx\n"
	"	dec %rcx\n"
	"	jnz 1b\n"
	"2:	lodsb\n"
	"	test %al, %al\n"
	"	jz 4f\n"
	"	mov %al, %ah\n"
	"	mov $0x3fd, %dx\n"
	"3:	inb %dx, %al\n"
	"	test $0x20, %al\n"
	"	jz 3b\n"
	"	mov $0x3f8, %dx\n"
	"	mov %ah, %al\n"
	"	outb %al, %dx\n"
	"	jmp 2b\n"
	"4:	mov $0x3fd, %dx\n"
	"	inb %dx, %al\n"
	"	test $0x40, %al\n"
	"	jz 4b\n"
	"	mov $0x604, %dx\n"
	"	mov $0x2000, %ax\n"
	"	outw %ax, %dx\n"
	"5:	hlt\n"
	"	jmp 5b\n"
	"payload_words: .quad 0\n"
	"payload_good: .asciz \"\\r\\nlab: kexeced into the payload, all of it is there\\r\\n"
	"lab: finished\\r\\n\"\n"
	"payload_bad: .asciz \"\\r\\nlab: payload failed: not what was loaded\\r\\n\"\n"
	"payload_end:\n"
	".balign 4\n"
	"payload_bytes: .long payload_end - payload_start\n"
	"payload_words_at: .long payload_words - payload_start\n"
	".popsection\n");
extern const char payload_start[];
extern const uint32_t payload_bytes, payload_words_at;

/* Where the running kernel's code begins, from /proc/iomem; 0 unknown. */
static uint64_t kernel_code(uint64_t *end_ret)
{
	char line[256];
	unsigned long long start = 0, end = 0;
	FILE *f = fopen("/proc/iomem", "re");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long a = 0, b = 0;
		if (strstr(line, ": Kernel ") && sscanf(line, " %llx-%llx", &a, &b) == 2) {
			start = start ? start : a;
			end = b;
		}
	}
	if (f)
		fclose(f);
	*end_ret = end;
	return start;
}

int main(void)
{
	uint64_t end = 0, at = kernel_code(&end), words = PATTERN_BYTES / 8;
	char *code = calloc(1, PAGE);
	uint64_t *pattern = malloc(PATTERN_BYTES);

	if (!at || at % PAGE || !code || !pattern) {
		fprintf(stderr, "kexec-payload: no memory, or no Kernel code in /proc/iomem\n");
		return 2;
	}
	memcpy(code, payload_start, payload_bytes);
	memcpy(code + payload_words_at, &words, sizeof(words));
	for (uint64_t i = 0; i < words; i++)
		pattern[i] = (i + 1) * STEP;
	const struct kexec_segment list[] = {
		{ .buf = code, .bufsz = PAGE, .mem = (void *)at, .memsz = PAGE },
		{ .buf = pattern,
		  .bufsz = PATTERN_BYTES,
		  .mem = (void *)(at + PAGE),
		  .memsz = PATTERN_BYTES },
	};
	if (syscall(SYS_kexec_load, at, KD_ARRAY_LEN(list), list, 0UL)) {
		fprintf(stderr, "kexec-payload: load: %s\n", strerrorname_np(errno));
		return 1;
	}
	printf("loaded to 0x%jx-0x%jx; the running kernel is at 0x%jx-0x%jx\n", (uintmax_t)at,
	       (uintmax_t)(at + PAGE + PATTERN_BYTES - 1), (uintmax_t)at, (uintmax_t)end);
	fflush(stdout);
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	fprintf(stderr, "kexec-payload: exec: %s\n", strerrorname_np(errno));
	return 1;
}
