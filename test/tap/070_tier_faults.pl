# Indexes in a real object store behind a proxy that makes things go wrong: whatever fault at whatever step, rows are right or there
# is an error that says why, nothing is lost, and nothing is left behind; a cancel is obeyed; whose credentials are used
use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Stores;

plan skip_all => 'object stores are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nlog_statement = none\nvector.background_work = off\n"
	. "vector.idle_merge_delay = -1\nvector.tier_retention = 0\nvector.tier_cache_size = 0");
$node->start;
my $rgw = start_rgw('cold');
plan skip_all => 'Ceph\'s gateway is not installed: radosgw, ceph-mon, ceph-osd' if !$rgw;
my $proxy = start_proxy($rgw->{port});
create_items($node, 16);

# A statement's result, or its error.
sub query
{
	my ($sql) = @_;
	my ($status, $out, $error) = $node->psql('postgres', "LOAD 'vector'; SET enable_seqscan = off; SET enable_sort = off; $sql");
	return $status == 0 ? $out : $error;
}

# An index of each method that has segments in stores, of two segments; and one whose object is written in parts, which searches
# read as a whole: so they find exactly what is nearest.  No cache is shared: each session finds nothing at hand.
s3_server($node, 'cold', $rgw, $proxy, ", part_size '5MB', stall_timeout '400ms', timeout '5s'");
my %operator = (diskann => '<->', hnsw => '<#>', ivf => '<=>', ivfflat => '<+>');
my @methods = sort keys %operator;
query("CREATE INDEX items_diskann ON items USING diskann (v vector_l2_ops) WITH ($with{diskann}, storage = full, tier = cold);
	CREATE INDEX items_hnsw ON items USING hnsw (v vector_ip_ops) WITH ($with{hnsw}, tier = cold);
	CREATE INDEX items_ivf ON items USING ivf (v vector_cosine_ops) WITH ($with{ivf}, tier = cold)");
query("INSERT INTO items SELECT n, place(n) FROM generate_series($_, $_ + 249) n; " . seal()) foreach 1, 251;
query("CREATE TABLE wide (id int PRIMARY KEY, v vector(1000));
	INSERT INTO wide SELECT n, (SELECT array_agg(hashint8extended(n, d) & 255) FROM generate_series(1, 1000) d)::vector FROM generate_series(1, 1400) n;
	CREATE INDEX wide_v ON wide USING ivfflat (v vector_l2_ops) WITH (lists = 3, tier = cold)");

sub seal { return 'SELECT ' . join(', ', map { "vector_seal('items_$_')" } @methods[ 0 .. 2 ]); }

sub nearest
{
	my ($method) = @_;
	return 'SET ivfflat.probes = 3; SELECT string_agg(id::text, \',\') FROM (SELECT id FROM wide ORDER BY v <-> (SELECT v FROM wide WHERE id = 700) LIMIT 10) x' if $method eq 'ivfflat';
	return "SET ivf.probes = 8; SELECT string_agg(id::text, ',') FROM (SELECT id FROM items ORDER BY v $operator{$method} place(33) LIMIT 10) x";
}

sub index_of { return $_[0] eq 'ivfflat' ? 'wide_v' : "items_$_[0]"; }

my %found = map { $_ => query(nearest($_)) } @methods;
my $exact = query('SET enable_indexscan = off; SET enable_sort = on; SET enable_seqscan = on; ' . nearest('ivfflat'));
is($found{ivfflat}, $exact, 'rows in the file');
query("SELECT vector_tier('" . index_of($_) . "')") foreach @methods;
# a walk by codes alone may find others than one by vectors
$found{$_} = query(nearest($_)) foreach @methods[ 0 .. 2 ];
like($found{$_}, qr/^\d+(,\d+){9}$/, "$_: rows in the store") foreach @methods[ 0 .. 2 ];
is(query(nearest('ivfflat')), $exact, 'ivfflat: rows in the store');

# The manifest has the SHA-256 of the object, and one of another object is noticed by whatever reads all
my $shelf = PostgreSQL::Test::Utils::tempdir();
query("CREATE SERVER shelf FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$shelf');
	CREATE TABLE kept (v vector(16)); INSERT INTO kept SELECT place(n) FROM generate_series(1, 100) n;
	CREATE INDEX kept_v ON kept USING hnsw (v vector_l2_ops) WITH (tier = shelf); SELECT vector_tier('kept_v')");
my ($object) = glob "$shelf/*/*/*/*";
my $file = $node->data_dir . '/' . query("SELECT pg_relation_filepath('kept_v')");
my $other = sub { my ($path, $from, $to) = @_;
	$node->stop;
	my $bytes = slurp_file($path);
	my $at = index $bytes, $from;
	substr($bytes, $at, length $to) = $to if $at >= 0;
	open my $out, '>:raw', $path or die $!;
	print $out $bytes;
	close $out;
	$node->start;
	return $at >= 0; };
my $sha256 = sha256(slurp_file($object));
ok($other->($file, $sha256, 'another hash'), 'the SHA-256 of an object is kept');
like(query("SELECT vector_index_check('kept_v')"), qr/has lost 1 object\nDETAIL:  Segment \d+: object ".*" of server "shelf": the bytes do not have the SHA-256/, 'an object of another one');
like(query("SELECT vector_untier('kept_v')"), qr/does not have the bytes that it was written with.*REINDEX/s, 'is not brought back');
ok($other->($file, 'another hash', substr $sha256, 0, 12), 'the right one again');
is(query("SELECT vector_index_check('kept_v'), vector_untier('kept_v')"), '100|1', 'and it is');
query('REINDEX INDEX kept_v; SELECT vector_tier(\'kept_v\'), vector_prewarm(\'kept_v\')');
($object) = grep { $_ ne $object } glob "$shelf/*/*/*/*";
ok($other->($object, substr(slurp_file($object), 5000, 8), 'damaged.'), 'a damaged object');
like(query("SELECT vector_index_check('kept_v')"), qr/has lost 1 object.*the bytes do not match the checksums/s, 'is found by the check');
query('DROP TABLE kept');

# Faults that pass while something is read: rows as ever
my @passing = ('status 503:SlowDown', 'status 500:InternalError', 'status 429', 'reset', 'truncate', 'corrupt', 'short', 'whole', 'shift', 'hang 3', 'delay 63');
my %reading = (
	(map { ("search $_" => [ nearest($_), $found{$_} ]) } @methods),
	'vector_index_check' => [ "SELECT vector_index_check('items_diskann')", 500 ],
	'vector_prewarm' => [ "SELECT vector_prewarm('items_hnsw') > 1", 't' ]);
foreach my $step (sort keys %reading)
{
	foreach my $fault ($step =~ /ann|flat/ ? @passing : ('status 503:SlowDown', 'corrupt', 'hang 3'))
	{
		set_faults($proxy, map { my ($name, $value) = split ' ', $fault; "$_ 1 $name " . ($value // 0) } 'GET', $step =~ /check/ && $fault =~ /status/ ? 'HEAD' : ());
		is(query($reading{$step}[0]), $reading{$step}[1], "$step: $fault");
	}
}

# Those that do not: an error that names the store, and what can be done, and no rows
foreach my $fault (
	[ 'status 403:ExpiredToken', qr/ExpiredToken.*Change the credentials/s ],
	[ 'status 403:RequestTimeTooSkewed', qr/RequestTimeTooSkewed.*Set the clock/s ],
	[ 'status 403:AccessDenied', qr/AccessDenied.*Allow/s ],
	[ 'status 404:NoSuchKey', qr/there is no such object.*REINDEX INDEX "\w+" makes the index again/s ],
	[ 'status 404:NoSuchBucket', qr/NoSuchBucket.*Create the bucket|NoSuchBucket.*REINDEX/s ],
	[ 'corrupt', qr/do not match the checksums.*REINDEX/s ])
{
	foreach my $method ($fault->[0] =~ /NoSuchKey|corrupt/ ? @methods : 'diskann')
	{
		my ($name, $value) = split ' ', $fault->[0];
		set_faults($proxy, "GET 1000 $name " . ($value // 0));
		my $answer = query(nearest($method));
		like($answer, qr/^psql:<stdin>:1: ERROR:  object store "cold", object "[0-9a-f\/.]+": .*/, "search $method: always $fault->[0]: an error");
		like($answer, qr/$fault->[1].*index "@{[ index_of($method) ]}", segment \d+/s, "search $method: always $fault->[0]: that says why");
	}
}

# Each fault at each step of moving a segment there: it is moved, or it stays; and then back, and what searches find
my @moves = (
	[ 'POST', 'uploads=', 'status 503:SlowDown', 'lost' ],
	[ 'PUT', 'partNumber=2', 'status 500:InternalError', 'lost', 'hang 3' ],
	[ 'POST', 'uploadId=', 'status 503:SlowDown', 'error200 :InternalError', 'lost', 'truncate' ],
	[ 'HEAD', 'cold/', 'status 503' ],
	[ 'GET', 'cold/', 'corrupt', 'reset' ]);
my $there_and_back = 'SELECT vector_tier(\'wide_v\'); ' . nearest('ivfflat') . '; SELECT vector_untier(\'wide_v\')';
set_faults($proxy);
is(query("SELECT vector_untier('wide_v')"), '1', 'in the file again');
foreach my $move (@moves)
{
	my ($method, $pattern, @faults) = @$move;
	foreach my $fault (@faults)
	{
		my ($name, $value) = split ' ', $fault;
		set_faults($proxy, "$method 1 $name " . ($value // 0) . " $pattern");
		is(query($there_and_back), "1\n$exact\n1", "moved in spite of $fault for $method $pattern");
	}
}
# the space of one that was not moved is that of the next one
my $left = q{SELECT count(*) FILTER (WHERE kind = 'reserved') <= 1, count(*) FILTER (WHERE kind = 'sealed' AND store IS NULL) FROM vector_segments() WHERE index = 'wide_v'::regclass};
foreach my $move (@moves)
{
	my ($method, $pattern) = @$move;
	foreach my $fault ('status 403:ExpiredToken', $method =~ /P/ ? 'error200 :AccessDenied' : 'status 403:RequestTimeTooSkewed')
	{
		set_faults($proxy, "$method 1000 $fault $pattern");
		like(query("SELECT vector_tier('wide_v')"), qr/ERROR:  object store "cold", object "[0-9a-f\/.]+": .*/, "not moved: $method $pattern: $fault");
		set_faults($proxy);
		is(query(nearest('ivfflat') . "; $left"), "$exact\nt|1", "it stays in the file: $method $pattern: $fault");
	}
}
set_faults($proxy, 'GET 1000 corrupt 0 cold/');
query("SELECT vector_tier('items_ivf')");
like(query("SELECT vector_untier('items_ivf')"), qr/do not match the checksums/, 'not brought back: corrupt');
like(query("SELECT vector_merge('items_hnsw')"), qr/do not match the checksums/, 'nor merged');
set_faults($proxy);
is(query(nearest($_)), $found{$_}, "nothing is lost: $_") foreach @methods;
is(query("SELECT vector_tier('wide_v'); SELECT count(*) FROM vector_segments() WHERE index = 'wide_v'::regclass AND kind = 'reserved'"), "1\n0", 'moved at last');

# A dump of the table has the option and the rows, and neither objects nor keys; where it is restored, the index is built in the file
my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-t', 'items', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
my $dumped = slurp_file($dump);
like($dumped, qr/CREATE INDEX items_hnsw .*tier='?cold/, 'a dump has the option');
unlike($dumped, qr/\Q$rgw->{secret}\E|\Q$rgw->{key}\E|endpoint|[0-9a-f]{16}\/\d+\//, 'and nothing of what is in the store');
query('CREATE DATABASE restored');
create_place($node, 16, 'restored');
$node->safe_psql('restored', "CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://127.0.0.1:1', bucket 'none')");
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
is($node->safe_psql('restored', "SELECT vector_index_check('items_hnsw'), count(store) FROM vector_segments()"), '500|0', 'the index is made of the table');
query('DROP DATABASE restored');

# The collector: faults at its lists and deletes delete nothing that is needed
my $clean = 'SELECT txid_current(); VACUUM (INDEX_CLEANUP ON) wide; VACUUM (INDEX_CLEANUP ON) items';
query($clean);
foreach my $fault ('GET 1000 status 403:AccessDenied list-type', 'DELETE 1000 status 403:AccessDenied')
{
	set_faults($proxy, $fault);
	like(query("SELECT vector_tier_collect('cold')"), qr/AccessDenied.*Allow/s, "the collector: $fault");
	set_faults($proxy);
}
set_faults($proxy, 'GET 1 status 503:SlowDown list-type', 'DELETE 2 lost');
cmp_ok(query("SELECT vector_tier_collect('cold')"), '>', 1, 'what failed is collected');
query("$clean; SELECT vector_tier_collect('cold'), vector_tier_collect('cold')");
is(query("SELECT count(*) FILTER (WHERE state <> 'live'), count(*) = (SELECT count(*) FROM vector_segments() WHERE store = 'cold') FROM vector_tier_objects('cold')"),
	'0|t', 'and what is needed stays');
like(ask_s3($rgw, 'GET', '/cold?uploads='), qr/ListMultipartUploadsResult(?!.*<Upload>)/s, 'no upload is left');
is(query(nearest($_)), $found{$_}, "after the collector: $_") foreach @methods;

# A cancel is obeyed wherever a statement waits for the store
my @waits = ((map { nearest($_) } @methods), "SELECT vector_prewarm('items_hnsw')", "SELECT vector_index_check('items_ivf')", "SELECT vector_untier('items_diskann')",
	"SELECT vector_merge('items_diskann')", "SELECT * FROM vector_tier_objects('cold')", "SELECT vector_tier_collect('cold')", "SELECT * FROM vector_store_check('cold')");
foreach my $sql (@waits)
{
	set_faults($proxy, '* 100 hang 4');
	my $begin = time();
	like(query("ALTER SERVER cold OPTIONS (SET stall_timeout '20s', SET timeout '20s'); SET statement_timeout = '300ms'; $sql"),
		qr/canceling statement due to statement timeout/, 'cancel: ' . ($sql =~ s/.*; //r));
	cmp_ok(time() - $begin, '<', 3, 'long before the store gives up');
}
set_faults($proxy);
query("ALTER SERVER cold OPTIONS (SET stall_timeout '400ms', SET timeout '5s')");
is(query(nearest($_)), $found{$_}, "after a cancel: $_") foreach @methods;

# A statement that may not wait: what is left out is said
foreach my $method (@methods)
{
	set_faults($proxy);
	my ($status, $out, $error) = $node->psql('postgres', "LOAD 'vector'; SET enable_seqscan = off; SET vector.tier_wait = off; " . nearest($method));
	like($error, qr/WARNING:  .*/, "$method: a statement that may not wait");
	is(scalar(grep { /^GET/ } proxy_log($proxy)), 0, "$method: does not");
}

# Errors leave no memory and no descriptor
query("ALTER SERVER cold OPTIONS (SET timeout '200ms')");
my $failing = "DO \$\$ BEGIN FOR i IN 1..4 LOOP BEGIN PERFORM id FROM items ORDER BY v <-> place(i) LIMIT 3; RAISE 'no error';
	EXCEPTION WHEN fdw_table_not_found OR data_corrupted OR sqlclient_unable_to_establish_sqlconnection OR insufficient_privilege THEN NULL; END; END LOOP; END \$\$";
my $kept = "SELECT 'kept', (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name ~ 'store|tier'), (SELECT count(*) FROM pg_ls_dir('/proc/self/fd'))";
foreach my $fault ('status 404:NoSuchKey', 'corrupt', 'reset', 'status 403:AccessDenied')
{
	set_faults($proxy, "GET 100000 $fault" . ($fault =~ / / ? '' : ' 0') . ' cold/');
	my @kept = query("$failing; $failing; $kept; $failing; $failing; $kept") =~ /kept\|(\d+)\|(\d+)/g;
	is($kept[2], $kept[0], "$fault: no memory is left");
	cmp_ok($kept[3], '<=', $kept[1] + 2, "$fault: nor a descriptor");
}
set_faults($proxy);
query("ALTER SERVER cold OPTIONS (SET timeout '5s')");

# An endpoint that is gone: what is local is found, the rest is an error; and back
stop_proxies();
query("ALTER SERVER cold OPTIONS (SET timeout '300ms')");
query("INSERT INTO items SELECT n, place(n) FROM generate_series(501, 510) n");
like(query(nearest('diskann')), qr/ERROR:  object store "cold", object "/, 'an endpoint that is gone');
query("ALTER SERVER cold OPTIONS (SET timeout '5s')");
start_proxy($rgw->{port}, $proxy);
is(query("DELETE FROM items WHERE id > 500; " . nearest('diskann')), $found{diskann}, 'and back');

# Workers, and searches of all roles, use the credentials of the index's owner; segments that are young stay
set_faults($proxy);
query("CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER vector_store TO app; GRANT CREATE ON SCHEMA public TO app;
	CREATE SERVER theirs FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://127.0.0.1:$proxy', bucket 'cold', prefix 'theirs');
	GRANT USAGE ON FOREIGN SERVER theirs TO app;
	CREATE USER MAPPING FOR app SERVER theirs OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}');
	SET ROLE app; CREATE TABLE young (id int, v vector(16)); CREATE TABLE old (id int, v vector(16));
	GRANT SELECT ON young, old TO reader; INSERT INTO young SELECT n, place(n) FROM generate_series(1, 300) n; INSERT INTO old TABLE young;
	CREATE INDEX young_v ON young USING hnsw (v vector_l2_ops) WITH (tier = theirs, tier_min_rows = 1);
	CREATE INDEX old_v ON old USING hnsw (v vector_l2_ops) WITH (tier = theirs, tier_after = '0', tier_min_rows = 1)");
like(query("SELECT detail FROM vector_store_check('theirs')"), qr/user mapping|credentials/, 'the superuser has no credentials there');
set_for_all($node, 'vector.background_work = on');
query('VACUUM young; VACUUM old');
ok($node->poll_query_until('postgres', "SELECT bool_and(store = 'theirs') FROM vector_segments() WHERE index = 'old_v'::regclass AND kind = 'sealed'"), 'the worker has those of the owner');
is(query("SELECT count(store) FROM vector_segments() WHERE index = 'young_v'::regclass"), '0', 'what is young stays');
my $found = "SELECT id FROM old ORDER BY v <-> place(77) LIMIT 1";
is(query("SET ROLE $_; $found"), '77', "$_ searches by them") foreach 'reader', 'app', 'postgres' =~ s/postgres/'"' . query('SELECT current_user') . '"'/er;
is(query("SET ROLE app; SELECT bool_and(key LIKE '%/%/%') FROM vector_tier_objects('theirs') WHERE state = 'live'"), 't', 'the owner sees the object');

# No key in anything that a reader of the table can read: all catalogs, views and functions of the extension
set_faults($proxy, 'GET 1 status 403:AccessDenied');
query("SET ROLE reader; $found");
set_faults($proxy);
my $seen = query("SET ROLE reader; DO \$\$ DECLARE r record; found bool; looked int := 0; BEGIN
	FOR r IN SELECT format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
			WHERE relkind IN ('r', 'v', 'm') AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
		UNION ALL SELECT format('%I()', proname) FROM pg_proc WHERE proname ~ '^vector_' AND prokind = 'f' AND pronargs - pronargdefaults = 0
			AND proretset AND has_function_privilege(oid, 'EXECUTE')
	LOOP
		BEGIN
			EXECUTE format('SELECT bool_or(t::text LIKE %L) FROM %s t', '%$rgw->{secret}%', r.name) INTO found;
			looked := looked + 1;
		EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state OR invalid_parameter_value THEN
			found := false;
		END;
		-- the statement that looks for it is seen by who runs it
		IF found AND r.name <> 'pg_catalog.pg_stat_activity' THEN RAISE 'in %', r.name; END IF;
	END LOOP;
	RAISE WARNING 'looked at % places', looked > 150;
	END \$\$");
is($seen, '', 'no catalog, view or function shows the key');
is(query("SET ROLE reader; SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%$rgw->{secret}%'"), '0', 'nor what others run');
my $hits = 0;
foreach my $log (glob($node->data_dir . '/log/* ' . $node->data_dir . '/pg_stat/*'), $node->logfile)
{
	$hits += () = slurp_file($log) =~ /\Q$rgw->{secret}\E/g;
}
is($hits, 0, 'nor a log, nor a file of ours');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();
