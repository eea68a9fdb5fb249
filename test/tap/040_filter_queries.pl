# Generated searches with conditions, compared with the sequential scan: tables with attributes of all types and other
# indexes, every access method, element type and metric, rows growing, sealed, deleted, vacuumed and merged
#
# 10,000 queries; VECTOR_LONG=1: 200,000.  VECTOR_SEED=N: other ones.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'attributes are ours' if $ENV{VECTOR_PEER};
my $wanted = $ENV{VECTOR_QUERIES} // ($ENV{VECTOR_LONG} ? 200_000 : 10_000);
my $seed = $ENV{VECTOR_SEED} // 1;
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nfsync = off\nvector.background_work = off\n"
	. "max_parallel_workers_per_gather = 0\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION vector');

# How the value of a type follows from a number x.
my $odd = q{(CASE x WHEN 0 THEN '-0' WHEN 1 THEN 'NaN' WHEN 2 THEN '0' WHEN 3 THEN '-Infinity' ELSE (x / 4.0)::text END)};
my %value = (
	'boolean' => 'x % 2 = 0', 'smallint' => 'x - 3', 'integer' => 'x * 7', 'bigint' => 'x * 10000000000',
	'real' => "$odd\::real", 'double precision' => "$odd\::float8", 'numeric' => 'x / 8.0', 'share' => 'x / 3.0',
	'text' => q{repeat(chr(97 + x % 26), x % 5) || x / 26}, 'text COLLATE "C"' => q{chr(65 + x % 40) || x / 40},
	'varchar(20)' => q{'v' || x % 50}, 'char(9)' => q{'p' || x % 60}, '"char"' => 'chr(65 + x % 50)::"char"',
	'uuid' => 'md5(x::text)::uuid', 'date' => q{'2020-01-01'::date + x}, 'timestamp' => q{'2020-01-01'::timestamp + x * interval '1 hour'},
	'timestamptz' => q{'2020-01-01'::timestamptz + x * interval '1 day'}, 'time' => q{'10:00'::time + x * interval '1 second'},
	'timetz' => q{'10:00+02'::timetz + x * interval '1 minute'}, 'interval' => q{x * interval '9 days'},
	'mood' => '(enum_range(NULL::mood))[1 + x % 3]', 'inet' => q{'10.0.0.1'::inet + x}, 'oid' => 'x', 'bytea' => q{decode(lpad(to_hex(x), 6, '0'), 'hex')});
my %array = ('integer[]' => '(ARRAY[x % 8, x % 3, x % 5])[:x % 5]', 'text[]' => q{(ARRAY['e' || x % 8, NULL, 'e' || x % 3])[:x % 4]});
%value = (%value, %array)
  if $node->safe_psql('postgres', "SELECT count(*) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE amname = 'hnsw' AND opcintype = 'anyarray'::regtype");
my @types = sort keys %value;

$node->safe_psql('postgres', <<'SQL');
	CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
	CREATE DOMAIN share AS numeric CHECK (value >= 0);
	CREATE TABLE other (a int PRIMARY KEY, x int, y text);
	INSERT INTO other SELECT i, i % 5, 'y' || i % 3 FROM generate_series(0, 40) i;
	CREATE TABLE acl (doc int, reader int, PRIMARY KEY (reader, doc));
	CREATE TABLE asked (n serial, form text, source text, condition text, k int, mode text, exact bool, plain bool);
	CREATE TABLE result (queries int, by_condition int, by_bitmap int, ordered int, few int, exact int, exact_found int, wanted int, found int, late int, index_only int, different int);

	-- A distance and what an index may be wrong by, whose distances are rounded.
	CREATE FUNCTION beyond(d float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT d + 1e-6 * (1 + abs(d))';

	-- Runs the queries of the table asked, by the index and without: a notice for each answer that is wrong.
	CREATE FUNCTION compare(am text, op text, state text, rows int) RETURNS result LANGUAGE plpgsql AS $$
	DECLARE
		r result;
		a asked;
		q text;
		query text;
		line text;
		truth float8[];
		found float8[];
		texts text[];
		texts_found text[];
		ids int[];
		again int;
		wrong text;
	BEGIN
		r := ROW(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
		FOR a IN SELECT * FROM asked ORDER BY n LOOP
			q := quote_literal(place(floor(random() * 8)::int, random() < 0.8));
			query := format('FROM %s WHERE %s', a.source, replace(a.condition, '§', q));
			PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true),
				set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'on', true);
			EXECUTE format('SELECT array_agg(d) FROM (SELECT t.v %s %s AS d %s AND t.v IS NOT NULL ORDER BY 1 LIMIT %s) s',
				op, q, query, a.k + 1) INTO truth;
			truth := coalesce(truth, '{}');
			IF a.form = 'attribute' THEN
				EXECUTE format('SELECT array_agg(x::text ORDER BY x::text) FROM (SELECT t.a1 AS x %s AND t.v IS NOT NULL) s', query) INTO texts;
			END IF;

			PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', CASE WHEN a.plain THEN 'on' ELSE 'off' END, true),
				set_config('enable_bitmapscan', 'on', true), set_config('enable_sort', CASE WHEN a.plain THEN 'on' ELSE 'off' END, true),
				-- sparse has no such modes
				set_config(CASE am WHEN 'sparse' THEN 'hnsw' ELSE am END || '.iterative_scan', a.mode, true),
				set_config('hnsw.ef_search', CASE WHEN a.exact THEN '1000' ELSE '40' END, true),
				set_config('ivf.probes', '10', true), set_config('ivfflat.probes', '10', true);
			IF a.form = 'attribute' THEN
				query := format('SELECT t.a1 AS x %s ORDER BY t.v %s %s LIMIT %s', query, op, q, a.k);
				EXECUTE format('SELECT array_agg(x::text ORDER BY x::text) FROM (%s) s', query) INTO texts_found;
				FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
					r.index_only := r.index_only + (line ~ 'Index Only Scan using t.*_v')::int;
				END LOOP;
				r.queries := r.queries + 1;
				IF texts IS DISTINCT FROM texts_found THEN
					RAISE NOTICE 'different: %, % rows, mode %: %; % and not %', state, rows, a.mode, query, texts_found, texts;
					r.different := r.different + 1;
				END IF;
				CONTINUE;
			END IF;
			IF a.form = 'each' THEN
				query := format('SELECT s.* FROM generate_series(0, 2) n, LATERAL (SELECT t.id, t.v %s %s AS d %s AND t.id %% 3 = n
					ORDER BY t.v %1$s %2$s LIMIT %4$s) s', op, q, query, a.k);
			ELSE
				query := format('SELECT t.id, t.v %s %s AS d %s ORDER BY t.v %1$s %2$s LIMIT %4$s %5$s', op, q, query, a.k, a.form);
			END IF;
			BEGIN
				EXECUTE format('SELECT array_agg(id), array_agg(d) FROM (%s) s', query) INTO ids, found;
			EXCEPTION WHEN others THEN
				wrong := 'error ' || SQLERRM;
				ids := NULL;
				found := NULL;
			END;
			ids := coalesce(ids, '{}');
			found := coalesce(found, '{}');
			r.queries := r.queries + 1;
			IF r.queries % 4 = 0 THEN
				FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
					r.ordered := r.ordered + (line ~ 'Order By')::int;
					r.by_condition := r.by_condition + (line ~ 'Index Cond' AND line !~ '_pkey')::int;
					r.by_bitmap := r.by_bitmap + (line ~ 'Vector Filter')::int;
				END LOOP;
			END IF;

			-- all that are asked for, and exactly those if no more meet the condition; none nearer than the nearest; no
			-- row twice
			IF wrong IS NOT NULL THEN
				NULL;
			ELSIF cardinality(found) <> least(a.k, cardinality(truth)) AND (a.mode <> 'off' OR a.exact OR cardinality(found) > cardinality(truth)) THEN
				wrong := format('%s rows, not %s', cardinality(found), least(a.k, cardinality(truth)));
			ELSIF cardinality(truth) <= a.k AND (a.mode <> 'off' OR a.exact)
				AND (SELECT array_agg(d ORDER BY d) FROM unnest(found) d) IS DISTINCT FROM (SELECT array_agg(d ORDER BY d) FROM unnest(truth[:a.k]) d) THEN
				wrong := format('distances %s, not %s', found, truth[:a.k]);
			ELSIF EXISTS (SELECT FROM unnest((SELECT array_agg(d ORDER BY d) FROM unnest(found) d), truth) x(f, t) WHERE f < t) THEN
				wrong := format('too near: %s, not %s', found, truth);
			ELSIF a.source = 't' AND cardinality(ids) <> (SELECT count(DISTINCT id) FROM unnest(ids) id) THEN
				wrong := format('rows twice: %s', ids);
			END IF;
			IF a.mode <> 'relaxed_order' AND a.form <> 'each' THEN
				r.late := r.late + EXISTS (SELECT FROM unnest(found, found[2:]) x(d, next) WHERE d > beyond(next))::int;
			END IF;
			IF wrong IS NULL AND r.queries % 4 = 0 THEN
				PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'on', true);
				EXECUTE format('SELECT count(DISTINCT t.id) FROM %s WHERE (%s) AND t.id = ANY (%L)', a.source, replace(a.condition, '§', q), ids) INTO again;
				IF again <> (SELECT count(DISTINCT id) FROM unnest(ids) id) THEN
					wrong := format('rows that do not meet the condition: %s', ids);
				END IF;
			END IF;
			IF wrong IS NOT NULL THEN
				RAISE NOTICE 'different: %, % rows, mode %, exact %, plain %: %; %', state, rows, a.mode, a.exact, a.plain, query, wrong;
				r.different := r.different + 1;
				wrong := NULL;
			ELSIF cardinality(truth) <= a.k THEN
				r.few := r.few + 1;
			ELSIF a.exact THEN
				r.exact := r.exact + a.k;
				r.exact_found := r.exact_found + (SELECT count(*) FROM unnest(found) d WHERE d <= beyond(truth[a.k]));
			ELSIF a.mode <> 'off' THEN
				r.wanted := r.wanted + a.k;
				r.found := r.found + (SELECT count(*) FROM unnest(found) d WHERE d <= beyond(truth[a.k]));
			END IF;
		END LOOP;
		RETURN r;
	END $$;
SQL

sub pick { return $_[ int(rand(@_)) ]; }
sub chance { return rand() < $_[0]; }

# The modes of iterative scans of an access method.
my %modes = map { $_ => [ split /,/, $node->safe_psql('postgres', "LOAD 'vector';
	SELECT array_to_string(enumvals, ',') FROM pg_settings WHERE name = '$_.iterative_scan'") ] } qw(hnsw diskann ivf ivfflat);
$modes{sparse} = ['auto'];

sub array_condition
{
	my ($column, $type, $x, $y) = @_;
	my ($element) = $type =~ /^(.*)\[\]/;
	my $one = $element eq 'integer' ? int(rand(8)) : "'e" . int(rand(8)) . "'";
	return "$column " . pick('&&', '@>', '<@', '=', '<>', '<') . " $x" if chance(0.4);
	return "($column && $x OR $column @> $y)" if chance(0.2);
	return "$one = ANY ($column)" if chance(0.5);
	return "$column " . pick('&&', '@>', '@>', '<@') . " ARRAY[" . pick($one, "$one, $one", "$one, NULL", '') . "]::$type";
}

# A condition that no operator class of attributes knows.
sub match_column
{
	my ($column, $type, $x) = @_;
	return "($column & " . (1 + int(rand(9))) . " > 0 OR $column % " . (2 + int(rand(7))) . ' = 1)' if $type eq 'integer';
	return "extract(month FROM $column) < " . (1 + int(rand(13))) if $type eq 'date';
	return "CASE WHEN $column THEN $column ELSE $x END" if $type eq 'boolean';
	my $letters = join('', map { chr(97 + int(rand(26))) } 1 .. 4);
	return "$column " . pick('LIKE', 'ILIKE', 'NOT LIKE') . " '%" . pick(split //, $letters) . "%'" if chance(0.4);
	return "$column " . pick('~', '~*', '!~') . " '^[$letters]'" if chance(0.4);
	return "upper($column) " . pick('=', '<') . " upper($x)" if chance(0.5);
	return 'length(' . $column . ') % 2 = 0';
}

# One comparison of a column with values of its type.
sub compare_column
{
	my ($column, $type, $values) = @_;
	return "$column IS " . (chance(0.5) ? 'NULL' : 'NOT NULL') if !@$values || chance(0.06);
	my ($x, $y, $z) = map { pick(@$values) } 1 .. 3;
	($type) = $type =~ /^([^ ]*( precision)?)/;
	$x = "(SELECT $x\::$type)" if chance(0.1);
	return array_condition($column, $type, $x, $y) if $type =~ /\[\]$/;
	return $column if $type eq 'boolean' && chance(0.3);
	return "$column LIKE " . ($x =~ s/^('.)[^']*'$/$1%'/r) if $type =~ /^(text|varchar)/ && $x =~ /^'[^'\\%_]+'$/ && chance(0.15);
	return match_column($column, $type, $x) if $type =~ /^(text|varchar|integer|date|boolean)/ && chance(0.15);
	my $kind = int(rand(15));
	return "$column IN ($x, $y, $z)" if $kind == 0;
	return "$column = ANY (ARRAY[$x, NULL, $y]::$type\[])" if $kind == 1;
	return "$column <> ALL (ARRAY[$x, $y]::$type\[])" if $kind == 2;
	return "$column BETWEEN $x AND $y" if $kind == 3;
	return "$column NOT BETWEEN $x AND $y" if $kind == 4;
	return "$x " . pick('=', '<', '>=') . " $column" if $kind == 5;
	return "$column IS DISTINCT FROM $x" if $kind == 6;
	return "coalesce($column, $x) = $x" if $kind == 7;
	return "$column > $x AND $column <= $y" if $kind == 8;
	return "$column " . pick('<', '<=', '>', '>=', '<>', '=') . " $x" if $kind < 12;
	return "$column = $x";
}

# One condition, on an attribute or on what only other indexes or none know.
sub atom
{
	my ($columns, $op, $rows) = @_;
	return compare_column(@{ pick(@$columns) }) if chance(0.6);
	return pick(
		't.g = ' . int(rand(12)), 't.g < ' . int(rand(12)), 't.g IN (1, 3, ' . int(rand(20)) . ')',
		q[t.j @> '{"lang": "] . pick('de', 'en', 'fr') . q["}'], q{t.j ->> 'lang' = } . pick(q{'de'}, q{'en'}, q{'xx'}),
		't.tags && ARRAY[' . int(rand(20)) . ', 3]', 't.tags @> ARRAY[' . int(rand(12)) . ']', int(rand(12)) . ' = ANY (t.tags)',
		't.part BETWEEN ' . int(rand($rows / 20)) . ' AND ' . int(rand($rows / 10)), 't.part = ' . int(rand($rows / 10)),
		't.id % ' . (2 + int(rand(50))) . ' = 1', 't.id < ' . int(rand($rows)), "t.w LIKE '%" . int(rand(10)) . "%'",
		't.g IN (SELECT a FROM other WHERE x = ' . int(rand(6)) . ')', 't.g NOT IN (SELECT a FROM other WHERE x < ' . int(rand(5)) . ')',
		"EXISTS (SELECT FROM other o WHERE o.a = t.g AND o.y = 'y" . int(rand(4)) . "')",
		'NOT EXISTS (SELECT FROM other o WHERE o.a = t.g AND o.x = ' . int(rand(5)) . ')',
		't.id IN (SELECT doc FROM acl WHERE reader = ' . (1 + int(rand(6))) . ')',
		'EXISTS (SELECT FROM acl WHERE doc = t.id AND reader = ' . (1 + int(rand(6))) . ')',
		"t.v $op § < (SELECT u.v $op § FROM t u WHERE u.id = " . (1 + int(rand($rows))) . ')',
		pick('true', 'false', 'NULL'));
}

sub condition
{
	my @arguments = @_;
	my @parts = map {
		my $x = atom(@arguments);
		$x = "NOT ($x)" if chance(0.1);
		$x = "($x OR " . atom(@arguments) . ')' if chance(0.15);
		$x = "($x OR (" . atom(@arguments) . ') AND ' . atom(@arguments) . ')' if chance(0.08);
		$x;
	} 1 .. pick(1, 1, 1, 2, 2, 3);
	return join(' AND ', @parts);
}

# Asks some queries of a table in a state.
my %total = (queries => 0);
my (%recall, @different);

sub ask
{
	my ($config, $state, $columns, $count) = @_;
	my ($am, $op, $exact) = @$config{qw(am op exact)};
	my $rows = $node->safe_psql('postgres', 'SELECT max(id) FROM t');
	my @asked;
	for (1 .. $count)
	{
		my $condition = condition($columns, $op, $rows);
		my $source = 't';
		if (chance(0.1))
		{
			$source = 't ' . pick('', '', 'LEFT ') . 'JOIN other o ON o.a = t.g';
			$condition .= pick('', ' AND o.x < 3', " AND o.y = 'y1'");
		}
		my $plain = chance(0.1);
		$condition .= ' AND t.v IS NOT NULL' if $plain || chance(0.2);
		my $form = $source eq 't' ? pick(('') x 16, 'FOR UPDATE', 'each', 'attribute') : '';
		my $mode = $form ne 'attribute' && $am ne 'sparse' && chance(0.1) ? 'off' : pick(grep { $_ ne 'off' } @{ $modes{$am} });
		$condition = join(' AND ', map { compare_column(@{ pick(@$columns) }) } 1 .. pick(1, 2)) if $form eq 'attribute';
		$plain = 0 if $form eq 'attribute';
		my $k = $form =~ /^(each|attribute)$/ ? 5000 : pick(1, 5, 10, 10, 20, 100);
		push @asked, "('$form', \$\$$source\$\$, \$\$($condition)\$\$, $k, '$mode', "
		  . ($exact && $rows < 900 && chance(0.5) ? 'true' : 'false') . ', ' . ($plain ? 'true' : 'false') . ')';
	}
	my ($result, $out, $messages) = $node->psql('postgres', "SELECT setseed(" . rand() . ");
		TRUNCATE asked; INSERT INTO asked (form, source, condition, k, mode, exact, plain) VALUES " . join(",\n", @asked) . ";
		SELECT * FROM compare('$am', '$op', '$config->{name}, $state', $rows)");
	die "$config->{name}, $state: $messages" if $result;
	my %result;
	@result{qw(queries by_condition by_bitmap ordered few exact exact_found wanted found late index_only different)} = $out =~ /(\d+)/g or die $out;
	$total{$_} += $result{$_} foreach keys %result;
	$recall{ $config->{kind} }{$_} += $result{$_} foreach qw(wanted found);
	push @different, grep { /different:/ } split /\n/, $messages;
	return;
}

# Every access method, element type and metric that there is.
my @configs = map {
	my ($am, $class, $type, $op) = split /\|/;
	{ am => $am, class => $class, type => $type, op => $op }
} split /\n/, $node->safe_psql('postgres', q{
	SELECT amname, opcname, opcintype::regtype, oprname FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	JOIN pg_amop o ON amopfamily = opcfamily AND amoppurpose = 'o' JOIN pg_operator p ON p.oid = amopopr
	WHERE amname IN ('hnsw', 'ivf', 'ivfflat', 'sparse') OR (amname = 'diskann' AND opcname ~ '^(vec|half|bf16|int8).*_(l2|ip|cosine)_ops$')
	ORDER BY amname, opcname});
cmp_ok(scalar(@configs), '>', 40, 'kinds of indexes');

sub make_table
{
	my ($config) = @_;
	my $dims = 8 + int(rand(17));
	my $bits = $config->{type} eq 'bit';
	my $number = $config->{type} eq 'int8vec' ? 'round' : '';
	my $element = $config->{type} eq 'sparsevec' ? 'CASE WHEN (c + d) % 3 > 0 THEN 0 ELSE e END' : 'e';
	my $place = $bits
	  ? "SELECT string_agg(((n AND random() < 0.2) <> ((c * 5 + d * 3) % 7 < 3))::int::text, '')::bit($dims) FROM generate_series(1, $dims) d"
	  : "SELECT array_agg(($element)::real)::vector::$config->{type} FROM generate_series(1, $dims) d,
		 LATERAL (SELECT $number(1 + c * 37 % 11 * ((d * 7 + c * 13) % 5) + CASE WHEN n THEN random() * 20 ELSE 0 END) AS e) e";
	my @columns = map { [ "t.a$_", pick(@types) ] } 1 .. 1 + int(rand(4));
	my $definitions = join(', ', map { $_->[0] =~ s/t\.//r . " $_->[1]" } @columns);
	my $values = join(', ', map {
		my $x = 'floor(' . pick('random()', 'random() ^ 3', '(c + random()) / 8') . ' * ' . pick(2, 5, 20, 100, 1000) . ')::int';
		my $nulls = pick(0, 0.1, 0.5);
		"(SELECT CASE WHEN random() >= $nulls THEN $value{ $_->[1] } END FROM (SELECT $x AS x OFFSET 0) x)";
	} @columns);
	my $partitions = chance(0.15) ? join('', map { "CREATE TABLE t_$_ PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER $_);" } 0 .. 2) : '';
	my @with = ('seal_rows = 64');
	push @with, 'm = ' . (8 + int(rand(17))) if $config->{am} eq 'hnsw';
	push @with, 'num_neighbors = ' . (16 + int(rand(17))), 'storage = ' . pick(qw(auto full half sq8)), 'bits = ' . pick(0, 0, 4, 8)
	  if $config->{am} eq 'diskann';
	push @with, 'lists = ' . (2 + int(rand(8))) if $config->{am} =~ /ivf/;
	my $quantizer = $config->{am} eq 'ivf' && !$bits ? pick('', 'none', 'rabitq', 'sq8') : '';
	push @with, "quantizer = $quantizer" if $quantizer;
	$config->{exact} = $config->{am} eq 'hnsw' || $config->{am} eq 'ivfflat' || $config->{am} eq 'sparse' || $quantizer eq 'none';
	$config->{kind} = "$config->{am} $config->{class}" . ($quantizer ? " $quantizer" : '');
	$config->{name} = "$config->{kind} (" . join(', ', map { $_->[1] } @columns) . ')';
	my $type = $bits ? "bit($dims)" : "$config->{type}($dims)";
	$node->safe_psql('postgres', "SET client_min_messages = warning; SELECT setseed(" . rand() . ");
		DROP TABLE IF EXISTS t; DROP FUNCTION IF EXISTS place, fill;
		CREATE FUNCTION place(c int, n bool) RETURNS $config->{type} LANGUAGE sql AS \$\$$place\$\$;
		CREATE TABLE t (id serial PRIMARY KEY, v $type, g int, j jsonb, tags int[], part int, w text, $definitions)@{[ $partitions && 'PARTITION BY HASH (id)' ]};
		$partitions
		CREATE FUNCTION fill(rows int) RETURNS void LANGUAGE sql AS \$\$
			INSERT INTO t SELECT i, CASE WHEN i % 41 > 0 THEN place(c, i % 10 > 0) END, floor(random() * 12),
				jsonb_build_object('lang', (ARRAY['de', 'en', 'fr', NULL])[1 + floor(random() * 4)::int], 'n', i % 5),
				ARRAY[floor(random() ^ 2 * 20), i % 12], i / 10, 'w' || i % 100, $values
			FROM (SELECT nextval('t_id_seq') AS i, floor(random() * 8)::int AS c FROM generate_series(1, rows)) s\$\$;
		CREATE INDEX ON t (g); CREATE INDEX ON t USING gin (j); CREATE INDEX ON t USING gin (tags);
		CREATE INDEX ON t USING brin (part) WITH (pages_per_range = 1);");
	$config->{index} = "CREATE INDEX t_v ON t USING $config->{am} (v $config->{class}, " . join(', ', map { $_->[0] =~ s/t\.//r } @columns)
	  . (chance(0.2) ? ", (j ->> 'lang')" : '') . ') WITH (' . join(', ', @with) . ')';
	return \@columns;
}

# Values of the columns as constants, rare ones too.
sub read_values
{
	my ($columns) = @_;
	foreach my $column (@$columns)
	{
		$column->[2] = [ split /\n/, $node->safe_psql('postgres', "SELECT setseed(0.5);
			SELECT format('%L', $column->[0]::text) FROM (SELECT DISTINCT $column->[0] FROM t t WHERE $column->[0] IS NOT NULL) t ORDER BY random() LIMIT 12") ];
		shift @{ $column->[2] } if @{ $column->[2] } && $column->[2][0] eq '';
	}
	return;
}

my $segments = "pg_partition_tree('t_v') WHERE isleaf";
my $number = 0;
while ($total{queries} < $wanted)
{
	my %config = %{ $configs[ $number++ % @configs ] };
	my $columns = make_table(\%config);
	my $sql = sub { $node->safe_psql('postgres', 'SELECT setseed(' . rand() . ");$_[0]") };
	my $each = 40;
	if (chance(0.5))
	{
		$sql->("$config{index}; SELECT fill(" . (20 + int(rand(50))) . '); ANALYZE t');
		read_values($columns);
		ask(\%config, 'growing', $columns, $each);
		$sql->('SELECT fill(' . (200 + int(rand(600))) . '); ANALYZE t, acl');
	}
	else
	{
		$sql->('SELECT fill(' . (pick(300, 300, 600, 900, 2000) + int(rand(60))) . "); $config{index}; ANALYZE t");
		read_values($columns);
		ask(\%config, 'built', $columns, $each);
		$sql->('SELECT fill(' . (10 + int(rand(100))) . '); ANALYZE t');
	}
	$sql->('TRUNCATE acl; INSERT INTO acl SELECT DISTINCT id, r FROM t, generate_series(1, 5) r WHERE random() < 0.3 ^ r; ANALYZE acl');
	ask(\%config, 'grown', $columns, $each);
	$sql->("DELETE FROM t WHERE id % @{[ 2 + int(rand(6)) ]} = 0; UPDATE t SET a1 = NULL, g = 3 WHERE id % 9 = 1; UPDATE t SET w = 'new' WHERE id % 10 = 1");
	ask(\%config, 'deleted', $columns, $each);
	$sql->("SELECT vector_seal(relid) FROM $segments") if chance(0.5);
	$sql->('VACUUM t; SELECT fill(30); ANALYZE t');
	ask(\%config, 'vacuumed', $columns, $each);
	$sql->(chance(0.7) ? "SELECT vector_merge(relid) FROM $segments" : 'REINDEX INDEX t_v');
	ask(\%config, 'merged', $columns, $each);
	$sql->("SELECT vector_index_check(relid) FROM $segments");
}

note("$total{queries} queries, $total{few} of them for all rows that meet a condition; of a quarter of them"
	. " $total{ordered} by an index of vectors, $total{by_condition} with conditions in it, $total{by_bitmap} with a bitmap;"
	. " $total{index_only} index-only scans");
is($total{different}, 0, 'answers') or diag(join("\n", @different[ 0 .. ($#different > 19 ? 19 : $#different) ]));

# if ef_search exceeds the rows all are compared, unless bounds of codes, of three standard deviations, exclude them
cmp_ok($total{exact_found} / $total{exact}, '>=', 0.9999, "rows of an exact search, of $total{exact}");
# such a row comes after all others, if all are asked for
cmp_ok($total{late} / $total{queries}, '<=', 0.001, "answers in order: $total{late} are not");
foreach my $kind (sort keys %recall)
{
	my ($found, $all) = @{ $recall{$kind} }{qw(found wanted)};
	next if !$all;
	cmp_ok($found / $all, '>=', 0.97, "$kind: recall of $all rows");
}

done_testing();
