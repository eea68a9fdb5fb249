/*
 * jsonb.c - the strings of a jsonb, as an array of texts that an index of words can have
 */
#include "pg_compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* jsonb_strings(jsonb): values that are strings, at any depth, in the order of the jsonb. */
PG_FUNCTION_INFO_V1(jsonb_strings);
Datum
jsonb_strings(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	ArrayBuildState *strings = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		text	   *string;

		if ((token != WJB_VALUE && token != WJB_ELEM) || value.type != jbvString)
			continue;
		string = cstring_to_text_with_len(value.val.string.val, value.val.string.len);
		strings = accumArrayResult(strings, PointerGetDatum(string), false, TEXTOID,
								   CurrentMemoryContext);
	}
	PG_RETURN_DATUM(makeArrayResult(strings, CurrentMemoryContext));
}
