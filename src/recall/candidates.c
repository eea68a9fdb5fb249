/*
 * candidates.c - indexes that a column could have
 */
#include "pg_compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "recall/advise.h"
#include "types/dense.h"

/* Of ivfflat. */
#define MOST_LISTS	32768

/* Those that are tried of each access method, as far as it has a class of the operator. */
static const struct
{
	Candidate	candidate;
	bool		coded;			/* only dense vectors, by distances that codes estimate */
	bool		rounded;		/* vectors are kept rounded, or not at all */
}			known[] = {
	{{.method = "hnsw"}, false, false},
	{{.method = "hnsw", .options = "storage = sq8"}, true, true},
	{{.method = "diskann", .options = "storage = none", .reads_table = true,
	.second = "diskann.query_rescore", .second_least = 50}, true, false},
	{{.method = "diskann", .options = "storage = full"}, true, false},
	{{.method = "ivf"}, false, false},
	{{.method = "ivf", .options = "refine = none", .reads_table = true}, true, true},
	{{.method = "ivfflat", .counts_lists = true}, false, false},
	{{.method = "sparse"}, false, false}
};

/* Finds the class of its access method whose searches are by an operator; false: there is none. */
static bool
find_class(Candidate *candidate, Oid operator)
{
	Oid			method = get_am_oid(candidate->method, true);
	const VectorAm *am = OidIsValid(method) ? vector_am_by_oid(method) : NULL;
	CatCList   *classes;

	if (am == NULL || strcmp(am->name, candidate->method) != 0)
		return false;
	candidate->setting = am->effort_range ? am->effort : NULL;
	classes = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(method));
	for (int i = 0; i < classes->n_members; i++)
	{
		Form_pg_opclass row = (Form_pg_opclass) GETSTRUCT(&classes->members[i]->tuple);

		if (get_opfamily_member(row->opcfamily, row->opcintype, row->opcintype, 1) == operator)
			candidate->opclass = row->oid;
	}
	ReleaseSysCacheList(classes);
	return OidIsValid(candidate->opclass);
}

int
advise_candidates(const Question *question, Candidate *candidates)
{
	const DenseType *dense = dense_type_of(question->column_type);
	const char *name = get_opname(question->operator);
	bool		coded = dense != NULL && (strcmp(name, "<->") == 0 || strcmp(name, "<#>") == 0 ||
										  strcmp(name, "<=>") == 0);
	int			count = 0;

	StaticAssertStmt(lengthof(known) <= MOST_CANDIDATES, "there is room for each");
	for (int i = 0; i < lengthof(known); i++)
	{
		Candidate	candidate = known[i].candidate;

		/* bytes cannot be rounded further */
		if ((known[i].coded && !coded) ||
			(known[i].rounded && codec_element_size(dense->element) < 2))
			continue;
		if (find_class(&candidate, question->operator))
			candidates[count++] = candidate;
	}
	return count;
}

const char *
advise_options(const Candidate *candidate, double rows)
{
	if (candidate->counts_lists)
		return psprintf("lists = %d", (int) Min(Max(rint(sqrt(rows)), 1), MOST_LISTS));
	return candidate->options ? candidate->options : "";
}

int
advise_second_effort(const Candidate *candidate, double effort)
{
	return (int) Max(ceil(effort / 2), candidate->second_least);
}
