/* src/journal/record_fuzz.c - a chain made of any bytes holds, and one that was changed anywhere does not: the first record
 * that is not as it was is named, or one behind it. Names of kinds go there and back. */
#include "journal/record.h"
#include "base/test.h"

enum { RECORDS = 12, HEAD = 8 };

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t byte(struct input *in)
{
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

static uint64_t number(struct input *in)
{
    uint64_t v = 0;
    for (uint32_t bytes = byte(in) % 9; bytes > 0; bytes--) v = v << 8 | byte(in);
    return v;
}

/* A record that may follow: seq and time are as they must be, all else is as it comes. */
static void take(struct input *in, const struct pawl_record *before, struct pawl_record *out)
{
    const uint64_t later = number(in) >> 8;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 16; i++) out->run.b[i] = before ? before->run.b[i] : byte(in);
    out->seq = before ? before->seq + 1 : 1;
    out->at_ns = before ? before->at_ns : 0;
    if ((uint64_t)(INT64_MAX - out->at_ns) >= later) out->at_ns += (int64_t)later;
    out->kind = (enum pawl_kind)(PAWL_KIND_NONE + 1 + byte(in) % (PAWL_KIND_COUNT - 1));
    out->step = (uint32_t)number(in);
    out->cause = number(in) % out->seq;
    for (int i = 0; i < 8; i++) out->salt[i] = byte(in);
    const size_t want = number(in) % 200, n = want < in->n ? want : in->n;
    out->body = (struct pawl_str){(const char *)in->p, (uint32_t)n};
    in->p += n;
    in->n -= n;
}

/* One bit of it is another one. false: that is none that the chain keeps. */
static bool change(struct pawl_record *r, uint8_t where, uint8_t bit, char *body)
{
    switch (where % 8) {
    case 0: r->hash.b[bit % 32] ^= (uint8_t)(1 << bit % 8); return true;
    case 1: r->salt[bit % 8] ^= (uint8_t)(1 << bit % 8); return true;
    case 2: r->run.b[bit % 16] ^= (uint8_t)(1 << bit % 8); return true;
    case 3: r->seq ^= UINT64_C(1) << bit % 64; return true;
    case 4: r->step ^= UINT32_C(1) << bit % 32; return true;
    case 5: r->cause ^= UINT64_C(1) << bit % 64; return true;
    case 6: r->kind = (enum pawl_kind)((int)r->kind ^ 1 << bit % 6); return true;
    default: break;
    }
    if (r->body.n == 0) return false;
    memcpy(body, r->body.p, r->body.n);
    body[bit % r->body.n] ^= (char)(1 << bit % 7);
    r->body.p = body;
    return true;
}

static void check_kind(enum pawl_kind k)
{
    const char *name = pawl_kind_name(k);
    if (k == PAWL_KIND_NONE ? name[0] != 0 : pawl_kind_of(pawl_str_of(name)) != k) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pawl_hash none;
    struct pawl_record records[RECORDS];
    struct pawl_error err = {0};
    struct pawl_hash last;
    struct input in = {data, size};
    char body[256];
    uint32_t count = 0;
    if (size < HEAD) return 0;
    const uint8_t which = byte(&in), where = byte(&in), bit = byte(&in);
    while (count < RECORDS && in.n > 0) {
        take(&in, count ? &records[count - 1] : NULL, &records[count]);
        records[count].hash = pawl_record_hash(&records[count], count ? records[count - 1].hash : none);
        check_kind(records[count].kind);
        count++;
    }
    if (count == 0) return 0;
    if (pawl_chain_check(records, count, &last, &err) != PAWL_OK) abort();
    if (memcmp(last.b, records[count - 1].hash.b, sizeof last.b) != 0) abort();
    struct pawl_record *r = &records[which % count];
    if (!change(r, where, bit, body)) return 0;
    if (pawl_chain_check(records, count, &last, &err) != PAWL_ECORRUPT || !err.what[0] || !err.next[0]) abort();
    unsigned long long named = 0;
    if (sscanf(err.what, "record %llu:", &named) != 1 || named != (which % count) + 1) abort();
    return 0;
}
