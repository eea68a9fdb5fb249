#!/bin/bash
# Other S3 servers than Ceph's, on loopback, from package registries, in pinned versions.
#
# usage: servers.sh names                       prints which there are
#        servers.sh start NAME FOLDER PORT      prints its access key and its secret key
#        servers.sh stop FOLDER
#
# moto needs python3, versitygw and gofakes3 need Go, s3rver needs npm.  What is installed is kept in the folder that
# S3_SERVERS names, by default below FOLDER; all needs no root.
set -eu

if [ "$1" = names ]; then
	echo versitygw moto gofakes3 s3rver
	exit
fi
if [ "$1" = stop ]; then
	pid=$(cat "$2/server.pid" 2>/dev/null) || exit 0
	rm -f "$2/server.pid"
	! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$2" || kill "$pid"
	exit
fi

name=$2 port=$4
mkdir -p "$3/data" "${S3_SERVERS:-$3}"
folder=$(cd "$3" && pwd -P)
installed=$(cd "${S3_SERVERS:-$3}" && pwd -P)
export HOME=$folder GOPATH=$installed/go GOCACHE=$installed/go-cache GOFLAGS='-modcacherw -buildvcs=false' GOBIN=$installed/bin
export npm_config_cache=$installed/npm-cache

# install NAME COMMAND...: runs a command unless it was once done.
install() {
	[ -e "$installed/$1.done" ] || { "${@:2}" >"$installed/$1.log" 2>&1 && touch "$installed/$1.done"; } ||
		{ tail -n 5 "$installed/$1.log" >&2; exit 1; }
}

pip_install() {
	/usr/bin/python3 -m venv "$installed/venv" && "$installed/venv/bin/pip" -q install "$@"
}

# gofakes3 is a library: this is the program that its description shows.
gofakes3_install() {
	mkdir -p "$installed/gofakes3" && cd "$installed/gofakes3"
	cat >main.go <<'GO'
package main

import (
	"net/http"
	"os"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	panic(http.ListenAndServe(os.Args[1], gofakes3.New(s3mem.New()).Server()))
}
GO
	[ -e go.mod ] || go mod init gofakes3
	go get github.com/johannesboyne/gofakes3@v1.2.0 && go install -p 2 .
}

npm_install() {
	mkdir -p "$installed/npm" && npm install --prefix "$installed/npm" --no-audit --no-fund --ignore-scripts "$@"
}

access=test secret=testSecret
case $name in
	moto)
		install moto pip_install 'moto[server,s3]==5.2.5'
		command=("$installed/venv/bin/moto_server" -H 127.0.0.1 -p "$port") ;;
	versitygw)
		install versitygw go install -p 2 github.com/versity/versitygw/cmd/versitygw@v1.8.0
		mkdir -p "$folder/sidecar"
		command=(env ROOT_ACCESS_KEY="$access" ROOT_SECRET_KEY="$secret" "$installed/bin/versitygw" --port "127.0.0.1:$port"
			posix --sidecar "$folder/sidecar" "$folder/data") ;;
	gofakes3)
		install gofakes3 gofakes3_install
		command=("$installed/bin/gofakes3" "127.0.0.1:$port") ;;
	s3rver)
		install s3rver npm_install s3rver@3.7.1
		access=S3RVER secret=S3RVER
		command=(node "$installed/npm/node_modules/s3rver/bin/s3rver.js" -d "$folder/data" -a 127.0.0.1 -p "$port") ;;
	*)
		echo "servers.sh: no server \"$name\"" >&2
		exit 2 ;;
esac
cd "$folder"
# the last argument tells `stop` whose process it is
setsid nohup bash -c '"$@" & trap "kill $!" EXIT TERM; wait' "$folder" "${command[@]}" </dev/null >"$folder/server.log" 2>&1 &
echo $! >"$folder/server.pid"
for _ in $(seq 300); do
	! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$access $secret"; exit; }
	sleep 0.1
done
tail -n 5 "$folder/server.log" >&2
exit 1
