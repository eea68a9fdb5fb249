/*
 * filter_scan_internal.h - what the planner's and the executor's part share
 */
#ifndef VECTOR_FILTER_SCAN_INTERNAL_H
#define VECTOR_FILTER_SCAN_INTERNAL_H

#include "filter_scan/filter_scan.h"

#include "nodes/extensible.h"

/* What EXPLAIN shows. */
#define FILTER_SCAN_NAME	"Vector Filter Scan"

/* Makes the state of a node; CustomScan.custom_plans are the vector scan and the bitmap's plan. */
extern const CustomScanMethods filter_scan_methods;

#endif							/* VECTOR_FILTER_SCAN_INTERNAL_H */
