#!/bin/bash
# Checks the layout of the C code: tabs, 100 columns, no trailing space, and algorithm rooms without PostgreSQL.
cd "$(dirname "$0")/.." || exit 1
status=0
complain() {
	if [ -n "$2" ]; then
		printf '%s:\n%s\n' "$1" "$2"
		status=1
	fi
}

mapfile -t files < <(find src test -name '*.[ch]')
complain "longer than 100 columns, a tab being 4" "$(for file in "${files[@]}"; do
	expand -t 4 "$file" | awk -v file="$file" 'length($0) > 100 { print file ":" NR }'
done)"
complain "a conflict of a merge" "$(grep -rnE '^(<<<<<<<|>>>>>>>) ' src test sql expected docs ./*.md)"
complain "space at the end of a line" "$(grep -nE '[[:space:]]+$' "${files[@]}")"
complain "indented by spaces" "$(grep -nE '^    ' "${files[@]}")"
complain "longer than 800 lines" "$(wc -l "${files[@]}" | awk '$2 != "total" && $1 > 800')"
complain "PostgreSQL in a room that does without" \
	"$(grep -nE '#include *["<](postgres|fmgr|pg_compat|utils/|access/|storage/|catalog/)' src/distance/* src/inverted/* src/types/codec.* src/text/query.* src/text/document.* src/text/match.* src/rank/bm25.h src/knn_join/nearest.* src/knn_join/lists.* src/knn_join/products.* src/recall/model.* src/counters/reservoir.*)"
complain "a method in the room that knows none" \
	"$(grep -nE '#include "(graph|list|flat|inverted)_segment/|METHOD_(GRAPH|LISTS|FLAT|INVERTED)' src/segment/*.[ch] | grep -v '^src/segment/format.h:')"
complain "a page lock that is not a claim" "$(grep -nE '\b(Conditional)?(Un)?[Ll]ockPage\(' $(ls src/*/*.c | grep -v '^src/segment/claim.c$'))"
# Arguments are grouped by what they mean.  Exempt are signatures that PostgreSQL or a library gives, and a kernel whose nine arguments
# are all in registers.  A name in capitals is a macro's.
complain "a function of more than six arguments" "$(perl -0777 -ne '
	s{/\*.*?\*/}{}gs;
	s/^#(.*\\\n)*.*//mg;
	while (/(?:^(?:\w[\w \t]*[ *]+)?|\(\*)(\w*[a-z]\w*)\)? ?(\((?:[^()]|(?2))*\))/mg) {
		my ($name, $arguments) = ($1, substr $2, 1, -1);
		next if $name =~ /^(vectorinsert|vectorcostestimate|vectorutility|plan_with_distance|take_list|code_bounds)$/;
		$arguments =~ s/(\((?:[^()]|(?1))*\))//g;
		print "$ARGV: $name\n" if $arguments =~ tr/,// >= 6;
	}' "${files[@]}")"
# A header counts as one with its .c file and the header of its internals.
complain "a circle of files" "$(grep -oE '^#include "[a-z_]+/[a-z0-9_]+' src/*/*.[ch] | sed -E 's/^src.//; s/\.[ch]:#include "/ /; s/_internal//g' | awk '$1 != $2' |
	tsort 2>&1 >/dev/null)"
exit $status
