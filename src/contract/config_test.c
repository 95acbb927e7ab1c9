/* src/contract/config_test.c - what a configuration is read as, and every fault in it, told at once and in order. */
#include "contract/config.h"
#include "base/test.h"

static struct test_alloc memory;
static struct pawl_config_report report;

static struct pawl_str get(void *ctx, const char *name)
{
    static const char *const set[][2] = {{"SHOP", "http://shop:8080"},
                                         {"EMPTY", ""},
                                         {"KEY", "s3cret"},
                                         {"LINES", "a\nb"},
                                         {"BAD", "\xff"},
                                         {"BRACE", "{args.x}"},
                                         {"USER", "http://u:p@h"},
                                         {"WORD", "a{b}c"},
                                         {"DB", "/var/lib/pawl.db"}};
    (void)ctx;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (strcmp(name, set[i][0]) == 0) return pawl_str_of(set[i][1]);
    return (struct pawl_str){NULL, 0};
}
static const struct pawl_env_lookup env = {.get = get};

static struct pawl_config *load(const char *text, const char *path, const struct pawl_alloc *from)
{
    struct pawl_config *c = NULL;
    const int code = pawl_config_load(pawl_str_of(text), path, &env, from, &c, &report);
    CHECK((c != NULL) == (code == PAWL_OK));
    CHECK(code != PAWL_OK || report.count == 0);
    return c;
}

/* The faults, a line each: "LINE: what". */
static const char *told(struct pawl_buf *b)
{
    b->n = 0;
    for (uint32_t i = 0; i < report.count && i < PAWL_CONFIG_ERRORS; i++) {
        const struct pawl_error *e = &report.errors[i];
        CHECK_INT(e->code, PAWL_ECONFIG);
        CHECK(strncmp(e->where, "pawl.yaml:", 10) == 0);
        pawl_buf_printf(b, "%s%s: %s", i ? "\n" : "", e->where + 10, e->what);
    }
    return pawl_buf_done(b).p;
}

#define MODEL "models: {m: {provider: openai, model: x}}\n"
#define AGENT "agents:\n  a: {model: m, tools: [t]}\n"
#define TOOL "version: 1\n" MODEL "tools:\n  t:\n    http: {method: POST, url: http://h/x}\n" /* lines 1 to 5 */
#define IN "    input: {type: object, properties: {id: {type: string}, n: {type: number}}}\n"

static const struct row {
    const char *text, *want;
} rows[] = {
    /* the file as a whole */
    {"", "1: nothing in the file"},
    {"[1]", "1: configuration: expected a mapping with version, models, tools, agents, found a list"},
    {"a b c", "1: configuration: expected a mapping with version, models, tools, agents, found 'a b c'"},
    {MODEL, "1: key 'version' is missing"},
    {"version: 2", "1: version: expected 1, the version that this pawl reads, found the number 2"},
    {"version: '1'", "1: version: expected 1, the version that this pawl reads, found '1'"},
    {"version: 1.0", "1: version: expected 1, the version that this pawl reads, found the number 1.0"},
    {"version: 1\nlanes: {}\nalerts: 1\nfoo: 2\ntool: {}\nversion: 1",
     "3: key 'alerts' is not in this version\n4: unknown key 'foo'\n"
     "5: unknown key 'tool'; did you mean 'tools'?\n6: key 'version' stands twice: first on line 1"},
    {"version: 1\nmodels:\ntools: [a]\nagents: no",
     "2: models: expected a mapping of keys to values, found nothing\n3: tools: expected a mapping of keys to values, found a list\n"
     "4: agents: expected a mapping of keys to values, found 'no'"},
    {"version: 1\ndurability: sometimes", "2: durability: expected effects or every-step, found 'sometimes'"},
    {"version: 1\nserve:\n  listen: 0.0.0.0:80\n  drain: 0s\n  secret: abc\n  url: agents.example.com\n  tokens: {}\n  lissen: x",
     "3: listen: '0.0.0.0:80' is no loopback address: it listens on 127.0.0.1 or [::1] only, put a proxy before it\n"
     "4: drain: expected a longer duration, found '0s'\n5: secret: a secret that stands here would be stored with every run\n"
     "6: url: 'agents.example.com' does not begin with http:// or https://\n"
     "7: key 'tokens' is not in this version\n8: unknown key 'lissen'; did you mean 'listen'?"},
    {"version: 1\nserve: {listen: localhost}", "2: listen: 'localhost' is not HOST:PORT, as 127.0.0.1:7295"},
    {"version: 1\nserve: {listen: \"127.1:99999\"}", "2: listen: '127.1:99999' is not HOST:PORT, as 127.0.0.1:7295"},
    {"version: 1\nserve: {listen: \"127.1:80\"}",
     "2: listen: '127.1:80' is no loopback address: it listens on 127.0.0.1 or [::1] only, put a proxy before it"},
    {TOOL IN "    async: {deadline: 0s, poll: {first: 2s, max: 1s, hosts: [a/b]}, result: x, dedline: 1s}",
     "7: deadline: expected a longer duration, found '0s'\n7: poll: max is shorter than first\n"
     "7: hosts: expected a host, as ops.example.com or ops.example.com:8443, found 'a/b'\n"
     "7: result: expected a JSON pointer into what the monitor says, as in /result, found 'x'\n"
     "7: unknown key 'dedline'; did you mean 'deadline'?"},
    {TOOL IN "    async: {cancel: maybe}\n" AGENT,
     "7: cancel: expected true, or a mapping such as {method: POST, suffix: \":cancel\"}, found 'maybe'"},
    {TOOL IN "    async: {cancel: {method: GET, suffix: 'a b', sufix: x}}\n" AGENT,
     "7: method: expected DELETE, POST or PUT, found 'GET'\n"
     "7: suffix: expected what stands behind the monitor's URL, as /cancel or :cancel, found 'a b'\n"
     "7: unknown key 'sufix'; did you mean 'suffix'?"},
    {TOOL IN "    async: {poll: none}", "7: async: nothing would ever tell how a call ended"},
    {TOOL IN "    async: {poll: often}",
     "7: poll: expected none, or a mapping such as {first: 1s, max: 30s}, found 'often'"},
    {TOOL IN "    async: {callback: {}}",
     "7: callback: it says neither a header nor a field that tells the tool whom to call back\n"
     "7: callback: serve has no secret to make the tokens of callbacks with"},
    {TOOL IN "    async: {callback: {header: a b, field: id, secret: x}}\nserve: {secret: \"${env:KEY}\"}",
     "7: callback: header and field are two places, say one\n"
     "7: header: expected the name of a header, as X-Callback-Url, found 'a b'\n"
     "7: callback: 'id' is an argument of the tool\n"
     "7: secret: a secret that stands here would be stored with every run"},
    {"version: 1\ntools:\n  t: {command: [x], async: {}}", "3: async: only http tools answer 202"},
    {"version: 1\nstore: postgres://u:pw@h/db", "2: store: PostgreSQL is not in this version"},
    {"version: 1\nstore: pawl.db", "2: store: expected sqlite:PATH, found 'pawl.db'"},
    {"version: 1\nstore: \"sqlite:\"", "2: store: expected sqlite:PATH, found 'sqlite:'"},
    {"version: 1\nstore: \"sqlite::memory:\"", "2: store: expected sqlite:PATH, found 'sqlite::memory:'"},
    {"version: 1\nstore: {}", "2: store: expected a text, found a mapping"},
    {"version: 1\nstore: 5", "2: store: expected a text (in quotes), found the number 5"},
    {"version: 1\ndefaults: {retry: {attempts: 0, first: 5, factor: 0.5, max: soon, jitter: half, atempts: 3}, timeout: 0s, breaker: {}}",
     "2: attempts: expected a whole number from 1 to 100, found the number 0\n"
     "2: first: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found the number 5\n"
     "2: factor: expected a number from 1 to 100, found the number 0.5\n"
     "2: max: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found 'soon'\n"
     "2: jitter: expected none, full or decorrelated, found 'half'\n"
     "2: unknown key 'atempts'; did you mean 'attempts'?\n"
     "2: timeout: expected a duration of more than 0s, found '0s'"},
    {"version: 1\ndefaults:\n  breaker: {window: 0s, threshold: 0%, min_calls: 0, probes: x, colldown: 1s, fallback: {error: x}, slow: {}}",
     "3: window: expected a longer duration, found '0s'\n"
     "3: threshold: expected a share such as 50%, found '0%'\n"
     "3: min_calls: expected a whole number from 1 to 100000, found the number 0\n"
     "3: probes: expected a whole number from 1 to 1000, found 'x'\n"
     "3: unknown key 'colldown'; did you mean 'cooldown'?\n3: unknown key 'fallback'\n3: key 'after' is missing"},
    {"version: 1\ndefaults: {breaker: {window: 60s, calls: 100}}",
     "2: breaker: it looks at a window of time, or at the last calls"},
    {"version: 1\ndefaults: {retry: {first: 10s, max: 1s}}", "2: retry: max is shorter than first"},
    {"version: 1\ndefaults: {retry: {budget: lots, on: {denied: {}, timeout: 3, rate_limited: {attempts: 0, budget: 5%}}}}",
     "2: budget: expected none, or a mapping such as {share: 20%, reserve: 100}, found 'lots'\n"
     "2: on: expected timeout, rate_limited, overloaded, unavailable or malformed, found 'denied'\n"
     "2: on: expected a mapping such as {attempts: 8, first: 5s}, found the number 3\n"
     "2: attempts: expected a whole number from 1 to 100, found the number 0\n2: unknown key 'budget'"},
    {"version: 1\ntools:\n  a: {effect: mutate, http: {method: POST, url: \"http://h/\"}, hedge: 1s}\n"
     "  b: {effect: read, command: [x], hedge: 1s}\n  c: {effect: read, http: {method: GET, url: \"http://h/\"}, timeout: 1s, hedge: 1s}",
     "3: hedge: only a read is asked twice at once\n4: hedge: only http is asked twice at once\n"
     "5: hedge: expected shorter than the timeout, found '1s'"},
    {"version: 1\n" MODEL "tools:\n  a: {agent: helpr, timeout: 3s}\n  b: {agent: helper, command: [ls]}\n"
     "  c: {agent: {name: helper, inptu: 3}, effect: mutate, dedupe: {scope: global}}\n  d: {agent: 3}\nagents: {helper: {model: m}}",
     "4: there is no agent 'helpr'; did you mean 'helper'?\n"
     "4: timeout: a run of another agent has its own limits, and what became of it is always known\n5: a tool starts an agent or does something else, not both\n"
     "6: unknown key 'inptu'; did you mean 'input'?\n6: dedupe: a run that starts another holds no claim wider than itself\n"
     "7: agent: expected the name of an agent, or a mapping with name and input, found the number 3"},
    {"version: 1\ntools:\n  a: {signal: {name: \"so paid\"}, effect: mutate, timeout: 1s}\n  b: {signal: {nam: x}, command: [x]}\n"
     "  c: {signal: {name: paid, timeout: 0s, otherwise: {$arg: /args/x}}}\n  d: {signal: 3}",
     "3: key 'timeout' is missing\n3: name: expected 1 to 64 of letters, digits, dots, colons, _ and -, found 'so paid'\n"
     "3: effect: who waits for a signal changes nothing\n"
     "3: timeout: nothing is sent for a signal: signal: {timeout} says how long it is awaited\n"
     "4: a tool calls something or waits for a signal, not both\n"
     "5: timeout: expected a duration of more than 0s, found '0s'\n5: otherwise: $arg is not read here\n"
     "6: signal: expected a mapping of keys to values, found the number 3"},
    /* models */
    {"version: 1\nmodels:\n  m: {}\n  n: 5\n  'a b': {provider: openai, model: x}",
     "3: key 'provider' is missing\n4: n: expected a mapping with provider and model, found the number 5\n"
     "5: models: expected a name of up to 64 letters, digits, _, . and -, found 'a b'"},
    {"version: 1\nmodels:\n  m: {provider: anthropic, api_key: x}\n  n: {provider: opnai}",
     "3: provider: anthropic is not in this version\n4: provider: expected openai or script, found 'opnai'"},
    {"version: 1\nmodels:\n  m:\n    provider: openai\n    base_url: h/v1\n    api_key: sk-1234\n    price: {}\n    modell: x",
     "3: key 'model' is missing\n5: base_url: 'h/v1' does not begin with http:// or https://\n"
     "6: api_key: a key that stands here would be stored with every run\n7: key 'input' is missing\n"
     "8: unknown key 'modell'; did you mean 'model'?"},
    {"version: 1\nmodels:\n  m:\n    provider: openai\n    model: x\n    api_key: ${env:NOPE}\n    headers:\n      X-A: ${env:NOPE2}\n"
     "      X-B: ${env:LINES}\n      X-C: \"{args.id}\"\n      X-D: 5\n      X E: a\n      x-a: b\n      Content-Length: '3'\n"
     "      Authorization: Bearer abc\n      X-F: ${env:NOPE:-}${env:}",
     "6: api_key: environment variable NOPE is not set\n8: header X-A: environment variable NOPE2 is not set\n"
     "9: header X-B: the value of environment variable LINES holds a control character (a line end, perhaps)\n"
     "10: header X-C: a model's call has no such value\n11: header X-D: expected a text\n"
     "12: headers: 'X E' is no name of a header\n"
     "14: headers: 'Content-Length' belongs to the connection and cannot be given\n"
     "15: headers: 'Authorization' holds a secret that would be stored: write ${env:NAME} in it\n"
     "16: header X-F: '${env:}' names no variable"},
    {"version: 1\nmodels:\n  m:\n    provider: openai\n    model: x\n    headers: {X-A: a, x-a: b}",
     "6: headers: 'x-a' stands twice (names of headers are the same in any case)"},
    {"version: 1\nmodels:\n  m: {provider: openai, model: x, timeout: {first_token: 20s, total: 10s, all: 1s}}\n"
     "  n: {provider: openai, model: '', timeout: 90}",
     "3: timeout: first_token is longer than total\n3: unknown key 'all'\n4: model: expected the name of a model, found ''\n"
     "4: timeout: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found the number 90"},
    {"version: 1\nmodels: {m: {provider: openai, model: x, base_url: \"${env:USER}\"}}",
     "2: base_url: the URL holds a user name or password, which would be recorded: use a header"},
    {"version: 1\nmodels: {m: {provider: openai, model: \"${env:BAD}\"}}",
     "2: model: the value of environment variable BAD is not UTF-8"},
    {"version: 1\nmodels: {m: {provider: script}, n: {provider: script, script: {say: a}, api_key: x},"
     " o: {provider: openai, model: x, script: []}}",
     "2: key 'script' is missing\n2: script: expected a list of answers, found a mapping\n2: unknown key 'api_key'\n2: unknown key 'script'"},
    {"version: 1\nmodels:\n  m:\n    provider: script\n    script:\n      - hello\n      - {}\n      - {say: 5, sai: x}\n"
     "      - {call: refund}\n      - {call: {name: x, args: 5}}\n      - {calls: []}\n      - {calls: [{a: {}, b: {}}]}\n"
     "      - {fail: 42}\n      - {fail: {status: 99, times: 0, hang: yes, foo: 1}}\n      - {say: x, finish: ended, usage: {input: -1}}\n"
     "      - {say: \"${env:KEY}\"}\n      - {call: {refund: {order: 7}}}\n      - {fail: 429, say: ok, finish: stop}",
     "6: script: expected an answer such as {say: TEXT} or {call: {name: TOOL, args: {...}}}, found 'hello'\n"
     "7: script: an answer has say, call, calls, refusal or fail\n8: say: expected a text, found the number 5\n"
     "8: unknown key 'sai'; did you mean 'say'?\n"
     "9: call: expected a call: {name: TOOL, args: {...}} or {TOOL: {...}}, found 'refund'\n"
     "10: args: expected a mapping, or the text of one, found the number 5\n11: calls: expected at least one call, found a list\n"
     "12: call: expected a call: {name: TOOL, args: {...}} or {TOOL: {...}}, found a mapping\n"
     "13: fail: expected a status from 100 to 999, found the number 42\n"
     "14: status: expected a status from 100 to 999, found the number 99\n"
     "14: times: expected a whole number from 1 to 1000, found the number 0\n"
     "14: hang: expected true or false, found 'yes'\n14: unknown key 'foo'\n"
     "15: finish: expected stop, length, tool_calls or content_filter, found 'ended'\n"
     "15: input: expected a number from 0 to 1000000000, found the number -1\n"
     "16: script: a reference to the environment is not read here"},
    {"version: 1\nmodels:\n  m:\n    provider: script\n    script:\n      - {fail: soon}\n      - {fail: {retry_after: true, "
     "retry_after_ms: 5}}\n",
     "6: fail: expected a status, or a mapping such as {status: 429}, found 'soon'\n"
     "7: retry_after: expected a number or a text, found true"},
    {"version: 1\nmodels:\n  m:\n    provider: openai\n    model: x\n    base_url: http://[::g]/\n    headers: {X-A: \"a\\nb\"}",
     "6: base_url: 'http://[::g]/' has a host that is none\n7: header X-A: holds a control character or a line end"},
    /* tools: how they are called */
    {"version: 1\ntools:\n  a.b: {}\n  c: x\n  d: {http: {method: GET, url: http://h/}, command: [x]}\n  e: {mcp: {}, effects: {}, efect: read}",
     "3: tools: expected a name of up to 64 letters, digits, _ and -, found 'a.b'\n"
     "4: c: expected a mapping with http, command, signal or agent, input, effect, found 'x'\n5: a tool has http or command, not both\n"
     "6: key 'mcp' is not in this version\n6: key 'effects' is not in this version\n6: unknown key 'efect'; did you mean 'effect'?"},
    {"version: 1\ntools:\n  a: {http: {}}\n  b: {http: {method: post, url: ftp://h, x: 1}}\n  c: {http: GET}",
     "3: key 'method' is missing\n3: key 'url' is missing\n"
     "4: method: expected GET, HEAD, POST, PUT, PATCH or DELETE, found 'post'\n"
     "4: url: 'ftp://h' does not begin with http:// or https://\n4: unknown key 'x'\n"
     "5: http: expected a mapping of keys to values, found 'GET'"},
    {"version: 1\ntools:\n  a: {http: {method: GET, url: \"http://{args.host}/x\"}}\n  b: {http: {method: GET, url: \"{args.url}\"}}\n"
     "  c: {http: {method: GET, url: \"http://h:{args.port}/\"}}\n  d: {http: {method: GET, url: \"http://h{args.path}\"}}\n"
     "  e: {http: {method: GET, url: \"http://u:p@h/\"}}\n  f: {http: {method: GET, url: \"http:///x\"}}\n"
     "  g: {http: {method: GET, url: \"http://h:99999/x\"}}\n  h: {http: {method: GET, url: \"http://h/a b\"}}\n"
     "  i: {http: {method: GET, url: \"http://h/#x\"}}\n  j: {http: {method: GET, url: \"http://h/\xc3\xa9\"}}\n"
     "  k: {http: {method: GET, url: \"http://h/{args.x\"}}\n  l: {http: {method: GET, url: \"http://h/{x}\"}}\n"
     "  m: {http: {method: GET, url: \"http://${env:BRACE}/\"}}\n  n: {http: {method: GET, url: \"http://h/${env:BRACE}\"}}\n"
     "  o: {http: {method: GET, url: \"${env:NOPE}/x\"}}\n  p: {http: {method: GET, url: \"${env:EMPTY}/x\"}}\n"
     "  q: {http: {method: GET, url: \"http://[::1]:80/{args.x}?y={run.id}\"}}\n  r: {http: {method: GET, url: \"http://[::1/\"}}\n"
     "  s: {http: {method: GET, url: \"http://h?x={args.x}\"}}\n  t: {http: {method: GET, url: \"http://h\\\\@e/\"}}",
     "3: url: 'http://{args.host}/x' has a reference in its host: what a model writes must not choose where a call goes\n"
     "4: url: '{args.url}' does not begin with http:// or https://\n"
     "5: url: 'http://h:{args.port}/' has a reference in its host: what a model writes must not choose where a call goes\n"
     "6: url: 'http://h{args.path}' has a reference in its host: what a model writes must not choose where a call goes\n"
     "7: url: the URL holds a user name or password, which would be recorded: use a header\n"
     "8: url: 'http:///x' names no host\n9: url: 'http://h:99999/x' has a port that is none\n"
     "10: url: 'http://h/a b' has a character that must be percent-encoded\n"
     "11: url: 'http://h/#x' has a fragment (#), which is never sent\n"
     "12: url: 'http://h/\xc3\xa9' has a character that must be percent-encoded\n"
     "13: url: '{args.x' is not closed by a }\n"
     "14: url: '{x}' is no reference: it begins with args or run\n"
     "15: url: 'http://{{args.x}/' has a reference in its host: what a model writes must not choose where a call goes\n"
     "16: url: 'http://h/{{args.x}' has a character that must be percent-encoded\n"
     "17: url: environment variable NOPE is not set\n18: url: '/x' does not begin with http:// or https://\n"
     "20: url: 'http://[::1/' has a host that is none\n"
     "22: url: the URL holds a user name or password, which would be recorded: use a header"},
    {"version: 1\ntools:\n  a: {command: send --to x}\n  b: {command: []}\n  c: {command: [\"{args.p}\"]}\n"
     "  d: {command: [x, 5, \"{args.}\", \"${env:NOPE}\", \"a\\0b\"]}\n  e: {command: ['']}\n  f: {command: [\"${env:WORD}\"]}",
     "3: command: expected a list of words: the program and its arguments, no shell, found 'send --to x'\n"
     "4: command: expected a list of words: the program and its arguments, no shell, found a list\n"
     "5: command: the program itself holds a reference: what a model writes must not choose it\n"
     "6: command: expected a text (in quotes), found the number 5\n"
     "6: command: '{args.}' is no reference: those are like args.order_id or run.id\n"
     "6: command: environment variable NOPE is not set\n6: command: expected a text without a NUL character, found 'a\\x00b'\n"
     "7: command: expected a program, found ''"},
    {TOOL IN "    command: [x, \"{args.id}\"]", "7: a tool has http or command, not both"},
    {"version: 1\ntools:\n  t:\n" IN
     "    http:\n      method: POST\n      url: http://h/{args.idd}\n      headers: {X-N: \"{args.m}\"}\n"
     "      body: {a: {$arg: /args/nn}, b: [{$arg: args/id}, {$arg: /result/x}, {$arg: /args/id, c: 1}, {$arg: 5}], c: \"{args.id}\","
     " d: \"${env:KEY}\", e: {$arg: /args}, f: {$arg: /run/id}}",
     "7: there is no argument 'idd'; did you mean 'id'?\n8: there is no argument 'm'\n"
     "9: there is no argument 'nn'\n9: body: $arg is no JSON pointer: it begins with a /, as in /order_id\n"
     "9: body: $arg refers to /args or /run\n9: body: $arg stands alone in its mapping\n9: body: $arg wants a JSON pointer\n"
     "9: body: texts within JSON are no templates\n9: body: a reference to the environment is not read here"},
    {TOOL
     "    description: 5\n    timeout: 5\n    limits: {cpu: 5s, memory: 1KiB, output: 64}\n    retry: no\n    effect: read\n    fresh: a",
     "6: description: expected a text (in quotes), found the number 5\n"
     "7: timeout: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found the number 5\n"
     "8: limits: cpu is for command tools\n8: limits: memory is for command tools\n"
     "8: memory: expected a size of at least 1048576B, found '1KiB'\n"
     "8: output: expected a size such as 64KiB, 128MiB or 1GiB, found the number 64\n"
     "9: retry: expected a mapping of keys to values, found 'no'\n"
     "11: fresh: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found 'a'"},
    {TOOL "    description: \"${env:KEY}\"", "6: description: a reference to the environment is not read here"},
    /* what was told once is not told again as a wrong value */
    {TOOL "    effect: read\n    timeout: .inf\n    fresh: !!int 5\n    retry: 9007199254740993",
     "7: .inf is a number that JSON does not have\n8: a tag; only !!str is read\n"
     "9: 9007199254740993 is an integer beyond 2^53, which JSON does not keep exactly"},
    /* schemas */
    {TOOL "    input:\n      type: object\n      properties:\n        a:\n          type: strin\n",
     "10: input: not a schema: /properties/a/type*"},
    {TOOL "    input: {type: array}\n    output: 5",
     "6: input: type: expected object, which the arguments of a call are, found 'array'\n"
     "7: output: expected a JSON Schema: a mapping, or true or false, found the number 5"},
    {TOOL "    output: {properties: {a: {const: {$arg: /args/x}}}}", "6: output: $arg is not read here"},
    {TOOL "    output: {const: \"${env:KEY}\"}", "6: output: a reference to the environment is not read here"},
    /* tools: what they do */
    {TOOL "    effect: destroy\n    gate: none\n    fresh: 5s",
     "6: effect: expected read, idempotent, mutate or irreversible, found 'destroy'"},
    {TOOL "    effect: read\n    key: {}\n    dedupe: {}\n    repeat: allow\n    verify: {}\n    undo: none",
     "7: key: a read changes nothing, so it is not needed\n8: dedupe: a read changes nothing, so it is not needed\n"
     "9: repeat: a read changes nothing, so it is not needed\n10: verify: a read changes nothing, so it is not needed\n"
     "10: key 'tool' is missing\n10: verify: without by_key or expect its answer says nothing\n"
     "11: undo: a read changes nothing, so it is not needed"},
    {TOOL "    effect: mutate\n    fresh: 5s", "7: fresh: only what a read answers stays fresh"},
    {TOOL "    effect: idempotent\n    repeat: confirm\n    dedupe: {by: [/a], scope: agent, within: 1h}",
     "7: repeat: an idempotent tool's calls simply run again\n"
     "8: scope: an idempotent tool's calls run again: only `by` says something, what waits for what\n"
     "8: within: an idempotent tool's calls run again: only `by` says something, what waits for what"},
    {TOOL "    effect: mutate\n    key: {header: 'a b', variable: X, remembered_for: 5s}",
     "7: header: expected the name of a header, found 'a b'\n"
     "7: unknown key 'variable'\n7: remembered_for: expected longer than the timeout and 5 %, so that a lost answer can be sent again, found '5s'"},
    {TOOL "    effect: mutate\n    key: yes",
     "7: key: expected none, or a mapping such as {header: Idempotency-Key, remembered_for: 24h}, found 'yes'"},
    {"version: 1\ntools:\n  a: {command: [x], key: {header: X}}\n  b: {command: [x], key: {variable: 1X}}\n  c: {key: {header: X}}",
     "3: unknown key 'header'\n4: variable: expected the name of an environment variable, found '1X'\n5: unknown key 'header'"},
    {"version: 1\ntools:\n  a:\n    http:\n      method: POST\n      url: http://h/\n      headers: {idempotency-key: x, Ok: y}",
     "7: headers: 'Idempotency-Key' carries the idempotency key and is filled in by pawl"},
    {TOOL IN "    effect: mutate\n    dedupe: {by: [id, /args/id, /m~2, 5, ''], scope: all, within: 1h}",
     "8: by: 'id' is no JSON pointer: it begins with a /, as in /order_id\n8: there is no argument 'args'\n"
     "8: by: '/m~2' is no JSON pointer: ~ is written ~0, and / in a name ~1\n"
     "8: by: expected a JSON pointer into the arguments, as in /order_id, found the number 5\n"
     "8: by: '' is no JSON pointer: it begins with a /, as in /order_id\n8: scope: expected run, agent, key or global, found 'all'\n"
     "8: within: it counts in scopes wider than the run"},
    {TOOL "    effect: mutate\n    dedupe: {by: {}}", "7: by: expected a list, found a mapping"},
    {TOOL "    effect: mutate\n    repeat: allow\n    dedupe: {scope: agent}\n",
     "8: scope: it says nothing where repeat is allow"},
    {TOOL "    effect: mutate\n    repeat: twice\n", "7: repeat: expected answer, confirm or allow, found 'twice'"},
    {TOOL "    gate: none",
     "6: gate: an irreversible call is never sent without a yes or a condition that did not hold (no effect is declared)"},
    {TOOL "    effect: irreversible\n    gate: none",
     "7: gate: an irreversible call is never sent without a yes or a condition that did not hold"},
    {TOOL "    gate: true",
     "6: gate: expected always, none, or a mapping with when, if, expires, then, approvers, quorum, found true"},
    {TOOL IN
     "    gate:\n      if: {properties: {args: {properties: {m: {const: 1}}}, facts: {}, arg: {}}}\n      expires: never\n      then: maybe\n      wen: x",
     "8: there is no argument 'm'\n"
     "8: unknown key 'arg'; did you mean 'args'?\n9: expires: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found 'never'\n"
     "10: then: expected deny or approve, found 'maybe'\n11: unknown key 'wen'; did you mean 'when'?"},
    {TOOL IN "    gate: {when: {properties: {m: {const: 1}}}}", "7: there is no argument 'm'"},
    {TOOL "    gate: {if: {}, when: {}}",
     "6: gate: when is a condition over the arguments, if one over {args, run}: say one of them"},
    {TOOL "    gate: {approvers: [], quorum: 0}",
     "6: approvers: nobody is named\n6: quorum: expected a whole number from 1 to 100, found the number 0"},
    {TOOL "    gate: {approvers: [ann, ann], quorum: 2}",
     "6: gate: 2 must say yes, and only 1 may\n6: approvers: a name stands there twice"},
    {TOOL
     "    gate: {if: {properties: {args: {enum: [{$arg: /args}, [{$arg: /run/id}]], minimum: {$arg: /args/n}, title: {$arg: "
     "/args}}}}}",
     "6: if: $arg stands for the value of const, minimum, maximum, exclusive ones, or an item of enum\n"
     "6: if: $arg stands for the value of const, minimum, maximum, exclusive ones, or an item of enum"},
    {TOOL "    gate: {if: {properties: {args: {const: {$arg: /result}}}}}",
     "6: if: $arg refers to /args, /run or /facts"},
    {TOOL
     "    effect: mutate\n    verify: {tool: looc, by_key: key, args: {a: {$arg: /nothing}}, settles: soon, expects: {}}\n"
     "  look: {http: {method: GET, url: http://h/}, effect: read}",
     "7: there is no tool 'looc'; did you mean 'look'?\n7: by_key: expected a JSON pointer into the answer, as in /idempotency_key, found 'key'\n"
     "7: args: $arg refers to /args, /run, /result or /key\n"
     "7: settles: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found 'soon'\n7: unknown key 'expects'; did you mean 'expect'?"},
    {TOOL
     "    effect: mutate\n    verify: {tool: u, by_key: /k}\n    undo: {tool: r}\n  u: {}\n  r: {effect: read}\n"
     "  g: {effect: read, gate: always}\n  h: {effect: mutate, verify: {tool: g, expect: {}}, undo: none}\n  i: {effect: mutate, undo: {args: 5}}\n"
     "  j: {effect: mutate, undo: no}",
     "7: verify: tool 'u' is no read: it declares no effect\n8: undo: tool 'r' is a read, which changes nothing\n"
     "12: verify: tool 'g' has a gate, and nobody is asked before a look\n13: key 'tool' is missing\n"
     "13: args: expected a mapping of keys to values, found the number 5\n14: undo: expected none, or a mapping with tool and args, found 'no'"},
    {TOOL IN
     "    effect: mutate\n    verify: {tool: look, by_key: /k}\n    undo: {tool: back, args: {idd: 1}}\n"
     "  look: {effect: read, input: {required: [order]}}\n  back: {effect: mutate, input: {required: [id], properties: {id: true}}}",
     "8: verify: argument 'order' is missing, which tool 'look' requires\n9: undo: argument 'id' is missing, which tool 'back' requires\n"
     "9: there is no argument 'idd'; did you mean 'id'?"},
    {TOOL
     "    errors: {99: rejected, '0409': rejected, exit 3: rejected, 409: done, 600: unknown, 422: rejected, 4xx: rejected}",
     "6: errors: expected an HTTP status from 200 to 599, found '99'\n6: errors: expected an HTTP status from 200 to 599, found '0409'\n"
     "6: errors: expected an HTTP status from 200 to 599, found 'exit 3'\n"
     "6: 409: expected already_done, not_applied, unknown, running, timeout, rejected, unauthorized, bad_arguments, conflict, rate_limited, "
     "overloaded or unavailable, found 'done'\n6: errors: expected an HTTP status from 200 to 599, found '600'\n"
     "6: errors: expected an HTTP status from 200 to 599, found '4xx'"},
    {"version: 1\ntools:\n  a: {command: [x], errors: {exit 0: rejected, 3: rejected, exit 256: unknown, exit 3: rejected}}\n  b: {errors: {}}",
     "3: errors: expected an exit code from \"exit 1\" to \"exit 255\", found 'exit 0'\n"
     "3: errors: expected an exit code from \"exit 1\" to \"exit 255\", found '3'\n"
     "3: errors: expected an exit code from \"exit 1\" to \"exit 255\", found 'exit 256'\n"
     "4: errors: a function of a program says itself what happened"},
    /* agents */
    {TOOL
     "agents:\n  a: {model: n, tools: [t, u, t, 5], lane: x, budget: {steps: 0, tokens: 200k, step: 1}}\n  b: {tools: t}\n  c: []",
     "7: there is no model 'n'\n7: there is no tool 'u'\n7: tools: 't' stands twice\n"
     "7: tools: expected the name of a tool, found the number 5\n7: there is no lane 'x'\n"
     "7: steps: expected a whole number from 1 to 1000000, found the number 0\n"
     "7: unknown key 'step'; did you mean 'steps'?\n8: key 'model' is missing\n8: tools: expected a list, found 't'\n"
     "9: c: expected a mapping with model, tools, instructions, found a list"},
    /* budgets */
    {"version: 1\nbudget: {day: {cost: 5}, al: {}}\nmodels:\n  m:\n    {provider: openai, model: x, max_tokens: 0,\n"
     "     price: {input: 0.0000001, output: abc, cached: 1}}\n"
     "agents:\n  a:\n    model: m\n    budget:\n      cost: 0.50 EUR\n      tokens: 0\n      time: 0s\n"
     "      day: {costs: \"1 USD\"}\n      exhausted: {degrade: [x, 5], than: ask}\n  b: {model: m, budget: {exhausted: aks}}",
     "2: cost: expected an amount of money such as \"0.50 USD\", found the number 5\n"
     "2: unknown key 'al'; did you mean 'all'?\n5: max_tokens: expected a whole number from 1 to 10000000, found the number 0\n"
     "6: input: expected USD for a million tokens, from 0 to 10000 and with up to six decimals, found the number 0.0000001\n"
     "6: output: expected USD for a million tokens, from 0 to 10000 and with up to six decimals, found 'abc'\n"
     "6: unknown key 'cached'; did you mean 'cached_input'?\n"
     "11: cost: expected an amount of money such as \"0.50 USD\", found '0.50 EUR'\n"
     "12: tokens: expected a number from 1, such as 40, 200k or 1.5M, found the number 0\n"
     "13: time: expected a duration of more than 0s, found '0s'\n14: unknown key 'costs'; did you mean 'cost'?\n"
     "15: there is no model 'x'\n15: degrade: expected the name of a model, found the number 5\n"
     "15: unknown key 'than'; did you mean 'then'?\n16: exhausted: expected stop or ask, found 'aks'"},
    {"version: 1\nmodels:\n  m: {provider: openai, model: x}\n  n: {provider: openai, model: y, price: {input: 1, output: 2}}\n"
     "agents: {a: {model: m, budget: {cost: \"0.50 USD\", exhausted: {degrade: n}}}}",
     "3: model 'm' has no price, and agent 'a' goes by what it costs"},
    {"version: 1\nmodels:\n  p: {provider: openai, model: x, price: {input: 1, output: 2}, fallback: [f]}\n  f: {provider: openai, model: y}\n"
     "  s: {provider: openai, model: y, fallback: [p, g]}\n  g: {provider: openai, model: y}\n  o: {provider: openai, model: y, fallback: [q]}\n"
     "  q: {provider: openai, model: y}\n  never: {provider: openai, model: y}\ntools: {mail: {command: [a], effect: mutate}}\n"
     "agents:\n  a: {model: p, tools: [mail], budget: {context: 5000, cost: \"1 USD\"}, second_opinion: {for: [mail], by: [o]}, context: {summarize: s}}\n"
     "  b: {model: p, tools: [mail], second_opinion: {for: [mail], by: [never]}}",
     "4: model 'f' has no price, and agent 'a' goes by what it costs\n5: model 's' has no price, and agent 'a' goes by what it costs\n"
     "6: model 'g' has no price, and agent 'a' goes by what it costs\n7: model 'o' has no price, and agent 'a' goes by what it costs\n"
     "8: model 'q' has no price, and agent 'a' goes by what it costs"},
    {"version: 1\nmodels:\n  p: {provider: openai, model: x, price: {input: 1, output: 2}}\n  k: {provider: openai, model: y}\n"
     "  l: {provider: openai, model: y}\n  n: {provider: openai, model: y}\ntools:\n  kid: {agent: b}\n  round: {agent: a}\n"
     "  deep: {agent: c, undo: {tool: back}}\n  back: {agent: d}\nagents:\n  a: {model: p, tools: [kid], budget: {cost: \"1 USD\"}}\n"
     "  b: {model: k, tools: [round, deep]}\n  c: {model: l}\n  d: {model: n}\n  e: {model: p, tools: [kid], budget: {tokens: 5k, day: {cost: \"1 USD\"}}}",
     "4: model 'k' has no price, and agent 'a' pays for what agent 'b' spends\n"
     "5: model 'l' has no price, and agent 'a' pays for what agent 'c' spends\n"
     "6: model 'n' has no price, and agent 'a' pays for what agent 'd' spends"},
    {TOOL AGENT "  b: {model: m, instructions: \"${env:KEY}\", deadline: -5s, ends_by: 10, output: [], guards: []}",
     "8: instructions: a reference to the environment is not read here\n"
     "8: deadline: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found '-5s'\n"
     "8: ends_by: expected a duration such as 250ms, 5s, 10m, 24h or 30d, found the number 10\n"
     "8: output: expected a JSON Schema: a mapping, or true or false, found a list\n8: guards: expected a mapping of keys to values, found a list"},
    /* guards and facts */
    {TOOL
     "agents:\n  a: {model: m, guards: {errors_in_a_row: {2: verify, 0: tell, x: ask, 3: stop}, error_in_a_row: {2: tell}, same_call: ask,\n"
     "    contradiction: {1: ask}, low_confidence: {2: ask, 0.5: verify}, big: {if: {properties: 5}, answer: maybe}, 'a b': {if: true}, x: ask,\n"
     "    y: {answer: ask}, z: {if: {const: {$arg: /args/a}}}}}",
     "7: errors_in_a_row: expected tell, narrow, ask, stop, found 'verify'\n"
     "7: errors_in_a_row: expected a count from 1 to 1000, found '0'\n7: errors_in_a_row: expected a count from 1 to 1000, found 'x'\n"
     "7: guards: there is no rule 'error_in_a_row'; did you mean 'errors_in_a_row'?\n"
     "7: same_call: expected none, or a mapping such as {2: narrow, 3: stop}, found 'ask'\n"
     "8: contradiction: expected tell, narrow, ask, stop, found a mapping\n"
     "8: low_confidence: expected a score over 0 and up to 1, found '2'\n8: low_confidence: expected tell, narrow, ask, stop, found 'verify'\n"
     "8: if: not a schema: /properties: expected an object whose values are schemas\n"
     "8: answer: expected tell, narrow, ask, stop, found 'maybe'\n"
     "8: guards: expected a name of up to 64 letters, digits, _ and -, found 'a b'\n8: guards: there is no rule 'x'\n"
     "9: guards: there is no rule 'y'\n9: if: $arg refers to /run or /facts"},
    {TOOL IN
     "    effect: mutate\n    facts: {a: /b}\n    source: shop\n    trust: maybe\n    egress: 1\n"
     "  r: {command: [x], effect: read, input: {properties: {id: true}}, facts: {a: b, c: {at: /c, about: [/idd, x], abuot: 1}, d: {about: [/id]}}}",
     "8: facts: only a read says how things are\n9: source: only a read says how things are\n"
     "10: trust: expected trusted or untrusted, found 'maybe'\n11: egress: expected true or false, found the number 1\n"
     "12: facts: expected a JSON pointer into the answer, as in /status, found 'b'\n12: there is no argument 'idd'; did you mean 'id'?\n"
     "12: about: expected a JSON pointer into the arguments, as in /order_id, found 'x'\n12: unknown key 'abuot'; did you mean 'about'?\n"
     "12: key 'at' is missing"},
    {"version: 1\nagents: {a: {model: m, tools: [t]}}", "2: there is no model 'm'\n2: there is no tool 't'"},
    /* context */
    {TOOL
     "agents:\n  a: {model: m, tools: [t], context: {keep: [system, last: 0, frist], prune: all, summarize: n, to: 5, failed: never, kep: 1}}\n"
     "  b: {model: m, budget: {context: 500}}\n  c: {model: m, budget: {context: 32k}, context: {failed: end}}",
     "7: context: there is no limit that the conversation could pass\n"
     "7: last: expected a whole number from 1 to 100000, found the number 0\n"
     "7: keep: expected system, first_user or last: NUMBER, found 'frist'\n"
     "7: prune: expected none, tool_results or exchanges, found 'all'\n7: there is no model 'n'\n"
     "7: to: expected a share such as 50%, found the number 5\n7: failed: expected prune or end, found 'never'\n"
     "7: unknown key 'kep'; did you mean 'keep'?\n"
     "8: context: expected at least 1000 tokens, found the number 500\n9: failed: there is no summary that could fail"},
    /* second opinions */
    {TOOL
     "agents:\n  a: {model: m, tools: [t], second_opinion: {for: [t, u, 5], by: [m, n, {tool: t, expect: {}}, {rule: 5}, 7], agree: 9,"
     " otherwise: shout, failed: yes, fro: x}}\n  b: {model: m, second_opinion: {for: [t], by: []}}\n  c: {model: m, tools: [t], "
     "second_opinion: {agree: most}}",
     "7: there is no tool 'u'\n7: for: expected the name of a tool, found the number 5\n"
     "7: there is no model 'n'\n7: by: tool 't' is no plain read\n"
     "7: rule: expected a JSON Schema: a mapping, or true or false, found the number 5\n"
     "7: by: expected a model's name, {tool: NAME, expect: SCHEMA} or {rule: SCHEMA}, found the number 7\n"
     "7: agree: expected a whole number from 1 to 5, found the number 9\n7: otherwise: expected ask, tell or stop, found 'shout'\n"
     "7: failed: expected disagrees or agrees, found 'yes'\n7: unknown key 'fro'; did you mean 'for'?\n8: for: the agent has no tool 't'\n8: by: expected somebody to ask, found a list\n"
     "9: key 'for' is missing\n9: key 'by' is missing"},
    {"version: 1\nmodels: {m: {provider: openai, model: x}}\ntools: {recall: {effect: read, command: [x]}}\n"
     "agents: {a: {model: m, tools: [recall], budget: {context: 32k}}}",
     "4: context: 'recall' is pawl's own tool where budget.context is set"},
    /* what must have come of a call */
    {TOOL
     "    effect: mutate\n" IN "    before: {tool: u, arg: 5}\n    after: {tool: t}\n    check:\n"
     "      - {name: one, schema: {properties: {argz: {}, args: {properties: {idd: {}}}}}, then: shout}\n"
     "      - {name: one, schema: {type: object}, then: undo, sayz: x}\n"
     "      - {if: {properties: {after: {const: {$arg: /facts/x}}}}}\n      - 5\n"
     "  r: {http: {method: GET, url: http://h/r}, effect: read, check: {properties: {after: {}}}, before: {tool: r}}\n"
     "  s: {http: {method: GET, url: http://h/r}, effect: mutate, check: {properties: {result: {const: {$arg: /before/x}}}}}\n"
     "  q: {http: {method: GET, url: http://h/r}, effect: mutate, check: [], after: {tool: r}}\n"
     "  p: {http: {method: GET, url: http://h/r}, effect: mutate, check: {name: x, shema: {}}}\n"
     "  o: {http: {method: GET, url: http://h/r}, effect: mutate, after: {tool: r}}\n"
     "  n: {http: {method: GET, url: http://h/r}, effect: mutate, after: {tool: r, args: {id: {$arg: /result/id}}}, "
     "check: {required: [before]}}\n" AGENT,
     "8: there is no tool 'u'\n8: unknown key 'arg'; did you mean 'args'?\n9: after: tool 't' is no plain read\n"
     "11: unknown key 'argz'; did you mean 'args'?\n11: there is no argument 'idd'; did you mean 'id'?\n"
     "11: then: expected tell, ask, fail or undo, found 'shout'\n12: check: 'one' stands there twice\n"
     "12: check: expected a JSON Schema over {args, result, before, after}, with properties or required, found a mapping\n"
     "12: then: there is no undo to do\n12: unknown key 'sayz'; did you mean 'says'?\n13: key 'schema' is missing\n"
     "13: if: $arg refers to /args, /run, /result, /before or /after\n"
     "14: check: expected a mapping with schema, and name, if, says, then, found the number 5\n"
     "15: before: a read changes nothing\n16: check: nothing says what is there before\n"
     "17: check: expected something that must hold, found a list\n"
     "18: check: expected a JSON Schema over {args, result, before, after}, with properties or required, found a mapping\n"
     "19: after: nothing looks at it: there is no check\n"
     "20: after: a check looks at what was there before, when there is no /result yet"},
    /* what a check's references and dependencies speak of: without a read of the place they are refused */
    {TOOL
     "    effect: mutate\n" IN
     "  a: {command: [a], effect: mutate, check: {$ref: \"#/$defs/x\", $defs: {x: {allOf: [{$ref: \"#/$defs/y~1z\"}]}, y/z: {required: [after]}}}}\n"
     "  b: {command: [a], effect: mutate, check: {dependentSchemas: {args: {properties: {after: {}}}}}}\n"
     "  c: {command: [a], effect: mutate, check: {dependentRequired: {args: [before]}}}\n"
     "  d: {command: [a], effect: mutate, check: {$ref: \"#there\", $defs: {x: {$anchor: there, required: [result]}}}}\n"
     "  e: {command: [a], effect: read, check: {$ref: \"#there\", $defs: {x: {$anchor: there, required: [result]}}}}\n"
     "  f: {command: [a], effect: mutate, check: {required: [result], not: {$ref: \"#/$defs/z\"}, $defs: {z: {properties: {result: {$ref: \"#/$defs/q\"}}, anyOf: [{properties: {result: {$ref: \"#/$defs/z\"}}}, {required: [args]}]}, q: {required: [after]}}}}\n" AGENT,
     "8: check: nothing says what is there after\n9: check: nothing says what is there after\n10: check: nothing says what is there before\n"
     "11: check: nothing says what is there after"},
    /* bulkheads */
    {"version: 1\npools:\n  p: {concurrency: 4, requests_per_minute: 0, tokens: 5, adaptive: maybe}\n  q: {adaptive: true}\n  r: 5\n"
     "lanes:\n  a: {concurrency: 0, weight: 0, memory: 1KiB, share: {p: 70%, o: 5%}}\n  b: {share: {p: 40%}}",
     "3: requests_per_minute: expected a whole number from 1 to 1000000000, found the number 0\n"
     "3: unknown key 'tokens'; did you mean 'tokens_per_minute'?\n3: adaptive: expected true or false, found 'maybe'\n4: adaptive: there is no concurrency to adapt\n"
     "5: r: expected a mapping with concurrency, requests_per_minute or tokens_per_minute, found the number 5\n"
     "6: share: the lanes have 110% of pool 'p'\n7: concurrency: expected a whole number from 1 to 1000000, found the number 0\n"
     "7: weight: expected a whole number from 1 to 1000, found the number 0\n"
     "7: memory: expected a size of at least 65536B, found '1KiB'\n7: there is no pool 'o'"},
    /* what stands in */
    {"version: 1\nmodels:\n  m: {provider: openai, model: x, fallback: [m, n, 5, o]}\n  n: {provider: openai, model: y, breaker: none}",
     "3: fallback: a model cannot stand in for itself\n3: fallback: expected the name of a model, found the number 5\n"
     "3: there is no model 'o'"},
    {"version: 1\ntools:\n"
     "  r: {command: [x], effect: read, breaker: {fallback: {tool: r}}}\n"
     "  s: {command: [x], effect: read, breaker: {fallback: {tool: c}}}\n"
     "  t: {command: [x], effect: read, breaker: {fallback: {tool: nn}}}\n"
     "  c: {command: [x], effect: mutate, breaker: {fallback: {cached: 1h}}}\n"
     "  d: {command: [x], effect: mutate, breaker: {fallback: {error: \"Down.\", answer: 1}}}\n"
     "  e: {command: [x], effect: mutate, breaker: {fallback: {}}}",
     "3: fallback: a tool cannot stand in for itself\n4: fallback: tool 'c' is no plain read\n5: there is no tool 'nn'\n"
     "6: fallback: an old answer or another tool cannot stand in for a change\n"
     "7: fallback: expected one of cached, answer, error, tool\n8: fallback: expected one of cached, answer, error, tool"},
    /* foreign text does not reach a terminal as it is */
    {"version: 1\n\"a\\e[31m\\nb\": 1", "2: unknown key 'a?[31m?b'"},
    {"version: 1\ndurability: \"\\e[31m\\u202e\"",
     "2: durability: expected effects or every-step, found '\\x1b[31m\\u202e'"},
};

static void faults(void)
{
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        struct pawl_config *c = load(r->text, "pawl.yaml", &memory.alloc);
        const char *got = told(&b);
        const size_t n = strlen(r->want);
        const bool prefix = r->want[n - 1] == '*';
        const bool fine =
            prefix ? CHECK(strncmp(got, r->want, n - 1) == 0 && report.count == 1) : CHECK_TEXT(got, r->want);
        if (!fine) printf("row %d\n%s\n--- got\n%s\n", (int)(r - rows), r->text, got);
        pawl_config_free(c, &memory.alloc);
    }
    pawl_buf_fini(&b);
}

/* More faults than are kept: the first of the file are, and all are counted. A long path keeps its line. */
static void many_faults(void)
{
    static char path[400];
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    pawl_buf_text(&b, "version: 1\ntools:\n");
    for (int i = 0; i < 200; i++) pawl_buf_printf(&b, "  t%03d: {effect: x}\n", 199 - i);
    memset(path, 'p', sizeof path - 1);
    CHECK(load(pawl_buf_done(&b).p, path, &memory.alloc) == NULL);
    CHECK_INT(report.count, 200);
    for (int i = 0; i < PAWL_CONFIG_ERRORS; i++) {
        char want[8];
        snprintf(want, sizeof want, ":%d", i + 3);
        const char *at = strrchr(report.errors[i].where, ':');
        CHECK_TEXT(at, want);
    }
    CHECK(strncmp(report.errors[0].where, "...pp", 5) == 0);
    b.n = 0;
    for (int i = 0; i < 1024 * 1024 + 1; i++) pawl_buf_char(&b, '#');
    CHECK(load(pawl_buf_done(&b).p, "pawl.yaml", &memory.alloc) == NULL);
    CHECK_TEXT(report.errors[0].what, "expected at most 1 MiB, found 1048577 bytes");
    pawl_buf_fini(&b);
    CHECK(load("version: 2", NULL, &memory.alloc) == NULL);
    CHECK_TEXT(report.errors[0].where, "configuration:1");
}

static void too_many(void)
{
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    pawl_buf_text(&b, "version: 1\ntools:\n");
    for (int i = 0; i < 1025; i++) pawl_buf_printf(&b, "  t%d: {}\n", i);
    CHECK(load(pawl_buf_done(&b).p, "pawl.yaml", &memory.alloc) == NULL);
    CHECK_TEXT(report.errors[0].what, "expected at most 1024 tools, found 1025");
    b.n = 0; /* two bytes here are six in JSON */
    pawl_buf_text(&b, "version: 1\ntools: {t: {description: \"");
    for (int i = 0; i < 200000; i++) pawl_buf_text(&b, "\\e");
    pawl_buf_text(&b, "\"}}");
    CHECK(load(pawl_buf_done(&b).p, "pawl.yaml", &memory.alloc) == NULL);
    CHECK_TEXT(report.errors[0].what, "more than 1 MiB, written out as JSON");
    CHECK_INT(report.count, 1);
    pawl_buf_fini(&b);
}

static void defaults(void)
{
    struct pawl_config *c =
        load("version: 1\n" MODEL
             "tools:\n  r: {http: {method: GET, url: http://h/}, effect: read}\n  u: {command: [x]}\n"
             "  m: {effect: mutate}\n" AGENT,
             "/etc/pawl/pawl.yaml", &memory.alloc);
    CHECK(!c); /* the agent's tool t is not there */
    c = load("version: 1\n" MODEL
             "tools:\n  r: {http: {method: GET, url: http://h/}, effect: read}\n  u: {command: [x]}\n"
             "  m: {effect: mutate}\n  i: {effect: idempotent}\nagents: {a: {model: m}}\n",
             "/etc/pawl/pawl.yaml", &memory.alloc);
    if (!CHECK(c != NULL)) return;
    const struct pawl_model *m = pawl_config_model(c, PAWL_STR("m"));
    const struct pawl_tool *r = pawl_config_tool(c, PAWL_STR("r")), *u = pawl_config_tool(c, PAWL_STR("u"));
    const struct pawl_tool *x = pawl_config_tool(c, PAWL_STR("m")), *i = pawl_config_tool(c, PAWL_STR("i"));
    const struct pawl_agent *a = pawl_config_agent(c, PAWL_STR("a"));
    const int64_t s = 1000000000;
    CHECK_TEXT(c->store.p, "sqlite:/etc/pawl/pawl.db");
    CHECK(!c->sync_every_step);
    CHECK_TEXT(m->base_url.p, "https://api.openai.com/v1");
    CHECK(m->api_key.p == NULL);
    CHECK_INT(m->first_token_ns, 20 * s);
    CHECK_INT(m->total_ns, 120 * s);
    CHECK(m->retry.attempts == 4 && m->retry.first_ns == s && m->retry.max_ns == 30 * s && m->retry.factor == 2 &&
          m->retry.jitter);
    CHECK_INT(m->line, 2);
    CHECK(r->driver == PAWL_DRIVER_HTTP && u->driver == PAWL_DRIVER_COMMAND && x->driver == PAWL_DRIVER_INPROCESS);
    CHECK(r->effect == PAWL_EFFECT_READ && r->effect_declared && u->effect == PAWL_EFFECT_IRREVERSIBLE &&
          !u->effect_declared);
    CHECK(r->gate == PAWL_GATE_NONE && u->gate == PAWL_GATE_ALWAYS && x->gate == PAWL_GATE_NONE &&
          i->gate == PAWL_GATE_NONE);
    CHECK(u->gate_expires_ns == 86400 * s && !u->gate_then_approve);
    CHECK(u->repeat == PAWL_REPEAT_CONFIRM && x->repeat == PAWL_REPEAT_ANSWER && i->repeat == PAWL_REPEAT_ANSWER);
    CHECK(!u->key_declared && pawl_str_is(u->key_header, "PAWL_IDEMPOTENCY_KEY") &&
          pawl_str_is(r->key_header, "Idempotency-Key"));
    CHECK(u->remembered_for_ns == 86400 * s && u->scope == PAWL_SCOPE_RUN && u->within_ns == 0 &&
          u->dedupe_by_count == 0);
    CHECK(u->timeout_ns == 10 * s && u->cpu_ns == 10 * s && u->memory_bytes == 512 << 20 && u->output_bytes == 1 << 20);
    CHECK(u->verify.tool.p == NULL && u->verify.settles_ns == -1 && u->undo_tool.p == NULL && u->body.p == NULL);
    CHECK(u->input == NULL && u->input_json.p == NULL && u->output == NULL && r->fresh_ns == 0);
    CHECK(u->retry.attempts == 4);
    CHECK(a->deadline_ns == 1800 * s && a->ends_by_ns == 0 && a->steps_max == 50 && a->tools_count == 0 &&
          a->output == NULL);
    CHECK_TEXT(a->instructions.p, "");
    CHECK(pawl_config_agent(c, PAWL_STR("b")) == NULL && pawl_config_tool(c, PAWL_STR("")) == NULL);
    CHECK(pawl_agent_tool(a, PAWL_STR("r")) == NULL);
    pawl_config_free(c, &memory.alloc);
    c = load(
        "version: 1\ndefaults: {retry: {first: 60s}}\nmodels: {m: {provider: openai, model: x, timeout: {total: 5s}}}\n",
        NULL, &memory.alloc);
    if (!CHECK(c != NULL)) return;
    CHECK_TEXT(c->store.p, "sqlite:pawl.db");
    CHECK_INT(c->models[0].retry.max_ns, 60 * s); /* what was said counts before what was not */
    CHECK_INT(c->models[0].first_token_ns, 5 * s);
    pawl_config_free(c, &memory.alloc);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    faults();
    many_faults();
    too_many();
    defaults();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
