"""Servers of a temporary cluster on this machine, for programs that spread a table over several of them: citus.py, pgdog.py."""
import array
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

K = 10


def read_vectors(path, count):
    """The first vectors of a file of fvecs, as the server's text"""
    vectors = []
    with open(path, "rb") as f:
        while len(vectors) < count and (head := f.read(4)):
            v = array.array("f", f.read(4 * int.from_bytes(head, "little")))
            vectors.append("[" + ",".join(f"{x:g}" for x in v) + "]")
    return vectors


class Client:
    """Commands to a server, or to what stands before servers"""
    def __init__(self, cluster, host, port, database="postgres"):
        self.cluster, self.host, self.port, self.database = cluster, host, port, database

    def sql(self, *statements, stdin=None):
        """The lines that statements return, each of them sent by itself"""
        words = [w for s in statements for w in ("-c", s)]
        command = [self.cluster.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.host, "-p", str(self.port), "-U", "postgres", "-d", self.database]
        return subprocess.run([*command, *words], input=stdin, text=True, check=True, stdout=subprocess.PIPE).stdout.split("\n")[:-1]

    def copy(self, table, rows):
        """Loads vectors, with their places as ids"""
        self.sql(stdin=f"COPY {table} (id, embedding) FROM STDIN;\n" + "".join(f"{i}\t{v}\n" for i, v in enumerate(rows)) + "\\.\n")

    def rate(self, search, table, queries, a):
        """Queries a second, the mean milliseconds of one, and the processor's: where it is asked, and on all other servers"""
        scripts = []
        for i, q in enumerate(queries):
            file = self.cluster.work / f"{table}{i}.sql"
            file.write_text(search.format(q=q, t=table, k=K) + ";\n")
            scripts += ["-f", file]
        before = [server.processor_ms() for server in self.cluster.servers]
        out = subprocess.run([self.cluster.bin / "pgbench", "-h", self.host, "-p", str(self.port), "-U", "postgres", "-n", "-c", str(a.clients), "-T",
                              str(a.seconds), *scripts, self.database], text=True, check=True, stdout=subprocess.PIPE).stdout
        count = int(re.search(r"actually processed: (\d+)", out)[1])
        took = {server: (server.processor_ms() - then) / count for server, then in zip(self.cluster.servers, before)}
        return (float(re.search(r"tps = ([\d.]+)", out)[1]), float(re.search(r"latency average = ([\d.]+)", out)[1]),
                took.get(self, 0), sum(ms for server, ms in took.items() if server is not self))


class Server(Client):
    def __init__(self, cluster, name, port):
        super().__init__(cluster, cluster.work, port)
        self.data = cluster.work / name
        cluster.run([cluster.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        settings = {"port": port, "unix_socket_directories": "'{work}'", "fsync": "off", "autovacuum": "off", "jit": "off", "vector.seed": "1",
                    "max_parallel_workers_per_gather": "0", "shared_buffers": "256MB", "maintenance_work_mem": "256MB", **cluster.settings}
        with open(self.data / "postgresql.conf", "a") as f:
            f.writelines(f"{k} = {v}\n".format(work=cluster.work) for k, v in settings.items())
        cluster.run([cluster.bin / "pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "start"])
        cluster.servers.append(self)
        for extension in cluster.extensions:
            self.sql(f"CREATE EXTENSION {extension}")

    def processor_ms(self):
        """What sessions that have ended took of the processor"""
        time.sleep(0.2)         # the last ones have been told to
        postmaster = (self.data / "postmaster.pid").read_text().split()[0]
        fields = pathlib.Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) * 1000 / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.cluster.run([self.cluster.bin / "pg_ctl", "-D", self.data, "-m", "immediate", "stop"])


class Cluster:
    def __init__(self, a, settings, extensions):
        self.bin = pathlib.Path(subprocess.run([a.pg_config, "--bindir"], text=True, check=True, stdout=subprocess.PIPE).stdout.strip())
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="cluster", dir=a.work))
        self.user = a.user if os.geteuid() == 0 else None
        self.settings, self.extensions, self.servers = settings, extensions, []
        if self.user:
            shutil.chown(self.work, self.user)

    def run(self, command):
        subprocess.run((["runuser", "-u", self.user, "--"] if self.user else []) + command, check=True, stdout=subprocess.DEVNULL)

    def end(self):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.work)


def recall(found, exact):
    return statistics.mean(sum(d <= near[-1] * (1 + 1e-6) for d in got) / len(near) for got, near in zip(found, exact))


def arguments(ap):
    """Adds the arguments that these programs share"""
    ap.add_argument("--pg-config", default="pg_config", metavar="PATH")
    ap.add_argument("--data", required=True, metavar="DIR")
    ap.add_argument("--rows", type=int, default=40000)
    ap.add_argument("--clients", type=int, default=4)
    ap.add_argument("--seconds", type=int, default=5)
    ap.add_argument("--user", default="postgres")
    ap.add_argument("--work", metavar="DIR", help="where the temporary clusters lie")


def show(lines, a):
    """Prints lines of name, what rate() gives, and recall by effort"""
    most = max(rate[0] for _, rate, _ in lines)
    print(f"{a.rows} rows, {a.clients} clients: queries a second, milliseconds; processor's milliseconds a query where it is asked, on other servers; recall")
    for name, (qps, ms, here, others), found in lines:
        print(f"  {name:24} {qps:10.1f} {ms:10.2f} {here:8.3f} {others:8.3f}   " + ", ".join(f"{effort}: {share:.4f}" for effort, share in found.items())
              + f"  {'#' * round(40 * qps / most)}")
