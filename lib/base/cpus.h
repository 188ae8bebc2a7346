/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KD_LIB_BASE_CPUS_H
#define KD_LIB_BASE_CPUS_H

/** kd_cpus_usable() - how many CPUs this process may run on; at least 1 */
unsigned int kd_cpus_usable(void);

#endif
