# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced by scripts that work with Debian packages without installing them:
#   me=NAME; . scripts/debs.sh; debs_init
# Packages are kept in ${XDG_CACHE_HOME:-~/.cache}/kdumpkit/debs and used again when
# their SHA-256 is what apt says today; an empty or a broken cache is just filled anew.

LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

die() {
	echo "$me: $*" >&2
	exit 99
}

# need TOOL... - what the script cannot do without
need() {
	for tool; do
		command -v "$tool" >/dev/null || die "$tool not found: scripts/setup installs it"
	done
}

# debs_init - sets $cache (the cache of the project) and $work (removed at the end)
debs_init() {
	need apt-get apt-cache dpkg-deb sha256sum
	cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/kdumpkit
	mkdir -p "$cache/debs" || die "cannot create $cache/debs"
	work=$(mktemp -d "$cache/debs/.new.XXXXXX") || die "cannot write to $cache/debs"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 99' HUP INT TERM
}

# fetch PACKAGE - sets $deb to a file in the cache, downloaded if need be
fetch() {
	uri=$(cd "$work" && apt-get -qq download --print-uris "$1" 2>"$work/log" | tail -n 1) || :
	# 'http://.../name.deb' name_version_arch.deb size SHA256:hash
	file=$(echo "$uri" | awk '{ print $2 }')
	hash=$(echo "$uri" | sed -n 's/.* SHA256:\([0-9a-f]*\)$/\1/p')
	[ -n "$file" ] || die "apt does not know where to get $1: $(cat "$work/log")"
	deb=$cache/debs/$file
	if [ -n "$hash" ] && [ -f "$deb" ] && echo "$hash  $deb" | sha256sum --quiet -c - >/dev/null 2>&1
	then
		return
	fi
	echo "$me: downloading $file"
	(cd "$work" && apt-get -qq download "$1" >log 2>&1) ||
		die "apt-get download $1 failed (package lists out of date? 'apt-get update' as root" \
			"renews them): $(sed -n 's|^E: ||p' "$work/log" | head -n 3)"
	mv "$work/$file" "$deb" 2>/dev/null || die "apt-get download $1 left no file $file"
}
