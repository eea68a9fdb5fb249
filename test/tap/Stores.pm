# Common start of tests of object stores: functions that call them, an S3 server, and a proxy that makes things go wrong
package Stores;

use strict;
use warnings;
use Exporter 'import';
use File::Basename;
use HTTP::Tiny;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(create_functions start_rgw limited_user start_other ask_s3 start_proxy s3_server set_faults proxy_log proxy_headers proxy_bodies free_ports stop_proxies stop_stores make_certificate);

my $tools = dirname(__FILE__) . '/../store';
my (@rgw, @others, @proxies);

# Whether the library of the tests is there; creates the extension and its functions.
sub create_functions
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'CREATE EXTENSION vector');
	my ($status) = $node->psql('postgres', "
		CREATE FUNCTION put(server name, key text, size bigint, seed int) RETURNS text AS 'vector_store_test', 'store_test_put' LANGUAGE C;
		CREATE FUNCTION create_new(server name, key text, size bigint, seed int) RETURNS bool AS 'vector_store_test', 'store_test_create' LANGUAGE C;
		CREATE FUNCTION read(server name, key text, size bigint, seed int, count int, blocks int) RETURNS bigint AS 'vector_store_test', 'store_test_read' LANGUAGE C;
		CREATE FUNCTION get(server name, key text, start bigint, length int) RETURNS bytea AS 'vector_store_test', 'store_test_get' LANGUAGE C;
		CREATE FUNCTION size(server name, key text) RETURNS bigint AS 'vector_store_test', 'store_test_size' LANGUAGE C;
		CREATE FUNCTION list(server name, prefix text) RETURNS text[] AS 'vector_store_test', 'store_test_list' LANGUAGE C;
		CREATE FUNCTION delete(server name, keys text[]) RETURNS void AS 'vector_store_test', 'store_test_delete' LANGUAGE C;
		CREATE FUNCTION counters(server name) RETURNS text AS 'vector_store_test', 'store_test_counters' LANGUAGE C;
		CREATE FUNCTION hedge_after(latencies int[]) RETURNS int AS 'vector_store_test', 'store_test_hedge' LANGUAGE C;
		CREATE FUNCTION sign(method text, path text, query text, headers text[], payload text, key text, secret text, region text, service text, stamp text)
			RETURNS text AS 'vector_store_test', 'store_test_sign' LANGUAGE C;");
	return $status == 0;
}

# As many ports in a row.
sub free_ports
{
	my ($count) = @_;
	my $port;
	do { $port = PostgreSQL::Test::Cluster::get_free_port() }
	  until !grep { !PostgreSQL::Test::Cluster::can_bind('127.0.0.1', $port + $_) } 0 .. $count - 1;
	return $port;
}

# Starts Ceph's gateway with a bucket; its port and keys, or nothing, where it is not installed.
sub start_rgw
{
	my ($bucket) = @_;
	foreach my $program (qw(radosgw ceph-mon ceph-osd))
	{
		next if grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin';
		note("there is no $program");
		return;
	}
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $port = free_ports(2);
	push @rgw, $folder;
	my ($keys, $errors) = ('', '');
	run_log([ "$tools/rgw.sh", 'start', $folder, $port ], '>', \$keys, '2>', \$errors) or die "no RGW: $errors";
	my ($key, $secret) = split ' ', $keys;
	run_log([ "$tools/rgw.sh", 'bucket', $folder, $port, $bucket ]) or die 'no bucket';
	return { port => $port, key => $key, secret => $secret, bucket => $bucket, folder => $folder };
}

# Makes a user of Ceph's gateway who has the rights of a bucket's policy only; the gateway with the keys of that user.
sub limited_user
{
	my ($rgw, $name, $policy) = @_;
	my ($keys, $errors) = ('', '');
	run_log([ "$tools/rgw.sh", 'user', $rgw->{folder}, $name ], '>', \$keys, '2>', \$errors) or die "no user: $errors";
	my $answer = ask_s3($rgw, 'PUT', "/$rgw->{bucket}?policy=", $policy);
	die $answer if $answer ne '';
	my ($key, $secret) = split ' ', $keys;
	return { %$rgw, key => $key, secret => $secret };
}

# Starts one of the servers of test/store/servers.sh with a bucket; its port and keys.
sub start_other
{
	my ($name, $bucket) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $other = { port => free_ports(1), bucket => $bucket };
	push @others, $folder;
	my ($keys, $errors) = ('', '');
	run_log([ "$tools/servers.sh", 'start', $name, $folder, $other->{port} ], '>', \$keys, '2>', \$errors) or die "no $name: $errors";
	($other->{key}, $other->{secret}) = split ' ', $keys;
	ask_s3($other, 'PUT', "/$bucket");
	return $other;
}

# What an S3 server answers.
sub ask_s3
{
	my ($s3, $method, $path, @body) = @_;
	my ($answer, $errors) = ('', '');
	run_log([ "$tools/request.pl", $s3->{key}, $s3->{secret}, $method, "http://127.0.0.1:$s3->{port}$path", @body ], '>', \$answer, '2>', \$errors);
	return $answer . $errors;
}

# Creates a server with a user mapping for the role of the tests.
sub s3_server
{
	my ($node, $name, $rgw, $port, $options, $certificate) = @_;
	my $scheme = $certificate ? 'https' : 'http';
	my $role = $node->safe_psql('postgres', 'SELECT current_user');
	$node->safe_psql('postgres', "CREATE SERVER $name FOREIGN DATA WRAPPER vector_store
			OPTIONS (provider 's3', endpoint '$scheme://127.0.0.1:$port', bucket '$rgw->{bucket}'" . ($options // '')
			. ($certificate ? ", ca_file '$certificate'" : '') . ");
		CREATE USER MAPPING FOR \"$role\" SERVER $name OPTIONS (access_key_id '$rgw->{key}', secret_access_key '$rgw->{secret}')");
	return;
}

# Starts the proxy of test/store, on a port that is free, or on that of before; its port.
sub start_proxy
{
	my ($upstream, $before, @tls) = @_;
	my $port = $before // free_ports(1);
	push @proxies, IPC::Run::start([ "$tools/fault_proxy.py", $port, $upstream, @tls ], '>', \my $out, '2>', \my $err);
	for (1 .. 100)
	{
		last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
		select(undef, undef, undef, 0.1);
	}
	return $port;
}

# Makes a key and a certificate of this machine; the file, or nothing, where there is no program for that.
sub make_certificate
{
	my $file = PostgreSQL::Test::Utils::tempdir() . '/server.pem';
	my $made = eval {
		IPC::Run::run([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1),
				'-keyout', $file, '-out', "$file.certificate" ], '>', \my $out, '2>', \my $err) };
	return if !$made;
	append_to_file($file, slurp_file("$file.certificate"));
	return $file;
}

# Tells the proxy what goes wrong from now on.
sub set_faults
{
	my ($port, @faults) = @_;
	my $answer = HTTP::Tiny->new->post("http://127.0.0.1:$port/_faults", { content => join("\n", @faults) });
	die "no proxy: $answer->{content}" if !$answer->{success};
	return;
}

# What the proxy was asked for since.
sub proxy_log
{
	my ($port) = @_;
	return split /\n/, HTTP::Tiny->new->get("http://127.0.0.1:$port/_log")->{content};
}

# The headers that came with what it was asked for since, a line each.
sub proxy_headers
{
	my ($port) = @_;
	return split /\n/, HTTP::Tiny->new->get("http://127.0.0.1:$port/_headers")->{content};
}

# How many milliseconds the body of each request took to come since, a line for each.
sub proxy_bodies
{
	my ($port) = @_;
	return split /\n/, HTTP::Tiny->new->get("http://127.0.0.1:$port/_bodies")->{content};
}

sub stop_proxies
{
	$_->kill_kill foreach splice @proxies;
	return;
}

sub stop_stores
{
	stop_proxies();
	system("$tools/rgw.sh", 'stop', $_) foreach splice @rgw;
	system("$tools/servers.sh", 'stop', $_) foreach splice @others;
	return;
}

END { my $status = $?; stop_stores(); $? = $status; }

1;
