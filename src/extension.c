/*
 * extension.c - library entry: settings and hooks
 */
#include "pg_compat.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "am/index.h"
#include "am/method.h"
#include "counters/counters.h"
#include "counters/samples.h"
#include "distance/distance.h"
#include "filter_scan/filter_scan.h"
#include "foreign_append/foreign_append.h"
#include "fusion/fusion.h"
#include "group_scan/group_scan.h"
#include "planner/planner.h"
#include "recall/recall.h"
#include "segment/directory.h"
#include "segment/seal.h"
#include "segment/wait_point.h"
#include "tier/tier.h"
#include "worker/worker.h"

VECTOR_MODULE_MAGIC;

static int	vector_simd = DISTANCE_AUTO;

static const struct config_enum_entry simd_options[] = {
	{"auto", DISTANCE_AUTO, false},
	{"portable", DISTANCE_PORTABLE, false},
	{"avx2", DISTANCE_AVX2, false},
	{"avx512", DISTANCE_AVX512, false},
	{"neon", DISTANCE_NEON, false},
	{NULL, 0, false}
};

static bool
check_simd(int *newval, void **extra, GucSource source)
{
	if (distance_get((DistanceSimd) *newval) != NULL)
		return true;
	GUC_check_errdetail(
		"This processor, or this build of the library, does not have these instructions.");
	GUC_check_errhint("Use auto for the best set that is available.");
	return false;
}

static void
assign_simd(int newval, void *extra)
{
	distance_select((DistanceSimd) newval);
}

extern PGDLLEXPORT void _PG_init(void);

/*
 * PostgreSQL calls this again where it raised an error.  So what may fail or be cancelled comes
 * first, and the rest goes through: settings cannot be defined twice, nor hooks be installed.
 */
void
_PG_init(void)
{
	vector_am_find_foreign();

	HOLD_INTERRUPTS();
	distance_select(DISTANCE_AUTO);
	DefineCustomEnumVariable(
		"vector.simd", "Selects the processor instructions that distances are computed with.",
		"auto is the best that the processor has; the others are for tests and support.",
		&vector_simd, DISTANCE_AUTO, simd_options, PGC_USERSET, 0, check_simd, assign_simd, NULL);
	planner_init();
	filter_scan_init();
	fusion_init();
	group_scan_init();
	foreign_append_init();
	recall_init();
	directory_init();
	seal_init();
	wait_point_init();
	tier_init();
	if (process_shared_preload_libraries_in_progress)
		tier_preload();
	worker_init();
	counters_init();
	samples_init();
	vector_am_init();
	MarkGUCPrefixReserved("vector");
	RESUME_INTERRUPTS();
}
