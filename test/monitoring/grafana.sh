#!/bin/bash
# Compares docs/monitoring/dashboard.json with the type that Grafana publishes of a dashboard.
#
# usage: grafana.sh FOLDER, in which package.json is installed
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 1

# Whether a dashboard, on standard input, is of that type.
of_type() {
	{
		echo "import type { Dashboard } from '@grafana/schema';"
		echo 'export const dashboard: Dashboard ='
		cat
	} >dashboard.ts
	node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler dashboard.ts
}

if of_type <"$here/../../docs/monitoring/dashboard.json"; then
	echo "ok 1 - dashboard.json is of Grafana's type"
else
	echo "not ok 1 - dashboard.json is of Grafana's type"
fi
# so the compiler did look
if sed 's/"expr": "/"expr": "", "gridPos": "/; s/"refresh": "30s"/"refresh": 30/' "$here/../../docs/monitoring/dashboard.json" | of_type >/dev/null; then
	echo "not ok 2 - a wrong dashboard is refused"
else
	echo "ok 2 - a wrong dashboard is refused"
fi
