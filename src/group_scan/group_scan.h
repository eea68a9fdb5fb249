/*
 * group_scan.h - the nearest row of each group, in the order of the distance
 */
#ifndef VECTOR_GROUP_SCAN_GROUP_SCAN_H
#define VECTOR_GROUP_SCAN_GROUP_SCAN_H

#include "pg_compat.h"

/* Defines the setting, and installs the planner's hook. */
extern void group_scan_init(void);

#endif							/* VECTOR_GROUP_SCAN_GROUP_SCAN_H */
