# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn says of a dump: read-drgn.py VMLINUX DUMP

Prints release, tasks, modules, slab caches, free pages and the stack of the task that
crashed, to be compared with what it says of another dump of the same memory.
"""
import sys

import drgn
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.slab import for_each_slab_cache


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[2])
    prog.load_debug_info([sys.argv[1]])
    print("release", prog["init_uts_ns"].name.release.string_().decode())
    print("totalram", prog["_totalram_pages"].counter.value_())
    for task in for_each_task(prog):
        print("task", task.pid.value_(), task.comm.string_().decode(),
              hex(task.stack.value_()), task.signal.nr_threads.value_())
    for mod in list_for_each_entry("struct module", prog["modules"].address_of_(), "list"):
        print("module", mod.name.string_().decode(), hex(mod.core_layout.base.value_()))
    for cache in for_each_slab_cache(prog):
        print("slab", cache.name.string_().decode(), cache.object_size.value_(),
              cache.node[0].nr_slabs.counter.value_())
    crashed = prog["crashing_cpu"].value_()
    print("crashing CPU", crashed)
    for frame in prog.stack_trace(per_cpu(prog["runqueues"], crashed).curr):
        print("frame", frame.name, hex(frame.pc))


main()
