#!/usr/bin/env python3
"""Runs generated expressions on two servers, one with this extension and one with pgvector, and compares the answers.

usage: differential.py --ours CONNINFO --theirs CONNINFO [--psql PATH] [--seed N] [--count N]

Valid and broken text, binary messages, casts, operators, functions and aggregates of vector, halfvec, sparsevec and bit.
Text, binary output, SQLSTATE, message, detail and hint must be the same; distances may differ by 1e-6 of their size, as
the order of summation is not part of the contract.  Not generated, because versions of pgvector differ there: arrays of
more than 16,000 elements cast to sparsevec, and combining aggregate states of different lengths.
Prints a line for each kind of expression and every difference found; exits 1 if there is one.
"""
import argparse
import collections
import math
import random
import struct
import subprocess
import sys
import tempfile

NUMBERS = ["0", "-0", "1", "-1", "2", "3", "0.5", "1.25", "-2.5", "100", "1e3", "7e-3", "12345.678", "0.1", "-0.3"]
ODD_NUMBERS = ["1e39", "-4e38", "1e400", "1e-46", "1e-400", "1e-40", "nan", "NaN", "inf", "-Infinity", "0x10", "+3", ".5", "5.",
               "1e", "--1", "a", "1a", "1 2", "", "65519", "65520", "1e-8", "99999999999999999999", "1_0", "0b1", "3.4028236e38",
               "1e5", "6e-8", "2.9e-8", "1e+05", "١"]
SPACES = ["", "", "", " ", "\t", "\n", "\v", "\f", "\r", "  "]
DENSE = ["vector", "halfvec"]


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def choice(self, options):
        return self.random.choice(options)

    def spaced(self, text):
        return self.choice(SPACES) + text + self.choice(SPACES)

    def number(self, odd=0.0):
        if self.random.random() < odd:
            return self.choice(ODD_NUMBERS)
        if self.random.random() < 0.3:
            return "%.*g" % (self.random.randint(1, 12), self.random.uniform(-1000, 1000))
        return self.choice(NUMBERS)

    def dense_text(self, odd=0.0, dim=None):
        n = dim or self.choice([1, 2, 3, 3, 4, 8, 17, 40])
        text = "[" + ",".join(self.spaced(self.number(odd / n)) for _ in range(n)) + "]"
        return self.mangle(text) if odd and self.random.random() < 0.4 else text

    def sparse_text(self, odd=0.0, dim=None):
        dim = dim or self.choice([1, 3, 5, 10, 1000, 1000000000])
        places = self.random.sample(range(1, min(dim, 12) + 1), self.random.randint(0, min(dim, 5)))
        pairs = []
        for place in places:
            index = str(place)
            if odd and self.random.random() < 0.1:
                index = self.choice(["0", "-1", str(dim + 1), "1", "99999999999", "1.5", "x", "", " 1"])
            pairs.append(self.spaced(index) + ":" + self.spaced(self.number(odd / 3)))
        size = self.choice(["0", "-1", "1000000001", "99999999999", "", "x"]) if odd and self.random.random() < 0.1 else str(dim)
        text = "{" + ",".join(pairs) + "}" + self.choice(["", "", " "]) + "/" + self.choice(["", " "]) + size
        return self.mangle(text) if odd and self.random.random() < 0.4 else text

    def mangle(self, text):
        place = self.random.randrange(len(text) + 1)
        kind = self.random.randrange(4)
        if kind == 0:
            return text[:place]
        if kind == 1:
            return text[:place] + text[place + 1:]
        if kind == 2:
            return text[:place] + self.choice(list("[]{}:,/ -+.ex0\t")) + text[place:]
        return text + self.choice([" ", "x", "]", ",", "\n", "/3"])

    def value(self, kind, dim=None, odd=0.0):
        text = self.sparse_text(odd, dim) if kind == "sparsevec" else self.dense_text(odd, dim)
        return quote(text) + "::" + kind

    def pair(self, kind):
        dim = self.choice([1, 2, 3, 5, 16, 33])
        other = dim if self.random.random() < 0.9 else dim + 1
        return self.exact(kind, dim), self.exact(kind, other)

    def exact(self, kind, dim):
        """A vector whose products and sums are exact in float32, so that no cancellation magnifies rounding."""
        numbers = [self.choice(["0", "1", "-1", "2", "3", "0.5", "1.25", "-2.5", "100", "17"]) for _ in range(dim)]
        if kind == "sparsevec":
            text = "{" + ",".join(f"{i + 1}:{n}" for i, n in enumerate(numbers)) + "}/" + str(dim)
        else:
            text = "[" + ",".join(numbers) + "]"
        return quote(text) + "::" + kind

    def array(self):
        kind = self.choice(["integer", "real", "double precision", "numeric"])
        n = self.choice([0, 1, 2, 3, 10])
        if kind == "integer":
            items = [str(self.random.randint(-300, 70000)) for _ in range(n)]
        else:
            items = [self.choice(NUMBERS + ["NaN", "1e30", "1e-30", "70000", "1e5"] + (["Infinity"] if kind != "numeric" else []))
                     for _ in range(n)]
        if self.random.random() < 0.1:
            items.append("NULL")
        text = "{" + ",".join(items) + "}"
        if self.random.random() < 0.05:
            text = "{" + text + "}"
        return quote(text) + "::" + kind + "[]"

    # one method a kind of expression

    def expr_input(self):
        kind = self.choice(DENSE + ["sparsevec"])
        cast = kind + self.choice(["", "", "", "(3)", "(0)", "(16000)", "(16001)", "(1000000001)", "(1,2)", "(-1)"])
        text = self.sparse_text(0.6) if kind == "sparsevec" else self.dense_text(0.6)
        return quote(text) + "::" + cast

    def expr_send(self):
        kind = self.choice(DENSE + ["sparsevec"])
        return f"{kind}_send({self.value(kind, odd=0.1)})"

    def expr_cast(self):
        source = self.choice(DENSE + ["sparsevec"])
        target = self.choice(DENSE + ["sparsevec", "real[]", "vector(3)", "halfvec(2)", "sparsevec(3)"])
        return f"({self.value(source, self.choice([None, 2, 3]), 0.2)})::{target}"

    def expr_array(self):
        return f"({self.array()})::{self.choice(DENSE + ['sparsevec', 'vector(2)', 'sparsevec(3)'])}"

    def expr_distance(self):
        kind = self.choice(DENSE + ["sparsevec"])
        a, b = self.pair(kind)
        if self.random.random() < 0.5:
            return f"{a} {self.choice(['<->', '<#>', '<=>', '<+>'])} {b}"
        functions = ["l2_distance", "inner_product", "cosine_distance", "l1_distance", f"{kind}_l2_squared_distance",
                     f"{kind}_negative_inner_product"]
        if kind != "sparsevec":
            functions.append(f"{kind}_spherical_distance")
        return f"{self.choice(functions)}({a}, {b})"

    def expr_bit(self):
        n = self.choice([1, 3, 8, 9, 64, 65, 700])
        a = "".join(self.choice("01") for _ in range(n))
        b = "".join(self.choice("01") for _ in range(n if self.random.random() < 0.9 else n + 1))
        return f"B'{a}' {self.choice(['<~>', '<%>'])} B'{b}'"

    def expr_arithmetic(self):
        kind = self.choice(DENSE)
        a, b = self.pair(kind)
        if self.random.random() < 0.3:
            a = quote("[" + self.choice(["3e38", "1e-38", "60000", "1e-7", "-3e38"]) + "]") + "::" + kind
            b = quote("[" + self.choice(["3e38", "1e-38", "60000", "1e-7", "-3e38"]) + "]") + "::" + kind
        return f"{a} {self.choice(['+', '-', '*', '||'])} {b}"

    def expr_compare(self):
        kind = self.choice(DENSE + ["sparsevec"])
        small = lambda: self.choice([[1], [0], [1, 0], [1, 2], [0, 0, 1], [1, 0, -1], [-1]])
        def text():
            elements = small()
            if kind != "sparsevec":
                return quote(str(elements)) + "::" + kind
            pairs = ",".join(f"{i + 1}:{e}" for i, e in enumerate(elements))
            return quote("{" + pairs + "}/" + str(len(elements) + self.choice([0, 0, 1]))) + "::" + kind
        a, b = text(), text()
        if self.random.random() < 0.3:
            return f"{kind}_cmp({a}, {b})"
        return f"{a} {self.choice(['<', '<=', '=', '<>', '>=', '>'])} {b}"

    def expr_function(self):
        kind = self.choice(DENSE + ["sparsevec"])
        v = self.value(kind)
        if kind == "sparsevec":
            return self.choice([f"l2_norm({v})", f"l2_normalize({v})"])
        place = self.choice(["-2147483648", "-5", "0", "1", "2", "3", "50", "2147483647"])
        count = self.choice(["-1", "0", "1", "2", "10", "2147483647"])
        norm = "vector_norm" if kind == "vector" else "l2_norm"
        return self.choice([f"vector_dims({v})", f"{norm}({v})", f"l2_normalize({v})", f"binary_quantize({v})",
                            f"subvector({v}, {place}, {count})"])

    def expr_aggregate(self):
        kind = self.choice(DENSE)
        dim = self.choice([1, 2, 3])
        values = [self.value(kind, dim if self.random.random() < 0.95 else dim + 1) for _ in range(self.choice([1, 2, 3, 9]))]
        if self.random.random() < 0.2:
            values.append("NULL")
        if self.random.random() < 0.2:
            values.append(quote("[" + ",".join(["3e38" if kind == "vector" else "60000"] * dim) + "]") + "::" + kind)
            values.append(values[-1])
        return f"(SELECT {self.choice(['avg', 'sum'])}(v) FROM unnest(ARRAY[{','.join(values)}]::{kind}[]) v)"

    def expr_state(self):
        kind = self.choice(DENSE)
        state = self.choice(["{0}", "{1,2}", "{2,3,4}", "{0,0,0}", "{}", "{1,NULL}", "{{1}}", "{1}", "{3,1e308}", "{2,1e39}"])
        if self.random.random() < 0.4:
            return f"{kind}_avg('{state}')"
        return f"{kind}_accum('{state}', {self.value(kind, self.choice([1, 2]))})"

    def message(self, kind):
        """A binary message, most of them broken somewhere."""
        r = self.random
        if kind == "sparsevec":
            nnz = r.choice([0, 1, 2, 3])
            dim = r.choice([0, 3, 5, 1000000000, 1000000001, -1])
            indices = sorted(r.sample(range(5), nnz))
            if r.random() < 0.3:
                r.shuffle(indices)
            if r.random() < 0.2 and nnz:
                indices[0] = r.choice([-1, 5, 2000000000, indices[-1]])
            values = [r.choice([1.0, -2.5, 0.0, math.nan, math.inf]) if r.random() < 0.3 else 1.5 for _ in indices]
            head = struct.pack(">iii", dim, nnz if r.random() < 0.9 else r.choice([-1, 16001, 4]), r.choice([0, 0, 0, 0, 7]))
            body = b"".join(struct.pack(">i", i) for i in indices) + b"".join(struct.pack(">f", v) for v in values)
        else:
            dim = r.choice([1, 2, 3, 5])
            form = ">f" if kind == "vector" else ">e"
            values = [r.choice([0.0, math.nan, math.inf, -math.inf]) if r.random() < 0.1 else r.choice([1.0, -2.5, 3.0]) for _ in range(dim)]
            head = struct.pack(">hh", dim if r.random() < 0.8 else r.choice([0, -1, 16001, dim + 1]), r.choice([0, 0, 0, 0, 5]))
            body = b"".join(struct.pack(form, v) for v in values)
        message = head + body
        if r.random() < 0.15:
            message = message[:r.randrange(len(message) + 1)]
        if r.random() < 0.1:
            message += b"\0" * r.randint(1, 4)
        return message


SETUP = r"""
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TEMP TABLE expressions (id int, expression text);
CREATE FUNCTION pg_temp.attempt(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws('|', SQLSTATE, message, detail, hint);
END $$;
"""


def run(psql, conninfo, script):
    done = subprocess.run([psql, "-XqAt", "-d", conninfo], input=script, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout.split("\n\x02\n")


def same(ours, theirs, distance):
    if ours == theirs:
        return True
    if not distance:
        return False
    try:
        a, b = float(ours), float(theirs)
    except ValueError:
        return False
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-30)


def copy_text(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--theirs", required=True)
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=5000)
    a = parser.parse_args()
    g = Generator(a.seed)
    kinds = [name for name in dir(g) if name.startswith("expr_")]
    cases = []
    for i in range(a.count):
        kind = kinds[i % len(kinds)]
        cases.append((kind[5:], getattr(g, kind)()))

    script = SETUP + "COPY expressions FROM stdin;\n"
    script += "".join(f"{i}\t{copy_text(text)}\n" for i, (_, text) in enumerate(cases)) + "\\.\n"
    script += "SELECT coalesce(pg_temp.attempt(expression), 'NULL') || E'\\n\\x02' FROM expressions ORDER BY id;\n"

    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.count // 10):
            kind = g.choice(DENSE + ["sparsevec"])
            message = g.message(kind)
            path = f"{folder}/{i}"
            with open(path, "wb") as f:
                f.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">iihi", 0, 0, 1, len(message)) + message + struct.pack(">h", -1))
            cases.append(("recv", f"{kind} {message.hex()}"))
            script += (f"CREATE TEMP TABLE r{i} (v {kind});\n\\set VERBOSITY verbose\n"
                       f"\\copy r{i} from '{path}' with (format binary)\n\\set VERBOSITY default\n"
                       f"SELECT coalesce(min(v::text), '-') || E'\\n\\x02' FROM r{i};\nDROP TABLE r{i};\n")
        answers = [run(a.psql, conninfo, script) for conninfo in (a.ours, a.theirs)]

    for side in answers:
        if len(side) != len(cases) + 1:
            print(f"not ok - {len(side) - 1} answers to {len(cases)} expressions: {side[-1][-500:]}")
            return 1
    total, wrong = collections.Counter(), collections.Counter()
    for (kind, text), ours, theirs in zip(cases, *answers):
        total[kind] += 1
        ours, theirs = ("\n".join(line for line in x.splitlines() if not line.startswith(("LOCATION", "psql:")) or "ERROR" in line)
                        for x in (ours, theirs))
        if not same(ours, theirs, kind in ("distance", "bit", "function")):
            wrong[kind] += 1
            if wrong[kind] <= 10:
                print(f"# {kind}: {text}\n#   ours:   {ours}\n#   theirs: {theirs}")
    for kind in total:
        print(f"{'not ok' if wrong[kind] else 'ok'} - {kind}: {total[kind]} compared, {wrong[kind]} different")
    return 1 if wrong else 0


sys.exit(main())
