/*
 * filter_scan_internal.h - what the planner's and the executor's part share
 */
#ifndef VECTOR_FILTER_SCAN_INTERNAL_H
#define VECTOR_FILTER_SCAN_INTERNAL_H

#include "filter_scan/filter_scan.h"

#include "nodes/extensible.h"

/*
 * Makes the state of a node; CustomScan.custom_plans are the vector scan and the bitmap's plan,
 * custom_private is the list of the conditions that the bitmap answers, and a number (Float): 0, or
 * if the bitmap is made only once few rows turn out to meet them, the cost of that.
 */
extern const CustomScanMethods filter_scan_methods;

/* This number. */
extern Cost filter_scan_late(const Plan *plan);

#endif							/* VECTOR_FILTER_SCAN_INTERNAL_H */
