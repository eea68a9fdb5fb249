# update.awk - the script that makes this extension of pgvector's
#
# usage: awk -f update.awk PGVECTOR.catalog vector--1.0.sql
#
# The catalog lists what pgvector has.  A statement that creates one of these becomes those that
# add what pgvector's lacks; every other one stays as it is.  An extension that was installed from
# our script under pgvector's number has all of it: nothing is executed.

BEGIN {
	print "-- Made by update.awk: change vector--1.0.sql, not this file."
	print "\n\\echo Use \"ALTER EXTENSION vector UPDATE\" to load this file. \\quit\n"
	print "DO $update$\nBEGIN\n" \
		"IF EXISTS (SELECT FROM pg_catalog.pg_depend d\n" \
		"\t\tJOIN pg_catalog.pg_am a ON d.classid = 'pg_catalog.pg_am'::pg_catalog.regclass AND d.objid = a.oid\n" \
		"\t\tJOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass\n" \
		"\t\t\tAND d.refobjid = e.oid\n" \
		"\tWHERE a.amname = 'ivf' AND e.extname = 'vector') THEN\n\tRETURN;\nEND IF;"
}

# first file: kind|identity|...
FNR == NR {
	n = split($0, part, "|")
	if (part[1] == "function" || part[1] == "operator")
		theirs[substr($0, 1, index($0, ")"))] = 1
	else if (part[1] == "cast" || part[1] == "opclass")
		theirs[part[1] "|" part[2] "|" part[3]] = 1
	else
		theirs[part[1] "|" part[2]] = 1
	next
}

/^--/ || /^\\echo/ || (/^$/ && statement == "") { next }

{ statement = statement $0 "\n" }

/;$/ && (statement !~ /\nBEGIN ATOMIC\n/ || /^END;$/) && (statement !~ /\$[a-z]+\$\n/ || /^\$/) {
	identity = identify(statement)
	if (identity in theirs)
		adjust(statement, identity)
	else
		execute(statement)
	statement = ""
}

END {
	print "END\n$update$;"
}

function execute(text) {
	sub(/;\n$/, "", text)
	print "EXECUTE $statement$" text "$statement$;"
}

# What a statement creates, as the catalog has it.
function identify(text,    word, args) {
	gsub(/[ \t\n]+/, " ", text)
	gsub(/, /, ",", text)
	split(text, word, /[ (;]/)
	if (text ~ /^CREATE TYPE /)
		return "type|" word[3]
	if (text ~ /^CREATE (FUNCTION|AGGREGATE) /) {
		sub(/^CREATE [A-Z]+ /, "", text)
		return "function|" substr(text, 1, index(text, ")"))
	}
	if (text ~ /^CREATE OPERATOR CLASS /) {
		args = text
		sub(/^.* USING /, "", args)
		return "opclass|" substr(args, 1, index(args, " ") - 1) "|" word[4]
	}
	if (text ~ /^CREATE OPERATOR /) {
		args = text
		sub(/^.*LEFTARG = /, "", args)
		sub(/,RIGHTARG = /, ",", args)
		sub(/,FUNCTION.*$/, "", args)
		return "operator|" word[3] "(" args ")"
	}
	if (text ~ /^CREATE CAST /) {
		sub(/^CREATE CAST \(/, "", text)
		sub(/\).*$/, "", text)
		sub(/ AS /, "|", text)
		return "cast|" text
	}
	if (text ~ /^CREATE ACCESS METHOD /)
		return "am|" word[4]
	return ""
}

# What is different in our definition of something that pgvector has.
function adjust(text, identity,    name) {
	name = identity
	sub(/^[a-z]+\|/, "", name)
	if (match(text, / SUPPORT [a-z0-9_]+/))
		execute("ALTER FUNCTION " name substr(text, RSTART, RLENGTH))
	# ALTER OPERATOR can do this from PostgreSQL 17 on only
	if (text ~ /\tHASHES\n/)
		execute("UPDATE pg_catalog.pg_operator SET oprcanhash = true\n" \
			"\tWHERE oid = '" name "'::pg_catalog.regoperator")
}
