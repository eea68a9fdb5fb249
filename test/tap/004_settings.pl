# vector.simd: every instruction set gives the same distances, and the library may be loaded at any time; clients are told how
# far their searches go
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IO::Socket::UNIX;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION vector');

# before any function of the library is called, the setting is a placeholder; a wrong value causes a warning, no error
my ($status, $out, $err) = $node->psql('postgres', "SET vector.simd = 'portable'; SELECT '[3,4]'::vector <-> '[0,0]'; SHOW vector.simd");
is("$status|$out", "0|5\nportable", 'set before the library is loaded');
($status, $out, $err) = $node->psql('postgres', "SET vector.simd = 'abacus'; SELECT '[3,4]'::vector <-> '[0,0]'; SHOW vector.simd");
is("$status|$out", "0|5\nauto", 'a wrong one set before the library is loaded');
like($err, qr/WARNING:  invalid value for parameter "vector.simd": "abacus"/, 'is warned of');
($status, $out, $err) = $node->psql('postgres', "LOAD 'vector'; SET vector.simd = 'abacus'");
isnt($status, 0, 'a wrong one is an error afterwards');
like($err, qr/Available values: auto, portable, avx2, avx512, neon/, 'that names the right ones');

# the sets that this processor has
my @sets;
my $arm = `uname -m` =~ /^(aarch64|arm64)/;
foreach my $set ('portable', 'avx2', 'avx512', 'neon')
{
	($status, $out, $err) = $node->psql('postgres', "LOAD 'vector'; SET vector.simd = '$set'; SHOW vector.simd");
	push @sets, $set if $status == 0 && $out eq $set;
	next if $status == 0;
	like($err, qr/invalid value for parameter "vector.simd": "$set"\nDETAIL:  This processor/, "$set is refused with a reason");
}
ok((grep { $_ eq 'portable' } @sets), 'portable is there');
ok($arm ? !(grep { /avx/ } @sets) : !(grep { $_ eq 'neon' } @sets), 'those of another architecture are not');
note("this processor has: @sets");

# random vectors of all lengths around that of a register, computed in double precision by plain SQL and by each set
$node->safe_psql('postgres', q{
	CREATE TABLE pairs (id serial, dims int, a real[], b real[]);
	SELECT setseed(0.5);
	INSERT INTO pairs (dims, a, b) SELECT dims, a, b FROM (SELECT generate_series(1, 70) UNION ALL SELECT unnest(ARRAY[127, 128, 129, 255, 256, 257, 768, 1536, 4000])) d(dims),
		LATERAL (SELECT array_agg((random() * 20 - 10)::real) AS a, array_agg((random() * 20 - 10)::real) AS b FROM generate_series(1, dims)) v;

	-- per type the values that were really stored, as double precision, and the distances computed from them
	CREATE FUNCTION truth(a real[], b real[], OUT l2 float8, OUT ip float8, OUT cosine float8, OUT l1 float8, OUT size float8) LANGUAGE sql AS $$
		SELECT sqrt(sum((x - y) ^ 2)), -sum(x * y), 1 - sum(x * y) / sqrt(sum(x * x) * sum(y * y)), sum(abs(x - y)), sqrt(sum(x * x) * sum(y * y))
		FROM (SELECT x::float8 AS x, y::float8 AS y FROM unnest(a, b) u(x, y)) d
	$$;
});
foreach my $type ('vector', 'halfvec', 'bf16vec', 'int8vec', 'sparsevec')
{
	# sparsevec has no cast to real[]; every third element of it is kept
	my ($make, $back) = $type eq 'sparsevec'
	  ? (sub { "(SELECT array_agg(CASE WHEN (n + length('$_[0]') * ascii('$_[0]')) % 3 = 0 THEN 0 ELSE x END ORDER BY n) FROM unnest($_[0]) WITH ORDINALITY u(x, n))::sparsevec" }, sub { "$_[0]::vector::real[]" })
	  : (sub { "$_[0]::$type" }, sub { "$_[0]::real[]" });
	$node->safe_psql('postgres', "CREATE TABLE $type\_pairs AS SELECT p.id, dims, x.a, x.b, t.* FROM pairs p, LATERAL (SELECT "
		. $make->('p.a') . " AS a, " . $make->('p.b') . " AS b OFFSET 0) x, LATERAL truth(" . $back->('x.a') . ", " . $back->('x.b') . ") t");

	foreach my $set (@sets)
	{
		is($node->safe_psql('postgres', qq{
			LOAD 'vector';
			SET vector.simd = '$set';
			SELECT count(*), count(*) FILTER (WHERE abs((a <-> b) - l2) > 1e-5 * l2), count(*) FILTER (WHERE abs((a <#> b) - ip) > 1e-5 * size),
				count(*) FILTER (WHERE cosine <> 'NaN' AND abs((a <=> b) - cosine) > 1e-5), count(*) FILTER (WHERE abs((a <+> b) - l1) > 1e-5 * l1)
			FROM (SELECT id, a, b, l2, ip, coalesce(cosine, 'NaN') AS cosine, l1, size FROM $type\_pairs WHERE size > 0) x}),
			$node->safe_psql('postgres', "SELECT count(*) FROM $type\_pairs WHERE size > 0") . '|0|0|0|0', "$type, $set");
	}
}

foreach my $set (@sets)
{
	is($node->safe_psql('postgres', qq{
		LOAD 'vector';
		SET vector.simd = '$set';
		SELECT count(*) FROM (SELECT binary_quantize(a::vector) AS a, binary_quantize(b::vector) AS b FROM pairs) x
			WHERE a <~> b <> bit_count(a # b) OR abs((a <%> b) - CASE WHEN bit_count(a & b) = 0 THEN 1 ELSE 1 - bit_count(a & b) / bit_count(a | b)::float8 END) > 1e-12}),
		0, "bit, $set");
}

# results are the same with every set, overflow included
my %extremes;
foreach my $set (@sets)
{
	my $answer = $node->safe_psql('postgres', qq{
		LOAD 'vector';
		SET vector.simd = '$set';
		SELECT string_agg(concat_ws(' ', v <-> w, v <#> w, v <=> w, v <+> w), ',' ORDER BY n) FROM (
			SELECT n, array_fill((3e38)::real, ARRAY[n])::vector AS v, array_fill((-3e38)::real, ARRAY[n])::vector AS w FROM generate_series(1, 40) n) x;
		SELECT string_agg(concat_ws(' ', v <-> w, v <#> w, v <=> w, v <+> w), ',' ORDER BY n) FROM (
			SELECT n, array_fill(0::real, ARRAY[n])::vector AS v, array_fill(1::real, ARRAY[n])::vector AS w FROM generate_series(1, 40) n) x;
		SELECT string_agg(concat_ws(' ', v <-> w, v <#> w, v <+> w), ',' ORDER BY n) FROM (
			SELECT n, array_fill(-128, ARRAY[n])::int8vec AS v, array_fill(127, ARRAY[n])::int8vec AS w FROM unnest(ARRAY[1, 63, 64, 65, 1000, 16000]) n) x;
		SELECT string_agg(concat_ws(' ', v <-> w, v <#> w, v <+> w), ',' ORDER BY n) FROM (
			SELECT n, array_fill(65504, ARRAY[n])::halfvec AS v, array_fill(-65504, ARRAY[n])::halfvec AS w FROM unnest(ARRAY[1, 2, 16, 17]) n) x;
	});
	push @{ $extremes{$answer} }, $set;
}
is(scalar(keys %extremes), 1, 'overflow, zeros and the largest values: every set says the same');
diag("$_: @{ $extremes{$_} }") foreach (scalar(keys %extremes) > 1 ? keys %extremes : ());

# loaded at other times
$node->safe_psql('postgres', "ALTER DATABASE postgres SET vector.simd = 'portable'; CREATE ROLE other LOGIN; ALTER ROLE other SET vector.simd = 'auto'");
is($node->safe_psql('postgres', "SELECT '[3,4]'::vector <-> '[0,0]'; SHOW vector.simd"), "5\nportable", 'the setting of a database');
is($node->safe_psql('postgres', "SELECT '[3,4]'::vector <-> '[0,0]'; SHOW vector.simd", extra_params => [ '-U', 'other' ]), "5\nauto", 'the setting of a role');
foreach my $parameter ('session_preload_libraries', 'shared_preload_libraries')
{
	$node->append_conf('postgresql.conf', "$parameter = 'vector'\nvector.simd = 'auto'");
	$node->restart;
	is($node->safe_psql('postgres', "SHOW vector.simd; SELECT '[3,4]'::vector <-> '[0,0]'; SET vector.simd = 'auto'; LOAD 'vector'; SHOW vector.simd"), "portable\n5\nauto", $parameter);
	$node->append_conf('postgresql.conf', "$parameter = ''");
}
$node->restart;

# parallel workers use the leader's setting
is($node->safe_psql('postgres', q{
	SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;
	SET parallel_leader_participation = off;
	LOAD 'vector';
	SET vector.simd = 'portable';
	SELECT DISTINCT current_setting('vector.simd') FROM pairs WHERE a::vector <-> b::vector >= 0}), 'portable', 'workers have the setting');

# clients are told the settings that searches follow, at the start of a session and as they change: poolers go by it
my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "no connection: $!";

sub message
{
	my ($type, $body) = @_;
	print $socket $type, pack('N', 4 + length $body), $body;
	$socket->flush;
	return;
}

# The settings of vector searches among those that are told until the server waits for the next query
sub told
{
	my %settings;
	while (1)
	{
		read($socket, my $head, 5) == 5 or die 'the server has left';
		my ($type, $length) = unpack 'aN', $head;
		$length == 4 || read($socket, my $body, $length - 4) == $length - 4 or die 'the server has left';
		die $body if $type eq 'E';
		last if $type eq 'Z';
		next if $type ne 'S';
		my ($name, $value) = split /\0/, $body;
		$settings{$name} = $value if $name =~ /\./;
	}
	return join ' ', map {"$_=$settings{$_}"} sort keys %settings;
}

$node->safe_psql('postgres', "ALTER DATABASE postgres SET session_preload_libraries = 'vector'; ALTER DATABASE postgres SET hnsw.ef_search = 70");
message('', pack('N', 196608) . join("\0", 'user', $node->safe_psql('postgres', 'SELECT current_user'), 'database', 'postgres') . "\0\0");
is(told(), 'diskann.iterative_scan=auto diskann.query_rescore=50 diskann.query_search_list_size=100 hnsw.ef_search=70 hnsw.iterative_scan=auto'
	. ' hnsw.max_scan_tuples=20000 hnsw.scan_mem_multiplier=1 ivf.iterative_scan=auto ivf.max_probes=65536 ivf.probes=0 ivf.refine_k=10'
	. ' ivfflat.iterative_scan=auto ivfflat.max_probes=32768 ivfflat.probes=1 sparse.drop_ratio=0 vector.target_recall=0', 'settings that a session has at its start');
message('Q', "SET ivf.probes = 3\0");
is(told(), 'ivf.probes=3', 'and as one changes');
message('Q', "BEGIN; SET LOCAL vector.target_recall = 0.95\0");
is(told(), 'vector.target_recall=0.95', 'in a transaction');
message('Q', "ROLLBACK\0");
is(told(), 'vector.target_recall=0', 'and as it ends');
close $socket;

$node->stop;
done_testing();
