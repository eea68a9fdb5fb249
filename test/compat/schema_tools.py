#!/usr/bin/env python3
"""Schema tools on a database with the extension: none takes a part of it for the application's.

usage: schema_tools.py --psql PSQL [--npm DIR] [--python PYTHON]

Connects as the environment says (PGHOST, PGPORT, PGUSER), and makes a database of its own.  DIR has the files of
schema_tools/ and the packages of its package.json, PYTHON those of its requirements.txt; tools that are not given are
not run.  Prints 'ok N - what' or 'not ok N - what' for each check.
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATABASE = "schema_tools"
checks = {"count": 0, "failed": 0}


def check(good, what, detail):
    checks["count"] += 1
    checks["failed"] += not good
    print("ok" if good else "not ok", checks["count"], "-", what, flush=True)
    if not good:
        for line in detail.splitlines()[:40]:
            print("#", line)


def run(command, directory=None):
    """The exit code of a command and all that it prints."""
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300, env={**os.environ, "PGDATABASE": DATABASE, "NO_COLOR": "1"})
    return done.returncode, done.stdout


def check_npm(directory):
    kit = os.path.join(directory, "node_modules/.bin/drizzle-kit")
    code, text = run(["node", "mikro_orm.mjs"], directory)
    check(code == 0 and not re.search(r"\bdrop\b", text, re.I), "MikroORM's update of the schema drops nothing", text)
    code, text = run([kit, "push", "--force", "--verbose"], directory)
    check(code == 0 and 'CREATE TABLE "others"' in text and not re.search(r"\bDROP\b|[Ee]rror", text),
          "drizzle-kit push makes a table, and drops nothing", text)
    code, text = run([kit, "push", "--force", "--verbose"], directory)
    check(code == 0 and "No changes" in text, "drizzle-kit push has nothing more to do", text)
    code, text = run([kit, "pull"], directory)
    path = os.path.join(directory, "drizzle/schema.ts")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    check(code == 0 and re.findall(r"= pg\w+\(\"(\w+)", text) == ["items", "others"],
          "drizzle-kit pull finds the tables alone", text)


def check_python(python):
    code, text = run([python, os.path.join(HERE, "schema_tools/reflect.py")])
    for line in ("Alembic's differences: none", "SQLAlchemy's tables: items", "Django's tables: items"):
        check(code == 0 and line in text.splitlines(), line, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psql", required=True)
    parser.add_argument("--npm")
    parser.add_argument("--python")
    args = parser.parse_args()
    psql = [args.psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d"]
    subprocess.run(psql + ["postgres", "-c", f"DROP DATABASE IF EXISTS {DATABASE}", "-c", f"CREATE DATABASE {DATABASE}"], check=True)
    subprocess.run(psql + [DATABASE, "-c", "CREATE EXTENSION vector",
                           "-c", "CREATE TABLE items (id bigint PRIMARY KEY, embedding vector(3))"], check=True)
    # before a tool adds a table
    if args.python:
        check_python(args.python)
    if args.npm:
        check_npm(args.npm)
    sys.exit(checks["failed"] > 0)


if __name__ == "__main__":
    main()
