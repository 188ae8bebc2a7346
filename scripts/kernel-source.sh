# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Sourced after debs.sh: our kernel series, and a source tree that carries it.

# series_patches TOP - paths of all patches below TOP, in the order they apply
series_patches() {
	while read -r folder; do
		case $folder in '' | '#'*) continue ;; esac
		while read -r patch; do
			case $patch in '' | '#'*) continue ;; esac
			echo "$1/kernel-patches/$folder/$patch"
		done <"$1/kernel-patches/$folder/series"
	done <"$1/kernel-patches/folders"
}

# apply_patch TREE PATCH - without fuzz, or not at all
apply_patch() {
	patch -d "$1" -p1 -F0 -s -f --dry-run -i "$2" >"$work/patch.log" 2>&1 || {
		cat "$work/patch.log" >&2
		die "$2 does not apply to $1 without fuzz"
	}
	patch -d "$1" -p1 -F0 -s -f --no-backup-if-mismatch -i "$2" >/dev/null ||
		die "$2 could not be applied to $1; remove that directory"
}

# source_at DIR DEB PATCH... - DIR/linux holds the source of package DEB with exactly these
# patches. Files that no patch touches keep their times, so that make does not build them anew:
# patches that are in the way are taken out by the copies DIR/applied has of them.
source_at() {
	at=$1 pkg=$2
	shift 2
	if [ "$(cat "$at/package" 2>/dev/null)" != "${pkg##*/}" ]; then
		echo "$me: unpacking ${pkg##*/}"
		rm -rf "$at/linux" "$at/applied" "$at/package"
		mkdir -p "$at/linux" "$at/applied"
		dpkg-deb --fsys-tarfile "$pkg" >"$work/source.tar" || die "cannot unpack $pkg"
		tar -xOf "$work/source.tar" --wildcards '*/linux-source-*.tar.xz' >"$work/source.tar.xz" ||
			die "$pkg holds no linux-source-*.tar.xz"
		tar -C "$at/linux" --strip-components=1 -xf "$work/source.tar.xz" || die "cannot unpack $pkg"
		rm -f "$work/source.tar" "$work/source.tar.xz"
		echo "${pkg##*/}" >"$at/package"
	fi
	same=0 # patches from the first on that are there already
	for p; do
		cmp -s "$p" "$at/applied/$(printf %03d $((same + 1)))" || break
		same=$((same + 1))
	done
	for old in $(ls -r "$at/applied"); do
		[ "$old" -gt "$(printf %03d $same)" ] || break
		patch -d "$at/linux" -R -p1 -F0 -s -f --no-backup-if-mismatch -i "$at/applied/$old" >/dev/null ||
			die "an earlier patch cannot be taken out of $at/linux; remove $at"
		rm -f "$at/applied/$old"
	done
	n=0
	for p; do
		n=$((n + 1))
		[ $n -gt $same ] || continue
		apply_patch "$at/linux" "$p"
		cp "$p" "$at/applied/$(printf %03d $n)"
	done
}
