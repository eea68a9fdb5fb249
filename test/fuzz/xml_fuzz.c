/*
 * xml_fuzz.c - answers of object stores
 *
 * Every input is an answer, in which a list of objects and an error are looked for as src/store
 * does: what is found lies in the answer, one element after another, and what is copied fits.  The
 * input is also the text of an element: written with entities, it is read back as it was.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/xml.h"

static void
check_inside(XmlText part, XmlText whole)
{
	assert(part.start >= whole.start && part.start <= part.end && part.end <= whole.end);
}

static void
check_copy(XmlText content)
{
	for (size_t size = 0; size < 40; size++)
	{
		char	   *out = malloc(size);

		if (store_xml_copy(content, out, size))
			assert(memchr(out, '\0', size) != NULL);
		free(out);
	}
}

static void
check_answer(XmlText answer)
{
	static const char *const names[] = {"Code", "Message", "UploadId", "IsTruncated"};
	XmlText		content;
	XmlText		rest = answer;
	XmlText		entry;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (store_xml_find(answer, names[i], &content))
		{
			check_inside(content, answer);
			check_copy(content);
		}
	if (store_xml_find(answer, "ListBucketResult", &content))
		rest = content;
	while (store_xml_find(rest, "Contents", &entry))
	{
		check_inside(entry, rest);
		assert(entry.start > rest.start);
		rest.start = entry.end;
		if (store_xml_find(entry, "Key", &content))
		{
			check_inside(content, entry);
			check_copy(content);
		}
	}
}

static void
check_text(const uint8_t *data, size_t size)
{
	static const char tail[] = "</Key><Size>1</Size>";
	char	   *xml = malloc(6 * size + 40);
	char	   *out = malloc(size + 1);
	char	   *at = xml + sprintf(xml, "<Keys/><Key>");
	XmlText		content;

	for (size_t i = 0; i < size; i++)
		if (strchr("&<>\"'\r", data[i]) != NULL)
			at += sprintf(at, i % 2 == 0 ? "&#%d;" : "&#x%02x;", data[i]);
		else
			*at++ = (char) data[i];
	at += sprintf(at, "%s", tail);
	assert(store_xml_find((XmlText) {xml, at}, "Key", &content));
	assert(content.start == xml + 12 && content.end == at - strlen(tail));
	assert(store_xml_copy(content, out, size + 1));
	assert(memcmp(out, data, size) == 0 && out[size] == '\0');
	assert(!store_xml_copy(content, out, size));
	free(xml);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy, whose end the sanitizer knows */
	char	   *answer = malloc(size + 1);

	memcpy(answer, data, size);
	answer = realloc(answer, size == 0 ? 1 : size);
	check_answer((XmlText) {answer, answer + size});
	free(answer);
	if (memchr(data, '\0', size) == NULL)
		check_text(data, size);
	return 0;
}
