/*
 * index.c - columns and options that all access methods have
 */
#include "am/index.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "am/method.h"
#include "segment/attributes.h"
#include "segment/seal.h"
#include "store/store.h"

#define DEFAULT_AFTER		"1 day"
#define DEFAULT_MIN_ROWS	100000

/* Raises an error unless the first column is indexed, and all others are attributes. */
static void
check_columns(Relation index)
{
	const VectorAm *am = vector_am_of(index);
	bool		texts = am->make_value != NULL;

	if (!OidIsValid(index_getprocid(index, 1, DISTANCE_NUMBER)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("first column of %s index must be a %s", am->name,
						texts ? "text" : "vector"),
				 errhint("Put columns to filter by after it.")));
	for (int i = 1; i < index->rd_att->natts; i++)
		if (!OidIsValid(index_getprocid(index, i + 1, ATTRIBUTE_COMPARE)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" cannot be an attribute of %s index",
							NameStr(TupleDescAttr(index->rd_att, i)->attname), am->name),
					 errdetail("Its operator class is for the first column."),
					 texts ? errhint("To filter by a text, name the class text_ops after it; to "
									 "search several, index an array of them.") : 0));
}

bool
index_take_row(Relation index, const Space *space, const Datum *values, const bool *isnull,
			   SegmentRow *row)
{
	const VectorAm *am = vector_am_of(index);
	Datum		value = values[0];

	if (isnull[0] || (am->make_value && !am->make_value(index, values[0], &value)))
		return false;
	row->payload = space_payload(space, value, &row->size);
	return space_indexable(space, row->payload);
}

DirectoryOptions
index_column_options(Relation index)
{
	const char *am = vector_am_of(index)->name;
	DirectoryOptions options = {
		.method = vector_am_of(index)->segments->id,
		.features = index->rd_att->natts > 1 ? FEATURE_ATTRIBUTES : 0
	};

	check_columns(index);
	if (TupleDescAttr(index->rd_att, 0)->atttypid == VARBITOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type not supported for %s index", am)));
	space_of_index(index, &options.element, &options.metric);
	options.dims = space_dims_of_index(index, options.element);
	if (options.dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (options.element == SPACE_BIT && options.dims > INDEX_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						INDEX_MAX_BITS, am)));
	return options;
}

/* The server of a name; raises an error if there is none, or it is no object store. */
static Oid
find_server(const char *name, Oid user)
{
	ForeignServer *server = GetForeignServerByName(name, true);

	if (server == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("server \"%s\" does not exist", name),
				 errhint("Create it as a server of the foreign-data wrapper vector_store, or "
						 "leave out the option tier.")));
	store_require(server->serverid, user);
	return server->serverid;
}

static Interval *
parse_interval(const char *text)
{
	return DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1)));
}

static void
validate_tier(const char *value)
{
	if (value != NULL)
		(void) find_server(value, GetUserId());
}

static void
validate_after(const char *value)
{
	Interval   *interval;

	if (value == NULL)
		return;
	interval = parse_interval(value);
	if (interval->month < 0 || interval->day < 0 || interval->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tier_after must not be negative")));
}

static void
add_tiering_options(relopt_kind kind)
{
	add_string_reloption(kind, "tier", "Object store that old segments are moved to", NULL,
						 validate_tier, ShareUpdateExclusiveLock);
	add_string_reloption(kind, "tier_after", "Age from which a segment is moved there", NULL,
						 validate_after, ShareUpdateExclusiveLock);
	add_int_reloption(kind, "tier_min_rows", "Rows from which a segment is moved there",
					  DEFAULT_MIN_ROWS, 1, INT_MAX, ShareUpdateExclusiveLock);
}

relopt_kind
index_relopt_kind(const SegmentMethod *segments)
{
	relopt_kind kind = add_reloption_kind();

	add_int_reloption(kind, "seal_rows",
					  "Number of inserted rows at which a sealed segment is made of them", 0,
					  SEAL_MIN_ROWS, SEAL_MAX_ROWS, ShareUpdateExclusiveLock);
	if (segments->tiering != NULL)
		add_tiering_options(kind);
	return kind;
}

uint32
index_seal_rows(Relation index)
{
	const IndexOptions *options = (IndexOptions *) index->rd_options;

	return options && options->seal_rows > 0 ? options->seal_rows : seal_default_rows;
}

Oid
index_tiering_server(Relation index)
{
	const IndexOptions *options = (IndexOptions *) index->rd_options;

	return find_server((const char *) options + options->tier, index->rd_rel->relowner);
}

bool
index_tiering(Relation index, TieringChoice *choice)
{
	const IndexOptions *options = (IndexOptions *) index->rd_options;
	Datum		before;

	if (options == NULL || options->tier == 0)
		return false;
	choice->server = InvalidOid;
	choice->min_rows = options->tier_min_rows;
	before = DirectFunctionCall2(timestamptz_mi_interval,
								 TimestampTzGetDatum(GetCurrentTimestamp()),
								 IntervalPGetDatum(parse_interval(
									 options->tier_after > 0 ?
									 (const char *) options + options->tier_after :
									 DEFAULT_AFTER)));
	choice->before = DatumGetTimestampTz(before);
	return true;
}
