/*
 * xml_test.c - elements of S3's answers are found, and damaged answers read no byte beyond their
 * end
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "store/xml.h"

#define MUTATIONS 200000

static const char answer[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>cold</Name><Prefix/>"
	"<IsTruncated>true</IsTruncated><NextContinuationToken>a/b+c=</NextContinuationToken>"
	"<Contents><Key>a&amp;b&lt;&gt;&quot;&apos;</Key><Size>12</Size><Owner><ID>x</ID></Owner>"
	"</Contents>"
	"<Contents ><Key>&#x41;&#66;</Key><Size>0</Size></Contents></ListBucketResult>";

static XmlText
text_of(const char *text)
{
	return (XmlText) {text, text + strlen(text)};
}

/* The text of the first element of this name, "(none)", or "(bad)". */
static const char *
element(const char *text, const char *name)
{
	static char out[64];
	XmlText		content;

	if (!store_xml_find(text_of(text), name, &content))
		return "(none)";
	return store_xml_copy(content, out, sizeof(out)) ? out : "(bad)";
}

static void
check_element(const char *text, const char *name, const char *expected)
{
	const char *found = element(text, name);

	CHECK(strcmp(found, expected) == 0, "%s of %s: %s, expected %s", name, text, found, expected);
}

static void
check_elements(void)
{
	XmlText		rest = text_of(answer);
	XmlText		entry;
	int			entries = 0;

	check_element(answer, "Name", "cold");
	check_element(answer, "Prefix", "");
	check_element(answer, "IsTruncated", "true");
	check_element(answer, "NextContinuationToken", "a/b+c=");
	check_element(answer, "Key", "a&b<>\"'");
	check_element(answer, "Marker", "(none)");
	while (store_xml_find(rest, "Contents", &entry))
	{
		rest.start = entry.end;
		entries++;
	}
	CHECK(entries == 2, "%d entries", entries);
	CHECK(store_xml_find(rest, "Key", &entry) == false, "a key after the last entry");

	check_element("<Key>&#x41;&#66;</Key>", "Key", "AB");
	check_element("<Keys>no</Keys><Key>yes</Key>", "Key", "yes");
	check_element("<Key a=\"b\">yes</Key>", "Key", "yes");
	check_element("<Key>no", "Key", "(none)");
	check_element("<Key", "Key", "(none)");
	check_element("<Key>no</Keys>", "Key", "(none)");
	check_element("", "Key", "(none)");
	check_element("<Key>a&b</Key>", "Key", "(bad)");
	check_element("<Key>&unknown;</Key>", "Key", "(bad)");
	check_element("<Key>&#0;</Key>", "Key", "(bad)");
	check_element("<Key>&#x100;</Key>", "Key", "(bad)");
	check_element("<Key>&#999999999999;</Key>", "Key", "(bad)");
	check_element("<Key>12345678901234567890123456789012345678901234567890123456789012345678</Key>",
				  "Key", "(bad)");
}

/* In memory of exactly its size, of which the sanitized test sees the ends. */
static void
check_mutations(void)
{
	static const char *const names[] = {"Contents", "Key", "Size", "IsTruncated", "Code"};
	uint64_t	state = 88172645463325252u;
	int			found = 0;

	for (int i = 0; i < MUTATIONS; i++)
	{
		size_t		size;
		char	   *bytes;
		XmlText		content;
		char		out[32];

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		size = state % sizeof(answer);
		bytes = malloc(size > 0 ? size : 1);
		memcpy(bytes, answer + (state >> 20) % (sizeof(answer) - size), size);
		for (int j = 0; j < 3 && size > 0; j++)
			bytes[(state >> (10 * j)) % size] = "<>/&;#x \0K"[(state >> (20 + 10 * j)) % 10];
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			if (store_xml_find((XmlText) {bytes, bytes + size}, names[j], &content))
			{
				found++;
				CHECK(content.start >= bytes && content.start <= content.end &&
					  content.end <= bytes + size, "an element beyond the text");
				store_xml_copy(content, out, sizeof(out));
			}
		free(bytes);
	}
	CHECK(found > MUTATIONS / 10, "%d elements", found);
}

int
main(void)
{
	check_elements();
	check_mutations();
	return check_end("xml_test");
}
