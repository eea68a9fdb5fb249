#!/usr/bin/env python3
"""Run postgres_exporter with docs/monitoring/queries.yaml, and compare what it serves with what SQL says.

usage: exporter.py --psql PSQL --exporter PROGRAM

PSQL finds a server by its environment, in whose database `page` page.sql has run.
"""
import argparse
import json
import math
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "docs"))
import monitoring  # noqa: E402

SAMPLE = re.compile(r'^(vector_\w+)\{((?:[^"\n]|"(?:[^"\\]|\\.)*")*)\} (\S+)$', re.M)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
WORK = ("CREATE TABLE exported (id int, v vector(3))",
        "CREATE INDEX exported_v ON exported USING hnsw (v vector_l2_ops) WITH (seal_rows = 100)",
        "INSERT INTO exported SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 300) n")
DONE = "SELECT EXISTS (SELECT FROM vector_stat_workers() WHERE steps > 0) AND NOT EXISTS (SELECT FROM vector_jobs() WHERE index IS NOT NULL)"


def sql(psql, text):
    return subprocess.run([psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "page", "-c", text], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def wait(condition, what):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"not ok 1 - {what}")


def served(port):
    """The metrics that the exporter serves; None: not yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"not ok 1 - metrics are served\n# {error.read().decode()[:500]}")
    except (urllib.error.URLError, ConnectionError):
        return None
    found = {}
    for name, labels, value in SAMPLE.findall(text):
        labels = {key: re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), label) for key, label in LABEL.findall(labels)}
        labels.pop("server")
        if "le" in labels:
            labels["le"] = float(labels["le"])
        found[name, frozenset(labels.items())] = float(value)
    return found


def expected(psql):
    """The metrics that the queries' results are."""
    metrics = {}
    for name, (_, labels, columns) in monitoring.METRICS.items():
        for row in json.loads(sql(psql, f"SELECT coalesce(json_agg(q), '[]') FROM ({monitoring.query(name)}) q")):
            of = {label: row[label] for label in labels}
            for column, (usage, *_) in columns.items():
                if usage == "HISTOGRAM":
                    for le, count in zip(row[column] + [math.inf], row[column + "_bucket"] + [row[column + "_count"]]):
                        metrics[f"{name}_{column}_bucket", frozenset({**of, "le": float(le)}.items())] = float(count)
                    for part in ("sum", "count"):
                        metrics[f"{name}_{column}_{part}", frozenset(of.items())] = float(row[f"{column}_{part}"])
                elif usage:
                    metrics[f"{name}_{column}", frozenset(of.items())] = float(row[column])
    return metrics


def same(a, b):
    return a is not None and b is not None and (math.isclose(a, b, rel_tol=1e-9) or (math.isnan(a) and math.isnan(b)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--psql", required=True)
    parser.add_argument("--exporter", required=True)
    options = parser.parse_args()
    for statement in WORK:
        sql(options.psql, statement)
    wait(lambda: sql(options.psql, DONE) == "t", "a background worker has sealed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # the settings of PostgreSQL are not ours; versions before 0.20 have another name for that
    told = subprocess.run([options.exporter, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    no_settings = "--disable-settings-metrics" if "--disable-settings-metrics" in told else "--no-collector.settings"
    source = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} user=exporter dbname=page sslmode=disable"
    with subprocess.Popen(
            [options.exporter, "--extend.query-path", os.path.join(ROOT, "docs/monitoring/queries.yaml"), f"--web.listen-address=127.0.0.1:{port}",
             "--disable-default-metrics", no_settings], env={**os.environ, "DATA_SOURCE_NAME": source}, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait(lambda: process.poll() is not None or served(port), "metrics are served")
            if process.poll() is not None:
                sys.exit(f"not ok 1 - the exporter runs\n# {process.stderr.read()[:500]}")
            told, true = served(port), expected(options.psql)
        finally:
            process.terminate()
            messages = process.stderr.read()
    failed = 0
    names = sorted({name for name, _ in true} | {name for name, _ in told})
    for number, name in enumerate(names, 1):
        keys = [key for key in {**told, **true} if key[0] == name]
        wrong = [(dict(key[1]), told.get(key), true.get(key)) for key in keys if not same(told.get(key), true.get(key))]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {len(keys)} of SQL" + "".join(f"\n# {w}" for w in wrong[:3]))
    missing = monitoring.metrics() - set(names) - {"vector_job_jobs"}
    wrong = bool(missing) or "level=error" in messages.lower()
    failed += wrong
    print(f"{'not ok' if wrong else 'ok'} {len(names) + 1} - all are served, without an error {missing or ''}")
    sys.exit(failed > 0)


main()
