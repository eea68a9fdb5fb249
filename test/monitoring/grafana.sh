#!/bin/bash
# Compares docs/monitoring/dashboard.json with the types that Grafana publishes of a dashboard, of panels of time series, and of
# queries of Prometheus.
#
# usage: grafana.sh FOLDER, in which package.json is installed
set -u
here=$(cd "$(dirname "$0")" && pwd)
file=$here/../../docs/monitoring/dashboard.json
tested=0
cd "$1" || exit 1

# Whether a dashboard, on standard input, is of these types.  In a dashboard's own type panels have any options and queries, so the
# kind of panel that ours has is put in its place.  The members of enumerations stand in JSON as their values.
of_type() {
	{
		cat <<'TS'
import type { Dashboard, Panel } from '@grafana/schema';
import type { FieldConfig, Options } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T : { [K in keyof T]: Json<T[K]> };
type Values = NonNullable<Panel['fieldConfig']>['defaults'];
type Query = Omit<Dataquery, '_implementsDataqueryVariant' | 'datasource'> & { datasource: { type: 'prometheus'; uid: string } };
type Series = Omit<Panel, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
	type: 'timeseries'; options: Options; targets: Query[];
	fieldConfig: { defaults: Omit<Values, 'custom'> & { custom?: FieldConfig }; overrides: never[] };
};
export const dashboard: Json<Omit<Dashboard, 'panels'> & { panels: Series[] }> =
TS
		cat
	} >dashboard.ts
	node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler dashboard.ts
}

# A dashboard with one mistake, made by an expression of sed, is refused: so the compiler did look.
refused() {
	tested=$((tested + 1))
	if cmp -s <(sed "$2" "$file") "$file"; then
		echo "not ok $tested - $1: the mistake was not made"
	elif sed "$2" "$file" | of_type >/dev/null; then
		echo "not ok $tested - $1 is refused"
	else
		echo "ok $tested - $1 is refused"
	fi
}

tested=1
if of_type <"$file"; then
	echo "ok 1 - dashboard.json is of Grafana's types"
else
	echo "not ok 1 - dashboard.json is of Grafana's types"
fi
refused 'a number in place of a time' 's/"refresh": "30s"/"refresh": 30/'
refused 'a panel without a place' 's/"gridPos"/"place"/'
refused 'an unknown place of the legend' 's/"placement": "bottom"/"placement": "below"/'
refused 'a legend without calculations' '/"calcs": \[\]/d; s/"placement": "bottom",/"placement": "bottom"/'
refused 'a query without an expression' 's/"expr": "/"query": "/'
refused 'a panel of another kind' 's/"type": "timeseries"/"type": "graph"/'
