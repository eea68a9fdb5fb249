#!/bin/bash
# Writes docs/functions.md from the catalog of a database that has the extension.
#
# usage: test/docs/functions.sh [PSQL OPTION ...]
set -eu
cd "$(dirname "$0")/../.."

# The lines of one part of the page.
part=
lines() {
	psql -XqAt "$@" -f test/docs/functions.sql -c "SELECT line FROM documented WHERE part = $part ORDER BY place COLLATE \"C\", line COLLATE \"C\""
}

{
	echo '# Operators, functions, aggregates and casts'
	echo
	echo 'This page is made from the database catalog by `test/docs/functions.sh`, and a test compares the two.'
	echo 'Vectors that meet in an operator or function must have the same number of dimensions.'
	echo
	echo '## Operators'
	echo
	echo 'The distance operators sort: `ORDER BY embedding <-> $1 LIMIT 10`. As PostgreSQL sorts ascending by default, the'
	echo 'inner product comes negative. Distances may be `Infinity`, or `NaN` where a cosine is not defined; arithmetic that'
	echo 'leaves the range of the type is an error.'
	echo
	echo '| operator | result | description |'
	echo '|---|---|---|'
	part=1 lines "$@"
	echo
	echo '## Functions'
	echo
	echo '| function | result | description |'
	echo '|---|---|---|'
	part=2 lines "$@"
	echo
	echo '## Aggregates'
	echo
	echo '| aggregate | result | description |'
	echo '|---|---|---|'
	part=3 lines "$@"
	echo
	echo '## Casts'
	echo
	echo 'An implicit cast is made wherever it helps; one "in assignment" where a value is stored in a column, and by `::`.'
	echo
	echo '| from | to | made |'
	echo '|---|---|---|'
	part=4 lines "$@"
	echo
	echo '## Operator classes'
	echo
	echo 'Classes of [attributes](indexes.md#attributes) need not be named.'
	echo
	echo '| class | index | type | description |'
	echo '|---|---|---|---|'
	part=5 lines "$@"
} >docs/functions.md.new
mv docs/functions.md.new docs/functions.md
