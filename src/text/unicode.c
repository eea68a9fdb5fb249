/*
 * unicode.c - terms by Unicode's word boundaries (UAX #29), found by ICU
 *
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese are cut into words by ICU's dictionaries.  A term
 * is a word in the form NFKC_Casefold: without difference between upper and lower case, half and
 * full width, composed and decomposed accents.  White space, punctuation and symbols are no words.
 */
#include "text/text.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#ifdef USE_LIBICU
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>

static void
check_icu(UErrorCode status)
{
	if (U_FAILURE(status))
		ereport(ERROR,
				(errcode(status == U_MEMORY_ALLOCATION_ERROR ? ERRCODE_OUT_OF_MEMORY :
						 ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not find the words of a text: %s", u_errorName(status))));
}

/* The term of a word; returns its length, or 0 if there is none or if it is too long. */
static int
fold(const UNormalizer2 *normalizer, const char *word, int length, char *term)
{
	UChar		source[TEXT_MAX_TERM];
	UChar		folded[TEXT_MAX_TERM];
	int32_t		source_length;
	int32_t		folded_length;
	int32_t		term_length;
	UErrorCode	status = U_ZERO_ERROR;
	int			i;

	if (length > TEXT_MAX_TERM)
		return 0;
	/* ASCII needs no tables */
	for (i = 0; i < length && !IS_HIGHBIT_SET(word[i]); i++)
		term[i] = word[i] >= 'A' && word[i] <= 'Z' ? word[i] + ('a' - 'A') : word[i];
	if (i == length)
		return length;
	u_strFromUTF8(source, TEXT_MAX_TERM, &source_length, word, length, &status);
	folded_length = unorm2_normalize(normalizer, source, source_length, folded, TEXT_MAX_TERM,
									 &status);
	u_strToUTF8(term, TEXT_MAX_TERM, &term_length, folded, folded_length, &status);
	/* a folded word may be longer */
	if (status == U_BUFFER_OVERFLOW_ERROR)
		return 0;
	check_icu(status);
	return term_length;
}

void
tokenize_unicode(const char *text, int length, TermCallback emit, void *state)
{
	/* kept for the next text: to make an iterator takes longer than a short text does */
	static UBreakIterator *words = NULL;
	static UText *input = NULL;
	UErrorCode	status = U_ZERO_ERROR;
	const UNormalizer2 *normalizer;
	char		term[TEXT_MAX_TERM];
	uint32		position = 0;

	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokenizer \"unicode\" needs a database with the encoding UTF8")));
	normalizer = unorm2_getNFKCCasefoldInstance(&status);
	if (!words)
		words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
	input = utext_openUTF8(input, text, length, &status);
	ubrk_setUText(words, input, &status);
	check_icu(status);
	for (int start = ubrk_first(words), end; (end = ubrk_next(words)) != UBRK_DONE;
		 start = end)
	{
		int			term_length;

		CHECK_FOR_INTERRUPTS();
		if (ubrk_getRuleStatus(words) < UBRK_WORD_NONE_LIMIT)
			continue;
		position++;
		term_length = fold(normalizer, text + start, end - start, term);
		if (term_length > 0)
			emit(state, term, term_length, position);
	}
}

#else							/* !USE_LIBICU */

void
tokenize_unicode(const char *text, int length, TermCallback emit, void *state)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("tokenizer \"unicode\" is not supported by this build"),
			 errdetail("The extension was built without ICU."),
			 errhint("Install libicu-dev and pkg-config, and build it again.")));
}

#endif							/* USE_LIBICU */
