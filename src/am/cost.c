/*
 * cost.c - helpers for the cost estimates of all access methods
 */
#include "am/cost.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"

void
cost_forbid(IndexPath *path, Cost *startup, Cost *total, Selectivity *selectivity,
			double *correlation, double *pages)
{
	*startup = get_float8_infinity();
	*total = get_float8_infinity();
	*selectivity = 0;
	*correlation = 0;
	*pages = 0;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = 2;
#endif
}

double
cost_cached_part(double blocks)
{
	return Min(0.9, 0.9 * effective_cache_size / Max(blocks, 1));
}

Cost
cost_order(double rows)
{
	rows = Max(rows, 2);
	return rows * log2(rows) * 4 * cpu_operator_cost + rows * cpu_index_tuple_cost;
}
