/* src/policy/budget_test.c - what fits, what a call may cost at worst, how rows and accounts go together, days, amounts. */
#include "policy/budget.h"
#include "base/test.h"

static struct test_alloc memory;

static void fitting(void)
{
    static const struct {
        int64_t most, gone, reserved, need;
        enum pawl_fits want;
    } rows[] = {
        {100, 0, 0, 100, PAWL_FITS},
        {100, 0, 0, 101, PAWL_FITS_NEVER},
        {100, 40, 20, 40, PAWL_FITS},
        {100, 40, 20, 41, PAWL_FITS_LATER}, /* once the 20 have settled */
        {100, 40, 20, 60, PAWL_FITS_LATER},
        {100, 40, 20, 61, PAWL_FITS_NEVER},
        {100, 100, 0, 0, PAWL_FITS},
        {100, 100, 0, 1, PAWL_FITS_NEVER},
        {100, 0, INT64_MAX, 1, PAWL_FITS_LATER},
        {INT64_MAX - 1, INT64_MAX - 1, 0, INT64_MAX, PAWL_FITS_NEVER},
        {0, 0, 0, 1, PAWL_FITS_NEVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!CHECK_INT(pawl_budget_fits(rows[i].most, rows[i].gone, rows[i].reserved, rows[i].need), rows[i].want))
            printf("row %zu\n", i);
}

static void days(void)
{
    static const struct {
        int64_t s;
        const char *want;
    } rows[] = {{0, "1970-01-01"},          {86399, "1970-01-01"},      {86400, "1970-01-02"},
                {951782400, "2000-02-29"},  {951868800, "2000-03-01"},  {1767225599, "2025-12-31"},
                {1767225600, "2026-01-01"}, {4107542400, "2100-03-01"}, {-1, "1969-12-31"}};
    char text[16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pawl_day_text(rows[i].s * 1000000000, text);
        CHECK_TEXT(text, rows[i].want);
    }
}

static const struct pawl_model priced = {.name = {"main", 4},
                                         .max_tokens = 50,
                                         .price = {.known = true, .input_pusd = 3, .cached_pusd = 5, .output_pusd = 7}};
static const struct pawl_model scripted = {.name = {"s", 1}, .provider = PAWL_PROVIDER_SCRIPT};

static void worst(void)
{
    static const struct pawl_message said = {.role = PAWL_ROLE_USER, .content = {"hello", 5}};
    const struct pawl_decision decision = {.messages = &said, .messages_count = 1};
    struct pawl_pass p = {.model = &priced, .request = {"0123456789", 10}};
    struct pawl_model dear = priced;
    int64_t need[PAWL_BUDGET_OFS];
    pawl_budget_need(&p, need);
    CHECK_INT(need[PAWL_BUDGET_STEPS], 1);
    CHECK_INT(need[PAWL_BUDGET_TOKENS], 60);
    CHECK_INT(need[PAWL_BUDGET_COST], 10 * 5 + 50 * 7); /* whatever is dearer: it may be cached or not */
    p.model = &scripted;
    p.decision = &decision;
    pawl_budget_need(&p, need);
    CHECK_INT(need[PAWL_BUDGET_TOKENS], 10 + 32 + 5 + PAWL_OUTPUT_TOKENS);
    CHECK_INT(need[PAWL_BUDGET_COST], 0); /* no price: nothing can be said */
    dear.price.output_pusd = INT64_MAX / 2;
    p.model = &dear;
    pawl_budget_need(&p, need);
    CHECK_INT(need[PAWL_BUDGET_COST], INT64_MAX);
}

/* What is settled takes back what was reserved, in the very accounts that it was reserved in. */
static void settling(void)
{
    static const struct pawl_str names[] = {{"agent a day 2026-11-21", 22}, {"all", 3}};
    const struct pawl_step s = {
        .attempts = 2, .reserves = true, .reserved = {1, 60, 400}, .accounts = names, .accounts_count = 2};
    const struct pawl_settlement spent = {.amount = {2, 30, 90}, .input = 20, .cached = 5, .output = 10};
    const struct pawl_settlement lost = {.amount = {1, 60, 400}, .estimated = true, .input = -1};
    struct pawl_shared_state shared;
    struct pawl_shared_op ops[12];
    struct pawl_arena a;
    struct pawl_str body;
    uint32_t count;
    char row[160];
    pawl_shared_init(&shared, &memory.alloc);
    pawl_arena_init(&a, &memory.alloc);
    CHECK_INT(pawl_budget_ops_max(&s), 12);
    for (int k = 0; k < 2; k++)
        for (int of = 0; of < PAWL_BUDGET_OFS; of++)
            CHECK_INT(pawl_account_apply(&shared,
                                         pawl_account_row(row, names[k], PAWL_RESERVED, (enum pawl_budget_of)of),
                                         s.reserved[of], PAWL_ACCOUNT_READ),
                      PAWL_OK);
    CHECK_INT(pawl_budget_close(&s, &spent, &a, &body, ops, &count), PAWL_OK);
    CHECK_TEXT(body.p, "{\"attempt\":2,\"steps\":2,\"tokens\":30,\"cost\":90,\"input\":20,\"cached\":5,\"output\":10}");
    CHECK_INT(count, 12);
    CHECK(pawl_str_is(ops[0].name, "budget steps spent agent a day 2026-11-21"));
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, ops[i].add, PAWL_ACCOUNT_ASKED);
    const struct pawl_account *all = pawl_account_find(&shared, names[1]);
    CHECK(all != NULL);
    if (all) { /* spent counts at once, what was reserved is free only when that is stored */
        CHECK_INT(all->spending.of[PAWL_SPENT][PAWL_BUDGET_COST], 90);
        CHECK_INT(all->spending.of[PAWL_RESERVED][PAWL_BUDGET_COST], 400);
    }
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, ops[i].add, PAWL_ACCOUNT_STORED);
    if (all) {
        CHECK_INT(all->spending.of[PAWL_SPENT][PAWL_BUDGET_COST], 90);
        CHECK_INT(all->spending.of[PAWL_RESERVED][PAWL_BUDGET_COST], 0);
        CHECK_INT(pawl_spend_gone(&all->spending, PAWL_BUDGET_TOKENS), 30);
    }
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, -ops[i].add, PAWL_ACCOUNT_READ);
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, ops[i].add, PAWL_ACCOUNT_ASKED);
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, ops[i].add, PAWL_ACCOUNT_LOST);
    if (all) { /* refused: as it was */
        CHECK_INT(all->spending.of[PAWL_SPENT][PAWL_BUDGET_COST], 0);
        CHECK_INT(all->spending.of[PAWL_RESERVED][PAWL_BUDGET_COST], 400);
    }
    CHECK_INT(pawl_budget_close(&s, &lost, &a, &body, ops, &count), PAWL_OK);
    CHECK_TEXT(body.p, "{\"attempt\":2,\"steps\":1,\"tokens\":60,\"cost\":400,\"estimated\":true}");
    for (uint32_t i = 0; i < count; i++) pawl_account_apply(&shared, ops[i].name, ops[i].add, PAWL_ACCOUNT_READ);
    if (all) {
        CHECK_INT(all->spending.of[PAWL_ESTIMATED][PAWL_BUDGET_COST], 400);
        CHECK_INT(all->spending.of[PAWL_SPENT][PAWL_BUDGET_COST], 0);
        CHECK_INT(all->spending.of[PAWL_RESERVED][PAWL_BUDGET_TOKENS], 0);
    }
    CHECK_INT(pawl_account_apply(&shared, PAWL_STR("breaker tool x"), 1, PAWL_ACCOUNT_READ),
              PAWL_OK); /* no row of ours */
    CHECK_INT(pawl_account_apply(&shared, PAWL_STR("budget cost spent"), 1, PAWL_ACCOUNT_READ), PAWL_OK);
    CHECK_INT(shared.accounts.count, 2);
    pawl_arena_fini(&a);
    pawl_shared_fini(&shared);
}

/* A person's word for more: of the right kind, or none at all. */
static void more(void)
{
    static const struct {
        enum pawl_budget_of of;
        const char *said;
        int64_t want; /* -1: refused */
    } rows[] = {{PAWL_BUDGET_COST, "", 77},
                {PAWL_BUDGET_COST, "\"0.50 USD\"", 500000000000},
                {PAWL_BUDGET_COST, "\"100k\"", -1},
                {PAWL_BUDGET_COST, "5", -1},
                {PAWL_BUDGET_COST, "\"0 USD\"", -1},
                {PAWL_BUDGET_TOKENS, "\"100k\"", 100000},
                {PAWL_BUDGET_TOKENS, "100", 100},
                {PAWL_BUDGET_TOKENS, "-1", -1},
                {PAWL_BUDGET_TOKENS, "1.5", -1},
                {PAWL_BUDGET_TOKENS, "null", -1},
                {PAWL_BUDGET_STEPS, "\"0.50 USD\"", -1}};
    struct pawl_arena a;
    pawl_arena_init(&a, &memory.alloc);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_shortage s = {.of = rows[i].of, .more = 77};
        yyjson_val *v = NULL;
        int64_t got = 0;
        if (rows[i].said[0]) CHECK_INT(pawl_json_read(pawl_str_of(rows[i].said), &a, &v, NULL), PAWL_OK);
        if (!CHECK_INT(pawl_budget_more(&s, v, &got) ? got : -1, rows[i].want)) printf("row %zu\n", i);
    }
    pawl_arena_fini(&a);
}

static const struct pawl_id child_id = {{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}};
static const char own[] = "run 01020304-0506-7008-800a-0b0c0d0e0f10";

static struct pawl_record record_of(uint64_t seq, enum pawl_kind kind, const char *body)
{
    return (struct pawl_record){.run = child_id, .seq = seq, .kind = kind, .body = pawl_str_of(body)};
}

/* A run that is limited and may start others pays from its own account and from those above it, until a person makes it go on
 * by itself; what is closed at its end is its own account, whole. */
static void family(void)
{
    static const struct {
        const char *payers;
        bool retried;
        uint32_t count, drops;
    } rows[] = {
        {"[]", false, 0, 0},
        {"[{\"account\":\"run 01020304-0506-7008-800a-0b0c0d0e0f10\",\"tokens\":9}]", false, 1, 12},
        {"[{\"account\":\"run 01020304-0506-7008-800a-0b0c0d0e0f10\",\"tokens\":9}]", true, 1, 12},
        {"[{\"account\":\"run a\",\"tokens\":9},{\"account\":\"run b\",\"cost\":9}]", false, 2, 0},
        {"[{\"account\":\"run a\",\"tokens\":9},{\"account\":\"run b\",\"cost\":9}]", true, 0, 0},
        {"[{\"account\":\"run 01020304-0506-7008-800a-0b0c0d0e0f10\"},{\"account\":\"run a\"}]", false, 2, 12},
        {"[{\"account\":\"run 01020304-0506-7008-800a-0b0c0d0e0f10\"},{\"account\":\"run a\"}]", true, 1, 12},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_shared_op ops[PAWL_PAYER_ROWS];
        struct pawl_arena a;
        struct pawl_run run;
        char body[256];
        snprintf(body, sizeof body, "{\"agent\":\"x\",\"input\":1,\"payers\":%s}", rows[i].payers);
        const struct pawl_record records[] = {record_of(1, PAWL_RUN_CREATED, body),
                                              record_of(2, PAWL_RUN_ENDED,
                                                        "{\"status\":\"failed\",\"code\":11,\"class\":\"internal\"}"),
                                              record_of(3, PAWL_RUN_RETRIED, "{\"again\":[]}")};
        pawl_arena_init(&a, &memory.alloc);
        pawl_run_init(&run, &a);
        for (int k = 0; k < (rows[i].retried ? 3 : 2); k++) CHECK_INT(pawl_run_fold(&run, &records[k], NULL), PAWL_OK);
        if (!CHECK_INT(run.payers_count, rows[i].count)) printf("row %zu\n", i);
        if (run.payers_count && rows[i].drops) CHECK(pawl_str_is(run.payers[0].account, own));
        CHECK_INT(pawl_payers_close(&run, &a, ops), rows[i].drops);
        for (uint32_t k = 0; k < rows[i].drops; k++)
            CHECK(ops[k].drop && memmem(ops[k].name.p, ops[k].name.n, own, 40));
        pawl_arena_fini(&a);
    }
}

static void words(void)
{
    static const char *const rows[][2] = {{"run", "of this run"},
                                          {"all", "of all runs"},
                                          {"day 2026-11-21", "of all runs on 2026-11-21"},
                                          {"agent refunds", "of agent refunds"},
                                          {"agent refunds day 2026-11-21", "of agent refunds on 2026-11-21"}};
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, b.n = 0) {
        pawl_budget_whose(pawl_str_of(rows[i][0]), &b);
        CHECK_TEXT(pawl_buf_done(&b).p, rows[i][1]);
    }
    pawl_buf_fini(&b);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    fitting();
    days();
    worst();
    settling();
    more();
    family();
    words();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
