/*
 * xml.c - the few elements of answers of S3 that are read
 */
#include "store/xml.h"

#include <string.h>

static const char *
find(const char *at, const char *end, const char *text)
{
	size_t		size = strlen(text);

	for (; at != NULL && (size_t) (end - at) >= size; at++)
	{
		at = memchr(at, text[0], end - at - size + 1);
		if (at == NULL || memcmp(at, text, size) == 0)
			return at;
	}
	return NULL;
}

/*
 * Whether a tag of this name, with or without attributes, begins after '<'; its end is put into
 * *after.
 */
static bool
is_tag(const char *at, const char *end, const char *name, const char **after)
{
	size_t		size = strlen(name);

	if ((size_t) (end - at) <= size || memcmp(at, name, size) != 0 ||
		strchr(" \t\r\n>/", at[size]) == NULL || at[size] == '\0')
		return false;
	*after = memchr(at + size, '>', end - at - size);
	if (*after == NULL)
		return false;
	++*after;
	return true;
}

bool
store_xml_find(XmlText where, const char *name, XmlText *content)
{
	const char *at = where.start;

	while ((at = find(at, where.end, "<")) != NULL)
	{
		const char *after;

		at++;
		if (!is_tag(at, where.end, name, &after))
			continue;
		content->start = content->end = after;
		if (after[-2] == '/')
			return true;
		for (at = after; (at = find(at, where.end, "</")) != NULL;)
		{
			at += 2;
			if (is_tag(at, where.end, name, &after))
			{
				content->end = at - 2;
				return true;
			}
		}
		return false;
	}
	return false;
}

/* The number of a character reference such as "#x41;" or "#65;"; -1: none, or not of one byte. */
static int
reference(const char *at, const char *end)
{
	int			base = 10;
	int			value = 0;
	int			digits = 0;

	if (at == end || *at++ != '#')
		return -1;
	if (at < end && *at == 'x')
	{
		base = 16;
		at++;
	}
	for (; at < end && digits < 8; at++, digits++)
	{
		int			digit = *at >= '0' && *at <= '9' ? *at - '0' :
			*at >= 'a' && *at <= 'f' ? *at - 'a' + 10 :
			*at >= 'A' && *at <= 'F' ? *at - 'A' + 10 : 16;

		if (digit >= base || value > 127)
			return -1;
		value = value * base + digit;
	}
	return at == end && digits > 0 && value > 0 && value < 128 ? value : -1;
}

bool
store_xml_copy(XmlText content, char *out, size_t size)
{
	static const struct
	{
		const char *name;
		char		value;
	}			entities[] = {
		{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}
	};

	for (const char *at = content.start; at < content.end; at++)
	{
		char		value = *at;

		if (value == '&')
		{
			const char *end = memchr(at, ';', content.end - at);
			int			number;

			if (end == NULL)
				return false;
			number = reference(at + 1, end);
			for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
				if ((size_t) (end - at - 1) == strlen(entities[i].name) &&
					memcmp(at + 1, entities[i].name, end - at - 1) == 0)
					number = entities[i].value;
			if (number < 0)
				return false;
			value = (char) number;
			at = end;
		}
		if (size < 2 || value == '\0')
			return false;
		*out++ = value;
		size--;
	}
	if (size < 1)
		return false;
	*out = '\0';
	return true;
}
