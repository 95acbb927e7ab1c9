#!/bin/bash
# tests/budget_kills_test.sh - 256 parallel runs on one budget, their owner killed with SIGKILL again and again. The model's
# own server keeps the truth: what it was paid for every request that reached it, answered or not. Then: what was really paid
# is no more than what is spent and estimated; that is within the limit; nothing stays reserved; and whoever was refused was
# refused rightly.
. "$(dirname "$0")/cli_lib.sh"
RUNS=${RUNS:-256} KILLS=${KILLS:-6}

cat >server.py <<'E'
"""A model that is slow, counts what it takes, and at times answers nothing, or an error behind the work."""
import http.server, json, random, socketserver, sys, threading, time
lock, paid = threading.Lock(), {"requests": 0, "tokens": 0}
dice = random.Random(7)
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(200, json.dumps(paid))
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        most = json.loads(body)["max_completion_tokens"]
        with lock:
            took_in, took_out, wait, odd = dice.randint(1, len(body)), dice.randint(1, most), dice.uniform(0.02, 0.15), dice.random()
            if odd < 0.05: return self.answer(429, '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}')
            paid["requests"] += 1
            paid["tokens"] += took_in + took_out
        time.sleep(wait)
        if odd < 0.10: return self.answer(500, '{"error":{"message":"broken"}}')
        said = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "done"}}]}
        if odd > 0.15: said["usage"] = {"prompt_tokens": took_in, "completion_tokens": took_out}
        self.answer(200, json.dumps(said))
    def answer(self, status, text):
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError: self.close_connection = True
    def log_message(self, *a): pass
class S(http.server.ThreadingHTTPServer):
    request_queue_size, daemon_threads = 512, True
    def handle_error(self, *a): pass
s = S(("127.0.0.1", 0), H)
print(s.server_address[1], flush=True)
s.serve_forever()
E
python3 server.py >port 2>server.err & MOCK=$!
for _ in $(seq 200); do [ -s port ] && break; sleep 0.02; done
LIMIT=30000
cat >pawl.yaml <<E
version: 1
models: {m: {provider: openai, base_url: "http://127.0.0.1:$(cat port)/v1", model: x, price: {input: 1, output: 1}, max_tokens: 100,
             breaker: none, retry: {attempts: 4, first: 5ms, max: 20ms, budget: none}, timeout: 10s}}
agents: {a: {model: m, budget: {all: {tokens: $LIMIT, cost: "1 USD"}}}}
serve: {listen: "127.0.0.1:0"}
E

cat >drive.py <<'E'
"""Starts the runs through the owner's door, kills the owner again and again, then waits until every run has ended."""
import json, os, random, signal, socket, subprocess, sys, time
pawl, runs, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dice, config = random.Random(3), None
def serve():
    p = subprocess.Popen([pawl, "serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    p.stdout.readline()
    return p
def ask(lines):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect("pawl.db.sock")
    f = s.makefile("rw")
    for line in lines:
        f.write(json.dumps(line) + "\n")
        f.flush()
        answer = json.loads(f.readline())
        yield answer
    s.close()
def open_runs():
    return next(ask([{"do": "sql", "text": "SELECT count(*) FROM runs WHERE status IN ('running','ending') OR status = 'waiting'"}]))["rows"][0][0]
owner, started, end = serve(), 0, time.time() + 120
wanted = [{"do": "start", "agent": "a", "input": "run %d" % i, "id": "start-%d" % i} for i in range(runs)]
killed = 0
while time.time() < end:
    try:
        if started < runs:
            batch = wanted[started:started + runs // 4]
            for answer in ask(batch):
                if "error" in answer: raise OSError(answer["error"]["what"])
                started += 1
        if killed < kills:
            time.sleep(dice.uniform(0.05, 0.4))
            owner.send_signal(signal.SIGKILL)
            owner.wait()
            killed += 1
            owner = serve()
        elif started == runs and open_runs() == 0: break
        else: time.sleep(0.1)
    except (OSError, ValueError):
        if owner.poll() is not None: owner = serve()
owner.terminate()
owner.wait()
print(started, killed)
E
check "all were started, and the owner killed" "$RUNS $KILLS" "$(python3 drive.py "$PAWL" "$RUNS" "$KILLS")"

sum() { # QUANTITY: of the shared row
    "$PAWL" sql "SELECT coalesce(sum(value), 0) FROM shared WHERE name = 'budget tokens $1 agent a'" | tail -1 | tr -d '\r'
}
ask() { "$PAWL" sql "$1" | tail -1 | tr -d '\r'; }
spent=$(sum spent) estimated=$(sum estimated) reserved=$(sum reserved)
paid=$(python3 -c 'import json,sys,urllib.request as u; print(json.load(u.build_opener(u.ProxyHandler({})).open("http://127.0.0.1:"+open("port").read().strip()+"/"))["tokens"])')
echo "limit $LIMIT, spent $spent, estimated $estimated, reserved $reserved; the model's server was paid $paid"
check "every run has ended" 0 "$(ask "SELECT count(*) FROM runs WHERE status NOT IN ('done','failed')")"
check "what was paid is covered" 1 $((paid <= spent + estimated))
check "what is spent and estimated is within the limit" 1 $((spent + estimated <= LIMIT))
check "nothing is reserved" 0 "$reserved"
check "of no run either" 0 "$(ask "SELECT count(*) FROM journal a WHERE json_extract(body, '\$.reserve') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journal b WHERE b.run = a.run AND b.step = a.step AND b.seq > a.seq AND b.kind = 'budget.settled')")"
check "the rows are the sum of the journals" "$spent $estimated" \
    "$(ask "SELECT sum(CASE WHEN json_extract(body, '\$.estimated') THEN 0 ELSE coalesce(json_extract(body, '\$.tokens'), 0) END) || ' ' || sum(CASE WHEN json_extract(body, '\$.estimated') THEN json_extract(body, '\$.tokens') ELSE 0 END) FROM journal WHERE kind = 'budget.settled'")"
check "whoever was refused did not fit" 0 \
    "$(ask "SELECT count(*) FROM journal WHERE kind = 'note' AND json_extract(body, '\$.budget.gone') + json_extract(body, '\$.budget.need') <= json_extract(body, '\$.budget.most')")"
check "and there are such, and such that were done" "1 1" \
    "$(ask "SELECT (SELECT count(*) > 0 FROM journal WHERE kind = 'note') || ' ' || (SELECT count(*) > 0 FROM runs WHERE status = 'done')")"
check "refused only for the budget" 0 "$(ask "SELECT count(*) FROM journal WHERE kind = 'run.ended' AND json_extract(body, '\$.status') <> 'done' AND json_extract(body, '\$.class') NOT IN ('budget_exceeded', 'unavailable', 'rate_limited')")"
exits "the chains hold" 0 "$PAWL" verify
done_testing
