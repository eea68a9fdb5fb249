/*
 * group_scan_internal.h - what the planner's and the executor's part share
 */
#ifndef VECTOR_GROUP_SCAN_INTERNAL_H
#define VECTOR_GROUP_SCAN_INTERNAL_H

#include "group_scan/group_scan.h"

#include "nodes/extensible.h"

/* What EXPLAIN shows. */
#define GROUP_SCAN_NAME	"Vector Group"

/*
 * Makes the state of a node; CustomScan.custom_plans is the scan in the order of the distance, and
 * custom_private three lists, of the columns of its rows that are keys, of their operators of
 * equality, and of their collations.
 */
extern const CustomScanMethods group_scan_methods;

#endif							/* VECTOR_GROUP_SCAN_INTERNAL_H */
