/*
 * effort.c - the setting vector.target_recall
 */
#include "am/effort.h"

#include <limits.h>
#include <math.h>

#include "utils/guc.h"

#include "am/index.h"
#include "am/method.h"
#include "am/sample_query.h"
#include "am/scan.h"
#include "segment/curves.h"

/* The rows of a search that has no LIMIT, as a cursor's. */
#define ROWS_NOT_KNOWN	10

/* The part of the rows that make curves due. */
#define CHANGED_PART	0.1

double		target_recall;
int			effort_measured;
void		(*effort_measure) (Relation index);

static bool
check_target(double *newval, void **extra, GucSource source)
{
	if (*newval == 0 || *newval >= 0.5)
		return true;
	GUC_check_errdetail("A target is at least 0.5; 0 means none.");
	return false;
}

void
effort_init(void)
{
	DefineCustomRealVariable(
		"vector.target_recall",
		"Sets the recall that index searches are to have.",
		"Searches go as far as ANALYZE has measured to be needed. 0 means none: they go as far as "
		"the settings of their access method say.",
		&target_recall, 0, 0, 1, PGC_USERSET, GUC_REPORT, check_target, NULL, NULL);
}

bool
effort_follows(CachedIndex *cached, Relation index)
{
	return target_recall > 0 && curves_acquire(cached, index) != NULL;
}

/*
 * Rows that came after the curves were measured may be harder to find.  For a part of them, what
 * searches may miss is divided by one and so many times this part.
 */
#define CHANGED_WEIGHT	4

/* For their sake effort is at most so many times as much. */
#define CHANGED_EFFORT	2

/* The effort by curves for a number of rows, with a margin for rows that have changed since. */
static double
effort_with_margin(CachedIndex *cached, Relation index, double wanted)
{
	const RecallCurves *curves = curves_acquire(cached, index);
	double		changed = curves_changed_part(cached);
	double		effort = curves_effort(curves, wanted, target_recall);
	double		missed = 1 - target_recall;

	if (changed == 0)
		return effort;
	missed /= 1 + CHANGED_WEIGHT * changed;
	return Min(curves_effort(curves, wanted, 1 - missed), CHANGED_EFFORT * effort);
}

double
graph_effort_part(Relation index, double share)
{
	return share;
}

/*
 * Of how many of the nearest rows a search misses as many as of this many that pass, which are the
 * given share of all.  The i-th of these is on average the i/share-th of all, so their mean rank is
 * (wanted + 1) / share / 2, and that of the nearest n is (n + 1) / 2.
 */
static double
rows_of_rank(double wanted, double share)
{
	return (wanted + 1) / share - 1;
}

double
effort_of(CachedIndex *cached, Relation index, double wanted, double share, int setting)
{
	const VectorAm *am = vector_am_of(index);
	double		effort;
	int			least;
	int			most;

	if (effort_measured > 0)
		return effort_measured;
	if (!effort_follows(cached, index))
		return setting;
	wanted = rows_of_rank(wanted > 0 ? wanted : ROWS_NOT_KNOWN, share);
	effort = effort_with_margin(cached, index, wanted);
	if (am->effort_demanded)
		effort = Max(effort, am->effort_demanded(cache_directory(cached), wanted));
	am->effort_range(index, &least, &most);
	effort = Min(effort, most);
	return share < 1 ? Max(effort * am->effort_part(index, share), 1) : effort;
}

/*
 * If the executor filters the rows, those that pass are among so many of the nearest as are
 * expected to be returned.
 */
int
scan_set_effort(VectorScan *scan, int setting, uint32 longest)
{
	const ScanBound *bound = scan->bound;
	uint64		rows = scan_wanted(scan);
	double		wanted = rows;
	double		share = rows > 0 && !scan->among && !scan->filtered ? scan_bound_share(bound) : 1;

	if (bound && scan->filtered && !scan->among)
		wanted = Max(wanted, scan_bound_expected(bound));
	scan->effort_exact = effort_of(scan->search.cached, scan->search.index, wanted, share,
								   setting);
	scan->effort = (int) ceil(scan->effort_exact);
	scan->effort_share = share;
	if (effort_follows(scan->search.cached, scan->search.index))
	{
		scan->effort_changed = curves_changed_part(scan->search.cached);
		scan->effort_rows = wanted > 0 ? wanted : ROWS_NOT_KNOWN;
	}
	return Max(scan->effort, (int) Min(rows, longest));
}

char *
scan_effort_line(IndexScanDesc desc)
{
	const VectorScan *scan = (VectorScan *) desc->opaque;
	const char *why = "nothing is measured";

	if (target_recall == 0 || scan->effort == 0)
		return NULL;
	if (scan->effort_rows > 0)
		why = psprintf("recall %g of %.0f rows%s%s", target_recall, scan->effort_rows,
					   scan->effort_share < 1 ?
					   psprintf(" among %.3g %% of all", 100 * scan->effort_share) : "",
					   scan->effort_changed > 0 ? psprintf("; %.3g %% of the rows are newer",
														   100 * scan->effort_changed) : "");
	return psprintf("%s = %d (%s)", vector_am_of(desc->indexRelation)->effort, scan->effort, why);
}

bool
effort_is_wanted(Relation index)
{
	CachedIndex *cached = cache_index(index);

	return target_recall > 0 || curves_acquire(cached, index) != NULL;
}

bool
effort_is_due(Relation index)
{
	const RecallCurves *curves;
	double		rows;

	if (vector_am_of(index)->effort_range == NULL || !effort_is_wanted(index))
		return false;
	curves = curves_acquire(cache_index(index), index);
	rows = (double) index_count_live(index);
	if (curves == NULL)
		return rows > 0;
	return fabs(rows - curves->rows) > CHANGED_PART * curves->rows ||
		curves_changed_part(cache_index(index)) > CHANGED_PART ||
		(!curves->sampled && samples_count(sampled_index(index)) >= SAMPLES_ENOUGH);
}
