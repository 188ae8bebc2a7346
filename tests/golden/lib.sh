# SPDX-License-Identifier: GPL-2.0-or-later
# For golden cases: a machine as a directory tree, below which kdumpctl works.
# Sourced by a case's cmd; $bin is the directory of the programs.

# bytes FILE OFFSET OCTAL...: write bytes into a file
bytes() {
	file=$1 off=$2
	shift 2
	printf "$(printf '\\%s' "$@")" | dd of="$file" bs=1 seek="$off" conv=notrunc status=none
}

# The head of a bzImage that needs 24 MiB to run (init_size), padded to 64 KiB.
make_kernel() {
	truncate -s 65536 "$1"
	bytes "$1" 510 125 252               # 0x55 0xaa
	bytes "$1" 514 110 144 162 123 017 002 # HdrS, boot protocol 2.15
	bytes "$1" 564 001                   # relocatable_kernel
	bytes "$1" 566 143 000               # xloadflags: 64 bits, above 4 GiB, 5 levels
	bytes "$1" 568 000 010 000 000       # cmdline_size 2048
	bytes "$1" 608 000 000 200 001       # init_size 0x1800000
}

# A machine in ./root: one virtio disk with ext4 as its root file system, all
# drivers built in, 256 MiB reserved, nothing loaded.
make_machine() {
	rel=6.1.0-test
	mkdir -p root/boot root/etc root/usr/bin root/usr/lib/kdumpkit root/var/crash root/dev \
		root/lib/modules/$rel root/proc/self root/proc/sys/kernel root/sys/kernel \
		root/sys/dev/block root/sys/class/block root/sys/devices/virtio0/block/vda
	make_kernel root/boot/vmlinuz-$rel
	printf '# a configuration\nCONFIG_RD_GZIP=y\n' >root/boot/config-$rel
	echo 'the capture init' >root/usr/lib/kdumpkit/kdump-init
	cp /bin/busybox root/usr/bin/makedumpfile # any static program
	printf '%s\n' kernel/drivers/block/virtio_blk.ko kernel/fs/ext4/ext4.ko \
		kernel/crypto/crc32c_generic.ko >root/lib/modules/$rel/modules.builtin
	: >root/lib/modules/$rel/modules.order
	: >root/lib/modules/$rel/modules.builtin.modinfo
	depmod -b "$PWD/root" $rel
	truncate -s 2M root/dev/vda
	mke2fs -q -t ext4 -U 03138356-5e61-4ab3-b58e-27507ac41937 -L crash root/dev/vda
	echo 254:0 >root/sys/devices/virtio0/block/vda/dev
	echo 4096 >root/sys/devices/virtio0/block/vda/size
	printf 'MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\n' >root/sys/devices/virtio0/block/vda/uevent
	ln -s ../../../virtio0 root/sys/devices/virtio0/block/vda/device
	ln -s ../../devices/virtio0/block/vda root/sys/dev/block/254:0
	ln -s ../../devices/virtio0/block/vda root/sys/class/block/vda
	echo "20 1 254:0 / / rw,relatime - ext4 /dev/vda rw" >root/proc/self/mountinfo
	echo $rel >root/proc/sys/kernel/osrelease
	echo 0 >root/proc/sys/kernel/kexec_load_disabled
	echo 'root=/dev/vda ro quiet console=ttyS0 crashkernel=256M' >root/proc/cmdline
	printf 'processor\t: 0\ninitial apicid\t: 0\n\n' >root/proc/cpuinfo
	printf '00100000-7fffffff : System RAM\n  60000000-6fffffff : Crash kernel\n' >root/proc/iomem
	echo 0 >root/sys/kernel/kexec_crash_loaded
	echo 268435456 >root/sys/kernel/kexec_crash_size
	echo 'path /var/crash' >root/etc/kdump.conf
}

# kdumpctl below ./root, with what it says
ctl() {
	"$bin/kdumpctl" --root root "$@" 2>&1
	echo "rc=$?"
}

# What is in the tree now; compare with: snapshot >before; ...; changed_since before
snapshot() {
	(cd root && find . \( -path ./run -prune \) -o -type f -exec sha256sum {} + | sort -k 2)
}
changed_since() {
	snapshot >after
	diff "$1" after >changes && echo "nothing changed on disk" || sed 's/ .*  / /' changes
}

# From now on makedumpfile itself collects, not the built-in engine.
use_makedumpfile() {
	echo 'core_collector /usr/bin/makedumpfile -l -d 31' >>root/etc/kdump.conf
}
