#!/usr/bin/perl
# Asks an S3 server something, signed (Signature Version 4, us-east-1), and prints what it answers.
#
# usage: request.pl KEY SECRET METHOD http://HOST:PORT/PATH[?QUERY] [BODY]
#
# Names in the query are in order, and have "=".  X_AMZ_TAGGING in the environment: tags of a new object.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use HTTP::Tiny;
use POSIX qw(strftime);

my ($key, $secret, $method, $url, $body) = @ARGV;
my ($host, $path, $query) = $url =~ m{^http://([^/]+)(/[^?]*)\??(.*)$} or die "request.pl: $url is no address\n";
$body //= '';
my $time = strftime('%Y%m%dT%H%M%SZ', gmtime);
my $scope = substr($time, 0, 8) . '/us-east-1/s3/aws4_request';
my $hash = sha256_hex($body);
my %headers = ('x-amz-content-sha256' => $hash, 'x-amz-date' => $time);
$headers{'x-amz-tagging'} = $ENV{X_AMZ_TAGGING} if defined $ENV{X_AMZ_TAGGING};
my $names = join ';', 'host', sort keys %headers;
my $request = join "\n", $method, $path, $query, "host:$host", (map { "$_:$headers{$_}" } sort keys %headers), '', $names, $hash;
my $signing = "AWS4$secret";
$signing = hmac_sha256($_, $signing) foreach split m{/}, $scope;
my $signature = hmac_sha256_hex(join("\n", 'AWS4-HMAC-SHA256', $time, $scope, sha256_hex($request)), $signing);
my $answer = HTTP::Tiny->new->request($method, $url, {
	content => $body,
	headers => {
		%headers, 'Authorization' => "AWS4-HMAC-SHA256 Credential=$key/$scope, SignedHeaders=$names, Signature=$signature" } });
print $answer->{content} // '';
die "\nrequest.pl: $method $url: $answer->{status} $answer->{reason}\n" if !$answer->{success};
