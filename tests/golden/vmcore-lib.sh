# SPDX-License-Identifier: GPL-2.0-or-later
# For the golden cases of vmcore: a made-up machine and short ways to say things.
# Sourced by a case's cmd; $bin is the directory of the programs.

# A kernel with a log of three lines, 16 MiB of pages that differ a little and 1 MiB of noise.
cat >machine <<'RECIPE'
kernel 6.1.0-test image=4M ram=64M
ring 6 12
log 1 Linux version 6.1.0-test
log 2.5 everything is fine
log 3 Kernel panic - not syncing: golden
fill 40M 16M address
fill 56M 1M noise
RECIPE

# make_dump NAME LINE: the machine as file NAME; LINE is the recipe's last, "out ..."
make_dump() {
	{ cat machine; echo "$2"; } >recipe
	"$bin/../test/bin/mkvmcore" recipe "$1"
}

# vmcore, what it says (but for times), and its exit status
vm() {
	echo "== vmcore $*"
	"$bin/vmcore" "$@" >said 2>&1 </dev/null
	rc=$?
	sed 's/ in [0-9.]* s$/ in TIME/' said
	echo "rc=$rc"
}

same() {
	cmp "$1" "$2" && echo "$1 and $2 are the same"
}

# flip FILE OFFSET: change the byte there
flip() {
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
