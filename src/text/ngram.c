/*
 * ngram.c - terms of min to max characters that follow each other
 *
 * Words end at white space alone.  A word that is shorter than min is a term by itself, so that no
 * word is lost.  The position of a term is that of its first character; between words one is left
 * out, so that no phrase crosses them.
 */
#include "text/text.h"

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Compatibility forms replaced (in UTF8), and in lower case as lower() does. */
static text *
fold(const char *input, int length)
{
	Datum		folded = PointerGetDatum(cstring_to_text_with_len(input, length));

	if (GetDatabaseEncoding() == PG_UTF8)
		folded = DirectFunctionCall2(unicode_normalize_func, folded, CStringGetTextDatum("NFKC"));
	return DatumGetTextPP(DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID, folded));
}

/* The terms that begin with the first character of the word from p to end. */
static void
take_terms(const Tokenizer *tokenizer, const char *p, const char *end, TermCallback emit,
		   void *state, uint32 position)
{
	int			encoding = GetDatabaseEncoding();
	const char *q = p;

	for (int n = 1; n <= tokenizer->max && q < end; n++)
	{
		q += pg_encoding_mblen(encoding, q);
		if (n >= tokenizer->min)
			emit(state, p, q - p, position);
	}
}

void
tokenize_ngram(const Tokenizer *tokenizer, const char *text, int length, TermCallback emit,
			   void *state)
{
	struct varlena *folded = fold(text, length);
	const char *p = VARDATA_ANY(folded);
	const char *end = p + VARSIZE_ANY_EXHDR(folded);
	int			encoding = GetDatabaseEncoding();
	uint32		position = 0;

	while (p < end)
	{
		const char *word = p;
		int			characters = 0;

		for (; p < end && !scanner_isspace(*p); p += pg_encoding_mblen(encoding, p))
			characters++;
		if (characters > 0 && characters < tokenizer->min)
			emit(state, word, p - word, position + 1);
		for (int i = 0; i < characters; i++, word += pg_encoding_mblen(encoding, word))
		{
			CHECK_FOR_INTERRUPTS();
			take_terms(tokenizer, word, p, emit, state, ++position);
		}
		position++;
		p++;
	}
	pfree(folded);
}
