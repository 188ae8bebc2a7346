# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump as libkdumpfile reads it, beside the ELF file of the same memory.

read-kdumpfile.py ELF DUMP STORED

Every frame is asked for. What libkdumpfile gives must be equal to the ELF file's bytes,
which are taken through its program headers here, and it must give STORED frames: as many
as vmcore(1) says there are. Exit 1 where something differs.

libkdumpfile 0.5.1 makes up one frame of zeros at the end of each segment of an ELF dump
whose end was left out (p_memsz > p_filesz), in makedumpfile's dumps too: these are told
apart, and must be zeros. The segment of the kernel image may end with a frame that another
one has, as part of a gap too short to leave out there: that one is not made up.
"""
import struct
import sys

import kdumpfile
from kdumpfile.exceptions import NoDataException

PAGE = 4096
PT_LOAD = 1


def load_segments(path):
    """(physical address, offset, length in the file, in memory) of each PT_LOAD"""
    with open(path, "rb") as f:
        head = f.read(64)
        phoff, = struct.unpack_from("<Q", head, 32)
        size, number = struct.unpack_from("<HH", head, 54)
        f.seek(phoff)
        table = f.read(size * number)
    found = []
    for i in range(number):
        kind, _, off, _, paddr, filesz, memsz = struct.unpack_from("<IIQQQQQ", table, i * size)
        if kind == PT_LOAD:
            found.append((paddr, off, filesz, memsz))
    return found


def made_up(dump, path):
    """Addresses of the frames that libkdumpfile makes up"""
    if dump.attr["file.format"] != "elf":
        return set()
    segments = load_segments(path)
    ends = {paddr + memsz - PAGE for paddr, _, filesz, memsz in segments if memsz > filesz}
    return {end for end in ends
            if not any(paddr <= end < paddr + filesz for paddr, _, filesz, _ in segments)}


def main():
    elf, path, stored = sys.argv[1], sys.argv[2], int(sys.argv[3])
    dump = kdumpfile.kdumpfile(path)
    edges = made_up(dump, path)
    equal = left_out = edge = 0
    seen = set()  # the kernel image has a segment of its own, inside that of its memory
    with open(elf, "rb") as f:
        for paddr, off, length, _ in load_segments(elf):
            for at in range(0, length, PAGE):
                if paddr + at in seen:
                    continue
                seen.add(paddr + at)
                try:
                    page = dump.read(kdumpfile.KDUMP_MACHPHYSADDR, paddr + at, PAGE)
                except NoDataException:
                    left_out += 1
                    continue
                if paddr + at in edges:
                    edge += 1
                    if any(page):
                        sys.exit("frame %#x: more than zeros" % ((paddr + at) // PAGE))
                    continue
                f.seek(off + at)
                if bytes(page) != f.read(PAGE):
                    sys.exit("frame %#x: its bytes are not those of the ELF file"
                             % ((paddr + at) // PAGE))
                equal += 1
    if equal != stored:
        sys.exit("%d frames can be read, %d are stored" % (equal, stored))
    attr = dump.attr
    print("%s, %s, %d CPUs, %d frames equal, %d left out, %d made up"
          % (attr["file.format"], attr["linux.uts.release"], attr["cpu.number"], equal, left_out,
             edge))


main()
