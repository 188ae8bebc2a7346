/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the old kernel jumps to, and where the new one is entered. The state it gets is
 * that of Documentation/arch/x86/boot.rst, "64-bit Boot Protocol": long mode, memory
 * mapped one to one, interrupts off, __BOOT_CS at 0x10 and __BOOT_DS at 0x18, %rsi to
 * the boot parameters.
 */
	.section .entry, "ax"
	.code64
	.globl kd_purgatory_entry
kd_purgatory_entry:
.Lbegin:
	jmp	start

	/* For the loader; params.h names the offset. */
	.balign	16, 0
	.quad	0x3161677275706b64
	.quad	kd_purgatory_end - .Lbegin	/* with .bss, by the linker script */
	.quad	kd_purgatory_params - .Lbegin

	.balign	16, 0
start:
	cli
	cld
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_pointer+2(%rip)
	lgdt	gdt_pointer(%rip)
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	leaq	stack_end(%rip), %rsp
	pushq	$0x10
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:
	call	kd_purgatory_main
	movq	kd_purgatory_params+8(%rip), %rsi
	movq	kd_purgatory_params(%rip), %rax
	leaq	stack_end(%rip), %rsp
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmp	*%rax

	.data
	.balign	16
gdt:
	.quad	0, 0
	.quad	0x00af9a000000ffff	/* 0x10: code, 64 bit */
	.quad	0x00cf92000000ffff	/* 0x18: data */
gdt_pointer:
	.word	. - gdt - 1
	.quad	0

	.bss
	.balign	16
	.skip	4096
stack_end:

	.section .note.GNU-stack, "", @progbits
