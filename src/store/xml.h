/*
 * xml.h - the few elements of answers of S3 that are read
 *
 * No parser of XML: elements are found by their names, from a place on, and no element that is
 * looked for contains another one of its name.  Plain C.
 */
#ifndef STORE_XML_H
#define STORE_XML_H

#include <stdbool.h>
#include <stddef.h>

typedef struct XmlText
{
	const char *start;
	const char *end;
} XmlText;

/* Finds the first element of this name; content is what is between its tags. */
extern bool store_xml_find(XmlText where, const char *name, XmlText *content);

/* Copies text, entities replaced; false: it does not fit, or an entity is none. */
extern bool store_xml_copy(XmlText content, char *out, size_t size);

#endif							/* STORE_XML_H */
