#!/usr/bin/env python3
"""Generates texts and queries of words, and compares the scores of `<@>` with the definition, computed here.

usage: words.py --server CONNINFO [--psql PATH] [--seed N] [--count N]

Each trial is a table of texts or of arrays of texts, half of them indexed by CREATE INDEX and half by INSERT, and some queries.
The scores of all rows by a sequential scan must be those of the definition, to the precision of float4. The rows and scores of
a scan of the index must be those of the sequential scan, bit for bit. Prints each difference; exits 1 if there is one.
"""
import argparse
import json
import math
import random
import subprocess
import sys

VOCABULARY = [a + b for a in ["a", "b", "ca", "cab", "da"] for b in ["", "b", "bc", "e", "fg"]]


class Trial:
    def __init__(self, chance):
        self.chance = chance
        self.arrays = chance.random() < 0.3
        self.positions = chance.random() < 0.6
        self.k1 = chance.choice([1.2, 1.2, 0.5, 2.0])
        self.b = chance.choice([0.75, 0.75, 0.0, 1.0, 0.3])
        self.weights = chance.choice([[], [2], [2, 1], [1.5, 0.25, 3]]) if self.arrays else []
        words = chance.sample(VOCABULARY, chance.randint(2, len(VOCABULARY)))
        self.rows = [[self.body(words) for _ in range(chance.randint(0, 4) if self.arrays else 1)]
                     for _ in range(chance.randint(1, 24))]
        self.queries = [self.query() for _ in range(3)]

    def body(self, words):
        # few words are frequent
        length = self.chance.choice([0, 1, 3, 8, 8, 20, 60])
        return [words[int(len(words) * self.chance.random() ** 2)] for _ in range(length)]

    def query(self):
        """Clauses: a sign, words, whether in quotes, whether the last word is the beginning of one."""
        return [(self.chance.choice(["", "", "", "+", "-"]),
                 [self.chance.choice(VOCABULARY) for _ in range(self.chance.choice([1, 1, 2, 3]) if quotes else 1)],
                 quotes, self.chance.random() < 0.2)
                for quotes in [self.chance.random() < 0.3 for _ in range(self.chance.randint(0, 5))]]


def query_text(query):
    return " ".join(sign + ('"%s"' if quotes else "%s") % " ".join(words) + ("*" if prefix else "")
                    for sign, words, quotes, prefix in query)


def is_word(word, wanted, prefix):
    return word.startswith(wanted) if prefix else word == wanted


class Definition:
    """Scores of one trial's rows."""

    def __init__(self, trial):
        self.trial = trial
        self.documents = [row for row in trial.rows if any(row)]
        lengths = [self.length(row) for row in self.documents]
        self.mean = sum(lengths) / len(lengths) if lengths else 0

    def weight(self, field):
        return self.trial.weights[field] if field < len(self.trial.weights) else 1

    def length(self, row):
        return sum(self.weight(f) * len(body) for f, body in enumerate(row))

    def frequency(self, row, word, prefix):
        return sum(self.weight(f) for f, body in enumerate(row) for found in body if is_word(found, word, prefix))

    def idf(self, word, prefix):
        terms = {found for row in self.documents for body in row for found in body if is_word(found, word, prefix)}
        n = sum(any(term in body for body in row) for term in terms for row in self.documents)
        count = len(self.documents)
        return math.log(1 + (count - min(n, count) + 0.5) / (min(n, count) + 0.5))

    def clause_frequency(self, row, words, prefix):
        last = [False] * (len(words) - 1) + [prefix]
        rarest = min(self.frequency(row, *term) for term in zip(words, last))
        if len(words) == 1 or not self.trial.positions:
            return rarest
        return sum(self.weight(f) for f, body in enumerate(row) for i in range(len(body) - len(words) + 1)
                   if all(is_word(body[i + j], words[j], last[j]) for j in range(len(words))))

    def score(self, row, query):
        total = 0
        for sign, words, _, prefix in query:
            tf = self.clause_frequency(row, words, prefix)
            if (sign == "-" and tf > 0) or (sign == "+" and tf == 0):
                return 0
            if sign != "-" and tf > 0:
                idf = sum(self.idf(word, prefix and i == len(words) - 1) for i, word in enumerate(words))
                k1, b = self.trial.k1, self.trial.b
                total += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * self.length(row) / self.mean))
        return -total


def literal(trial, row):
    bodies = ["'%s'" % " ".join(body) for body in row]
    return "ARRAY[%s]::text[]" % ", ".join(bodies) if trial.arrays else bodies[0]


def script(trial):
    values = ["(%d, %s)" % (i, literal(trial, row)) for i, row in enumerate(trial.rows)]
    half = len(values) // 2
    insert = "INSERT INTO words_trial VALUES %s;"
    options = ["text_config = simple", "k1 = %g" % trial.k1, "b = %g" % trial.b]
    options += ["positions = on"] if trial.positions else []
    options += ["weights = '%s'" % ",".join("%g" % weight for weight in trial.weights)] if trial.weights else []
    yield "DROP TABLE IF EXISTS words_trial;"
    yield "CREATE TABLE words_trial (id int, body %s);" % ("text[]" if trial.arrays else "text")
    if half:
        yield insert % ", ".join(values[:half])
    yield "CREATE INDEX words_trial_body ON words_trial USING bm25 (body) WITH (%s);" % ", ".join(options)
    yield insert % ", ".join(values[half:])
    for query in trial.queries:
        score = "body <@> '%s'" % query_text(query)
        yield "SET enable_seqscan = on; SET enable_indexscan = off;"
        yield "SELECT 'all', json_agg(json_build_array(id, %s) ORDER BY id) FROM words_trial;" % score
        yield "SET enable_seqscan = off; SET enable_indexscan = on;"
        yield "SELECT 'index', json_agg(json_build_array(id, score)) FROM (SELECT id, %s AS score FROM words_trial ORDER BY %s) s;" % (score, score)


def differences(trial, query, rows, found):
    definition = Definition(trial)
    for i, score in rows:
        expected = definition.score(trial.rows[i], query)
        if abs(score - expected) > 1e-6 * abs(expected) or (score == 0) != (expected == 0):
            yield "row %s: %.9g, expected %.9g" % (trial.rows[i], score, expected)
    matching = sorted([score, i] for i, score in rows if score != 0)
    if sorted([score, i] for i, score in found) != matching or [score for _, score in found] != [score for score, _ in matching]:
        yield "the index: %s, expected %s" % (found, matching)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    trials = [Trial(random.Random("%d %d" % (options.seed, i))) for i in range(options.count)]
    sql = "SET client_min_messages = warning;\nCREATE EXTENSION IF NOT EXISTS vector;\n" + "\n".join(line for trial in trials for line in script(trial)) + "\nDROP TABLE words_trial;\n"
    run = subprocess.run([options.psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", options.server], input=sql, text=True, capture_output=True)
    if run.returncode != 0:
        sys.exit(run.stderr)
    answers = [json.loads(line.split("|", 1)[1] or "[]") for line in run.stdout.splitlines()]
    wrong = 0
    matched = 0
    for number, trial in enumerate(trials):
        for query in trial.queries:
            rows, found, answers = answers[0], answers[1], answers[2:]
            matched += len(found)
            for difference in differences(trial, query, rows, found):
                wrong += 1
                print("trial %d, %s, weights %s, k1 %g, b %g, positions %s: %s" % (number, query_text(query), trial.weights, trial.k1, trial.b,
                                                                               trial.positions, difference))
    print("words.py: %d queries, %d rows that match, %d differences" % (3 * len(trials), matched, wrong))
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
