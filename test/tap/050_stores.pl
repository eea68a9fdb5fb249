# Object stores: every provider does the same, signatures are those that Amazon publishes, and secrets stay secret
#
# VECTOR_LONG=1: also with the servers of test/store/servers.sh, which it installs (S3_SERVERS: a folder that keeps them).
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Stores;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_statement = none");
$node->start;
plan skip_all => 'the library of test/store is not installed' if !create_functions($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# The error of a statement.
sub failure
{
	my ($sql) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $sql);
	return $status == 0 ? "no error: $out" : $error;
}

# Signatures: the examples of Amazon's documentation of S3, and of its test suite of signatures
my $empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
my $longer = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
my @s3 = ('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'us-east-1', 's3', '20130524T000000Z');
my @suite = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', 'us-east-1', 'service', '20150830T123600Z');
my $host = 'host:examplebucket.s3.amazonaws.com';
my @at = ("x-amz-content-sha256:$empty", 'x-amz-date:20130524T000000Z');
my @plain = ('host:example.amazonaws.com', 'x-amz-date:20150830T123600Z');
foreach my $vector (
	[ 'a range', 'GET', '/test.txt', '', [ $host, 'range:bytes=0-9', @at ], $empty, @s3,
		'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41' ],
	[ 'a body, and a dollar', 'PUT', '/test$file.text', '',
		[ 'date:Fri, 24 May 2013 00:00:00 GMT', $host, "x-amz-content-sha256:$longer", $at[1], 'x-amz-storage-class:REDUCED_REDUNDANCY' ],
		$longer, @s3, '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd' ],
	[ 'a parameter without a value', 'GET', '/', 'lifecycle=', [ $host, @at ], $empty, @s3,
		'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543' ],
	[ 'a list', 'GET', '/', 'max-keys=2&prefix=J', [ $host, @at ], $empty, @s3,
		'34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7' ],
	[ 'nothing special', 'GET', '/', '', \@plain, $empty, @suite, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' ],
	[ 'POST', 'POST', '/', '', \@plain, $empty, @suite, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' ],
	[ 'two parameters', 'GET', '/', 'Param1=value1&Param2=value2', \@plain, $empty, @suite,
		'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500' ],
	[ 'letters of others', 'GET', "/\x{e1}\x{88}\x{b4}", '', \@plain, $empty, @suite,
		'8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85' ],
	[ 'unreserved characters', 'GET', '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', '', \@plain, $empty, @suite,
		'07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f' ],
	[ 'a space', 'GET', '/example space/', '', \@plain, $empty, @suite,
		'652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741' ],
	# not of the suite: computed by Python's quote, which gives its signatures, too
	[ 'plus, per cent, tilde', 'GET', '/a+b%c~d e=f', '', \@plain, $empty, @suite,
		'592e59d062eaa58091aef2fe2a8a2d45c91ba97f19956e629fda2175c9f1c143' ],
	[ 'spaces in headers', 'GET', '/', '',
		[ $plain[0], 'my-header1:value1', 'my-header2:"a   b   c"', $plain[1] ], $empty, @suite,
		'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736' ])
{
	my ($name, $method, $path, $query, $headers, $payload, @scope) = @$vector;
	my $signature = pop @scope;
	my $list = join ',', map { "'$_'" } @$headers;
	like(query("SELECT sign('$method', E'$path', '$query', ARRAY[$list], '$payload', '" . join("','", @scope) . "')"),
		qr/Signature=$signature$/, "signature: $name");
}

# One contract for all providers
my $folder = PostgreSQL::Test::Utils::tempdir();
query("CREATE SERVER folder FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$folder', part_size '5MB', prefix 'some/where')");
my @servers = ('folder');
my $rgw = start_rgw('cold');
my $libs3_2;
if ($rgw)
{
	s3_server($node, 's3', $rgw, $rgw->{port}, ", conditional_put 'on', part_size '5MB', prefix 'some/where'");
	push @servers, 's3';
	my ($status) = $node->psql('postgres', "CREATE SERVER libs3 FOREIGN DATA WRAPPER vector_store
		OPTIONS (provider 'libs3', endpoint 'http://127.0.0.1:$rgw->{port}', bucket 'cold', prefix 'some/where')");
	if ($status == 0)
	{
		query("CREATE USER MAPPING FOR current_user SERVER libs3 OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}')");
		# version 4 of the library writes in parts
		($libs3_2) = $node->psql('postgres', "ALTER SERVER libs3 OPTIONS (ADD part_size '5MB', ADD region 'us-east-1')");
		push @servers, 'libs3';
	}
	else
	{
		note('this build has no libs3');
	}
}

# What each server does with the options of docs/tiering.md, by vector_store_check, and whether it has the tags that an object
# of one piece, and of several, was written with
my %abilities = (
	rgw => 'checksums conditional_put object_tags storage_class sse-c sse-kms | tags',
	versitygw => 'checksums conditional_put object_tags storage_class | tags tags-of-parts',
	moto => 'checksums conditional_put object_tags storage_class sse-kms sse-s3 | tags tags-of-parts',
	gofakes3 => 'checksums conditional_put object_tags storage_class sse-c sse-kms sse-s3 |',
	s3rver => 'checksums object_tags storage_class |');
my @options = (
	[ 'checksums', "checksums 'on'" ], [ 'conditional_put', "conditional_put 'on'" ], [ 'object_tags', "object_tags 'on'" ],
	[ 'storage_class', "storage_class 'STANDARD'" ], [ 'sse-c', "encryption 'sse-c'" ],
	[ 'sse-kms', "encryption 'sse-kms', kms_key_id 'test'" ], [ 'sse-s3', "encryption 'sse-s3'" ]);
my $certificate = make_certificate();

sub abilities
{
	my ($name, $s3) = @_;
	my $tls = start_proxy($s3->{port}, undef, $certificate);
	my @does;
	s3_server($node, 'able', $s3, $s3->{port}, ", part_size '5MB', object_tags 'on'");
	query("SELECT put('able', 'tags/piece', 10, 1), put('able', 'tags/parts', 6000000, 1)");
	my @tags = grep { ask_s3($s3, 'GET', "/$s3->{bucket}/tags/" . ($_ eq 'tags' ? 'piece' : 'parts') . '?tagging=') =~ m{<Value>public\.made</Value>} } 'tags', 'tags-of-parts';
	query("SELECT delete('able', list('able', '')); DROP SERVER able CASCADE");
	foreach my $option (@options)
	{
		s3_server($node, 'able', $s3, $tls, ", part_size '5MB', $option->[1]", $certificate);
		query("ALTER USER MAPPING FOR CURRENT_USER SERVER able OPTIONS (ADD encryption_key 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=')");
		my $failed = query("SELECT string_agg(step || ': ' || detail, ', ') FROM vector_store_check('able') WHERE NOT passed");
		note("$name: $option->[0]: $failed");
		push @does, $option->[0] if $failed eq '';
		query("DROP SERVER able CASCADE");
	}
	is(join(' ', @does, '|', @tags), $abilities{$name}, "what $name does");
	return;
}

if ($ENV{VECTOR_LONG})
{
	abilities('rgw', $rgw) if $rgw;
	foreach my $name (split ' ', `"$FindBin::Bin/../store/servers.sh" names`)
	{
		my $other = start_other($name, 'cold');
		abilities($name, $other);
		s3_server($node, $name, $other, $other->{port}, ", part_size '5MB', prefix 'some/where'"
			. ($abilities{$name} =~ /conditional_put/ ? ", conditional_put 'on'" : ''));
		push @servers, $name;
		if ($name eq 'versitygw')
		{
			query("ALTER SERVER $name OPTIONS (ADD region 'eu-west-1')");
			like(query("SELECT step, detail, hint FROM vector_store_check('$name') WHERE NOT passed"),
				qr/^list\|AuthorizationHeaderMalformed.*expecting "us-east-1"\|Change the options region/, "$name: another region");
			query("ALTER SERVER $name OPTIONS (DROP region)");
		}
		query("SELECT count(put('$name', 'many/' || i, 1, i)) FROM generate_series(1, 1005) i");
		is(query("SELECT count(DISTINCT key), count(*) FROM unnest(list('$name', 'many/')) key"), '1005|1005', "$name: a list of several pages");
		query("SELECT delete('$name', list('$name', 'many/'))");
	}
}

foreach my $server (@servers)
{
	my $does = sub { my ($sql, $result, $name) = @_; is(query($sql), $result, "$server: $name"); };
	$does->("SELECT list('$server', '')", '{}', 'nothing is there');
	$does->("SELECT size('$server', 'a/none') IS NULL", 't', 'an object that is not there has no size');
	like(failure("SELECT get('$server', 'a/none', 0, 1)"), qr/there is no such object/, "$server: and no bytes");
	$does->("SELECT put('$server', 'a/none-yet', 0, 1)", $empty, 'an object without bytes');
	$does->("SELECT put('$server', 'a/one', 1, 1) = encode(sha256(get('$server', 'a/one', 0, 1)), 'hex')", 't', 'of one byte');
	$does->("SELECT put('$server', 'a/b/small', 100000, 2) = encode(sha256(get('$server', 'a/b/small', 0, 100000)), 'hex')", 't', 'of many, and its digest');
	like(query("SELECT put('$server', 'a/one', 1, 1); SELECT counters('$server')"), qr/ read 1 written 1$/, "$server: bytes are counted once");
	$does->("SELECT array_agg(size('$server', key)) FROM unnest(ARRAY['a/none-yet', 'a/one', 'a/b/small']) key", '{0,1,100000}', 'sizes');
	$does->("SELECT put('$server', 'a/large', 12000001, 3) = encode(sha256(get('$server', 'a/large', 0, 12000001)), 'hex')", 't', 'of several parts');
	$does->("SELECT put('$server', 'a/long', 26300001, 3) = encode(sha256(get('$server', 'a/long', 0, 26300001)), 'hex'), delete('$server', '{a/long}')", 't|', 'of more than are sent at once');
	$does->("SELECT read('$server', 'a/large', 12000001, 3, 100, 4)", 100 * 32768 - (32768 - 12000001 % 8192), 'a hundred ranges at once');
	$does->("SELECT get('$server', 'a/large', 5242878, 4) = get('$server', 'a/large', 5242878, 2) || get('$server', 'a/large', 5242880, 2)", 't', 'bytes of two parts');
	like(failure("SELECT read('$server', 'a/large', 12000001, 4, 3, 1)"), qr/do not match the checksums/, "$server: other bytes than were written are an error");
	like(failure("SELECT get('$server', 'a/one', 0, 2)"), qr/bytes/, "$server: so are bytes beyond the end");
	$does->("SELECT put('$server', 'a/b/small', 5, 4) = encode(sha256(get('$server', 'a/b/small', 0, 5)), 'hex')", 't', 'an object is replaced');
	$does->("SELECT list('$server', '') @> ARRAY['a/none-yet','a/one','a/b/small','a/large'], cardinality(list('$server', ''))", 't|4', 'a list');
	$does->("SELECT list('$server', 'a/b'), list('$server', 'a/b/'), list('$server', 'a/b/small.'), list('$server', 'b')", '{a/b/small}|{a/b/small}|{}|{}', 'lists of prefixes');
	foreach my $key ('', '/a', 'a/', 'a//b', 'a/../b', '.a', 'a/.b', 'a b', 'a+b', 'a%20', "a'b", 'x' x 513)
	{
		(my $quoted = $key) =~ s/'/''/g;
		like(failure("SELECT put('$server', '$quoted', 1, 1)"), qr/cannot be the key of an object/, "$server: no key is \"" . substr($key, 0, 10) . '"');
	}
	if ($server ne 'libs3' && ($abilities{$server} // 'conditional_put') =~ /conditional_put/)
	{
		$does->("SELECT create_new('$server', 'new', 10, 1), create_new('$server', 'new', 10, 2)", 't|f', 'an object is created once');
		$does->("SELECT put('$server', 'old', 10, 1) = encode(sha256(get('$server', 'new', 0, 10)), 'hex')", 't', 'and not replaced');
	}
	$does->("SELECT delete('$server', list('$server', '') || ARRAY['a/none']), list('$server', '')", '|{}', 'objects are deleted, also those that are not there');
	$does->("SELECT delete('$server', '{}'), read('$server', 'a', 1, 1, 0, 1)", '|0', 'no objects, no ranges');
	$does->("SELECT string_agg(step, ', ') FROM vector_store_check('$server') WHERE NOT passed", '', 'the check finds no fault');
	$does->("SELECT count(*) FROM vector_store_check('$server')", 9, 'and has run');
	$does->("SELECT list('$server', '')", '{}', 'and leaves nothing');
}
my @left = glob "$folder/.uploads/*";
is(scalar(@left), 0, 'the folder has no files of uploads');

# Secrets
my $secret = 'verySecretValue0123456789';
my $file = "$folder/../credentials.$$";
query("CREATE ROLE reader; CREATE ROLE user1; GRANT USAGE ON FOREIGN DATA WRAPPER vector_store TO user1");
like(failure("CREATE SERVER bad FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', secret_access_key '$secret')"),
	qr/invalid option "secret_access_key"\s+DETAIL:  This is an option of user mappings/, 'a secret is no option of a server');
like(failure("CREATE USER MAPPING FOR user1 SERVER folder OPTIONS (secret_access_key '$secret', secret '$secret')"),
	qr/invalid option "secret"/, 'an option that there is not');
like(failure("CREATE USER MAPPING FOR user1 SERVER folder OPTIONS (session_token '$secret \n')"),
	qr/invalid value for option "session_token"/, 'a value that cannot be sent');
like(failure("SET ROLE user1; CREATE SERVER bad FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '/tmp')"),
	qr/permission denied to set option "path"/, 'who may not use files of the server has no folder');
SKIP:
{
	skip 'Ceph\'s gateway is not installed (radosgw, ceph-mon, ceph-osd): the provider s3 is not tested', 1 if !$rgw;
	query("CREATE USER MAPPING FOR user1 SERVER s3 OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$secret');
		GRANT USAGE ON FOREIGN SERVER s3 TO user1");
	like(failure("SET ROLE reader; SELECT * FROM vector_store_check('s3')"), qr/permission denied for foreign server s3/, 'a role needs the right to use a server');
	is(query("SET ROLE user1; SELECT passed, detail, hint FROM vector_store_check('s3') WHERE step = 'list'"),
		'f|SignatureDoesNotMatch|Change the credentials of the user mapping or of the credentials file.', 'and a right secret');
	is(query("SET ROLE reader; SELECT count(*) FROM pg_user_mappings WHERE umoptions IS NOT NULL"), '0', 'others do not see it');

	my $check;

	# the bucket in the name of the host, which libcurl looks up
	query("CREATE SERVER by_host FOREIGN DATA WRAPPER vector_store
			OPTIONS (provider 's3', endpoint 'http://localhost:$rgw->{port}', bucket 'cold', addressing 'virtual');
		CREATE USER MAPPING FOR CURRENT_USER SERVER by_host OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}')");
	is(query("SELECT step, detail FROM vector_store_check('by_host') WHERE NOT passed"), '', 'virtual addressing');

	# TLS, and what is only sent over it
	if ($certificate)
	{
		my $port = start_proxy($rgw->{port}, undef, $certificate);
		query("CREATE SERVER tls FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'https://127.0.0.1:$port', bucket 'cold');
			CREATE USER MAPPING FOR CURRENT_USER SERVER tls OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}',
				encryption_key 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=')");
		is(query("SELECT step, hint FROM vector_store_check('tls') WHERE NOT passed"),
			"list|Name the authority that signed the server's certificate by the option ca_file of the provider s3.", 'a certificate of nobody known');
		if (grep { $_ eq 'libs3' } @servers)
		{
			my $unknown = "list|Name the authority that signed the server's certificate by the option ca_file of the provider s3.";
			my $refused = qr/version 2 of libs3 verifies no certificate\nHINT:  Use the provider s3, or an endpoint of http/;
			my $check = "SELECT step, hint FROM vector_store_check('libs3') WHERE NOT passed";
			my $alter = "ALTER SERVER libs3 OPTIONS (SET endpoint 'https://127.0.0.1:$port'";
			if ($libs3_2)
			{
				like(failure("$alter)"), $refused, 'libs3: no certificate is verified, which is refused');
				like(failure("$alter, ADD accept_unverified 'off')"), $refused, 'libs3: and if that is not accepted');
				# a server that was set up before
				query("UPDATE pg_foreign_server SET srvoptions = array_replace(srvoptions, 'endpoint=http://127.0.0.1:$rgw->{port}', 'endpoint=https://127.0.0.1:$port')
					WHERE srvname = 'libs3'");
				like(failure("SELECT put('libs3', 'unverified', 1000, 1)"), $refused, 'libs3: also in use');
				like(query($check), qr{^open\|Use the provider s3}, 'libs3: which the check says');
			}
			is(query("$alter, ADD accept_unverified 'on'); $check"), $libs3_2 ? '' : $unknown,
				'libs3: a certificate of nobody known, which version 2 takes where that is accepted');
		}
		is(query("ALTER SERVER tls OPTIONS (ca_file '$certificate', checksums 'on', tags 'kind=test', storage_class 'STANDARD');
			SELECT step, detail FROM vector_store_check('tls') WHERE NOT passed"), '', 'a known one; checksums, tags, a storage class');
		is(query("ALTER SERVER tls OPTIONS (encryption 'sse-c');
			SELECT step, detail FROM vector_store_check('tls') WHERE NOT passed"), '', 'encryption by a key of ours');
		is(query("ALTER SERVER tls OPTIONS (SET encryption 'sse-kms', ADD kms_key_id 'test');
			SELECT step, detail FROM vector_store_check('tls') WHERE NOT passed"), '', 'by a key that the server manages');
		like(query("ALTER SERVER tls OPTIONS (SET encryption 'sse-s3', DROP kms_key_id);
			SELECT step, detail FROM vector_store_check('tls') WHERE NOT passed"),
			qr/^read\|the server does not say that it has encrypted the object[^\n]*\nwrite in parts\|the server does not say[^\n]*$/,
			'a server that does not encrypt as it is told to');
		like(failure("SELECT put('tls', 'plain', 1000, 1)"), qr/object "plain": the server does not say that it has encrypted/, 'to which nothing is moved');
		query("ALTER SERVER tls OPTIONS (SET encryption 'sse-c')");
		query("SELECT put('tls', 'sealed', 1000, 1); CREATE SERVER unsealed FOREIGN DATA WRAPPER vector_store
				OPTIONS (provider 's3', endpoint 'http://127.0.0.1:$rgw->{port}', bucket 'cold');
			CREATE USER MAPPING FOR CURRENT_USER SERVER unsealed OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}')");
		like(failure("SELECT get('unsealed', 'sealed', 0, 10)"), qr/object "sealed": Invalid/, 'and not without it');
	}

	# the rights that docs/tiering.md says are the least, and that others may not be needed
	my ($policy) = slurp_file("$FindBin::Bin/../../docs/tiering.md") =~ /^    (\{"Version": .*?\]\})$/ms;
	$policy =~ s/company-vectors/$rgw->{bucket}/g;
	$policy =~ s/("Effect": "Allow",)/$1 "Principal": {"AWS": ["arn:aws:iam:::user\/limited"]},/g;
	my $limited = limited_user($rgw, 'limited', $policy);
	s3_server($node, 'limited', $limited, $rgw->{port}, ", prefix 'production', conditional_put 'on'");
	$check = "SELECT string_agg(step || ': ' || detail, ', ') FROM vector_store_check('limited') WHERE NOT passed";
	is(query($check), '', 'rights below a prefix are enough');
	query("SELECT put('s3', 'theirs', 1, 1); ALTER SERVER limited OPTIONS (SET prefix 'some')");
	is(query($check), 'list: AccessDenied', 'and are none elsewhere');
	like(failure("SELECT put('limited', 'where/theirs', 1, 2)"), qr/AccessDenied/, 'objects of others cannot be replaced');

	# a file of credentials
	my $write = sub { my ($mode, $text) = @_; unlink $file; append_to_file($file, $text); chmod $mode, $file; };
	$write->(0600, "[other]\naws_secret_access_key = no\n[default]\naws_access_key_id = $rgw->{key}\naws_secret_access_key = $secret\n");
	query("CREATE SERVER by_file FOREIGN DATA WRAPPER vector_store OPTIONS (provider 's3', endpoint 'http://127.0.0.1:$rgw->{port}', bucket 'cold', credentials_file '$file')");
	$check = "SELECT step, detail FROM vector_store_check('by_file') WHERE NOT passed";
	is(query($check), 'list|SignatureDoesNotMatch', 'a wrong secret in a file');
	$write->(0600, "[default]\naws_access_key_id = $rgw->{key}\naws_secret_access_key=$rgw->{secret}\n");
	is(query("$check; $check"), '', 'a right one');
	$write->(0640, "aws_access_key_id = $rgw->{key}\naws_secret_access_key=$rgw->{secret}\n");
	like(query($check), qr/^open\|.*must belong to the server's user, and be readable by no other$/, 'a file that others may read');
	unlink $file;
	like(query($check), qr/^open\|.*cannot be read: No such file/, 'a file that is not there');
	is(query("ALTER SERVER s3 OPTIONS (SET bucket 'none'); SELECT detail, hint FROM vector_store_check('s3') WHERE NOT passed"),
		'NoSuchBucket|Create the bucket or folder, or change the server\'s options.', 'a bucket that is not there');
}
my $log = slurp_file($node->logfile);
unlike($log, qr/$secret/, 'no secret is in the log');
unlike($log, qr/$rgw->{secret}/, 'nor the right one') if $rgw;

done_testing();
