/* src/store/sqlite_select_test.c - SQL questions to a store in use: what comes back, and all that is not let through. */
#include "store/conformance_kit.h"
#include "journal/rules.h"
#include "store/sqlite_kit.h"

enum { SECOND = 1000000000 };
struct heard {
    char text[4096];
    uint32_t rows, stop_after;
};

/* All cells of all rows as one text: names | i:1 t:two n: | ... */
static int hear(void *ctx, const struct pawl_sqlite_cells *c)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text);
    for (uint32_t i = 0; i < c->count && n + 300 < sizeof h->text; i++) {
        const char type[3] = {c->types ? c->types[i] : 0, c->types ? ':' : 0, 0};
        n += (size_t)snprintf(h->text + n, 300, "%s%.*s ", type, (int)(c->text[i].n < 256 ? c->text[i].n : 256),
                              c->text[i].p ? c->text[i].p : "");
    }
    snprintf(h->text + n, sizeof h->text - n, "| ");
    h->rows += c->types != NULL;
    return h->stop_after != 0 && h->rows == h->stop_after ? PAWL_ECANCELLED : PAWL_OK;
}

static const struct row {
    const char *sql;
    int want;
    const char *heard;
} rows[] = {
    {"SELECT 1 AS one, 'two' AS two, NULL AS three, 2.5 AS four, x'414243' AS five", PAWL_OK,
     "one two three four five | i:1 t:two n: f:2.5 b:ABC | "},
    {"SELECT kind, count(*) AS n FROM journal GROUP BY kind;", PAWL_OK, "kind n | t:note i:1 | t:run.created i:2 | "},
    {" \n SELECT run FROM runs ORDER BY run LIMIT 1 ; \n", PAWL_OK, "run | t:019b76da-0001-7001-8000-000000000007 | "},
    {"SELECT json_extract(body, '$.agent') AS agent FROM journal WHERE 0", PAWL_OK, "agent | "},
    {"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT sum(n) AS s FROM c", PAWL_OK,
     "s | i:6 | "},
    {"SELECT '' AS empty, x'' AS none", PAWL_OK, "empty none | t: b: | "},
    {"SELECT group_concat(name) AS names FROM (SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name)",
     PAWL_OK, "names | t:journal,runs | "},
    {"", PAWL_EINVAL, ""},
    {" ;\n", PAWL_EINVAL, ""},
    {"-- nothing", PAWL_EINVAL, ""},
    {"SELEC 1", PAWL_EINVAL, ""},
    {"SELECT nope FROM journal", PAWL_EINVAL, ""},
    {"SELECT 1; SELECT 2", PAWL_EINVAL, ""},
    {"SELECT 1; DROP TABLE record", PAWL_EINVAL, ""},
    {"DROP TABLE record", PAWL_EREADONLY, ""},
    {"UPDATE run SET status = 10", PAWL_EREADONLY, ""},
    {"INSERT INTO meta VALUES('x', 1)", PAWL_EREADONLY, ""},
    {"INSERT INTO meta VALUES('x', 1) RETURNING name", PAWL_EREADONLY, ""},
    {"DELETE FROM record", PAWL_EREADONLY, ""},
    {"CREATE TEMP TABLE t(a)", PAWL_EREADONLY, ""},
    {"ATTACH '/tmp/other.db' AS other", PAWL_EREADONLY, ""},
    {"PRAGMA synchronous = OFF", PAWL_EREADONLY, ""},
    {"PRAGMA user_version", PAWL_EREADONLY, ""},
    {"SELECT * FROM pragma_table_info('run')", PAWL_EREADONLY, NULL},
    {"BEGIN", PAWL_EREADONLY, ""},
    {"COMMIT", PAWL_EREADONLY, ""},
    {"SAVEPOINT a", PAWL_EREADONLY, ""},
    {"VACUUM INTO '/tmp/copy.db'", PAWL_EREADONLY, ""},
    {"VACUUM", PAWL_EREADONLY, ""},
    {"REINDEX", PAWL_EREADONLY, ""},
    {"ANALYZE", PAWL_EREADONLY, ""},
    {"WITH x AS (SELECT 1) DELETE FROM run", PAWL_EREADONLY, ""},
    {"EXPLAIN SELECT 1", PAWL_OK, NULL},
};

int main(void)
{
    kit_begin();
    struct pawl_store *s = kit_fresh();
    struct pawl_error err;
    struct pawl_arena a;
    struct told t;
    pawl_arena_init(&a, pawl_alloc_libc());
    CHECK_INT(put_new(s, &t, 1, "k"), PAWL_OK);
    CHECK_INT(put_new(s, &t, 2, NULL), PAWL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct heard h = {.rows = 0};
        memset(&err, 0, sizeof err);
        const int got = pawl_sqlite_select(s, pawl_str_of(rows[i].sql), 10LL * SECOND, hear, &h, &err);
        if (!CHECK_INT(got, rows[i].want)) printf("  %s: %s\n", rows[i].sql, err.what);
        if (rows[i].heard) CHECK_TEXT(h.text, rows[i].heard);
        if (got != PAWL_OK) CHECK(err.code == got && err.what[0] && err.next[0]);
        tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}")); /* the store goes on after every question */
        CHECK_INT(put(s, &t), PAWL_OK);
    }

    /* a text that ends before its NUL */
    struct heard h = {.rows = 0};
    CHECK_INT(pawl_sqlite_select(s, (struct pawl_str){"SELECT 12345", 9}, SECOND, hear, &h, &err), PAWL_OK);
    CHECK_TEXT(h.text, "12 | i:12 | ");

    /* on what a run waits, in words, also where the file's own view is of an older pawl */
    s->close(s);
    kit_sql("DROP VIEW runs; CREATE VIEW runs AS SELECT id AS run, waiting FROM run");
    s = kit_open();
    for (int w = PAWL_WAIT_GATE; w < PAWL_WAIT_OWNER; w++) {
        char want[64];
        h = (struct heard){.rows = 0};
        t.head.status = PAWL_WAITING;
        t.head.waiting = (enum pawl_waiting)w;
        tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        CHECK_INT(put(s, &t), PAWL_OK);
        snprintf(want, sizeof want, "waiting | t:%s | ", pawl_waiting_word((enum pawl_waiting)w));
        CHECK_INT(pawl_sqlite_select(s, PAWL_STR("SELECT waiting FROM runs WHERE waiting IS NOT NULL"), 10LL * SECOND,
                                     hear, &h, &err),
                  PAWL_OK);
        CHECK_TEXT(h.text, want);
    }

    /* the caller has heard enough; the question never ends */
    h = (struct heard){.stop_after = 3};
    static const char endless[] = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c";
    CHECK_INT(pawl_sqlite_select(s, pawl_str_of(endless), 60LL * SECOND, hear, &h, &err), PAWL_ECANCELLED);
    CHECK_INT(h.rows, 3);
    h = (struct heard){.rows = 0};
    static const char silent[] =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
    CHECK_INT(pawl_sqlite_select(s, pawl_str_of(silent), SECOND / 1000, hear, &h, &err), PAWL_ELIMIT);
    CHECK_INT(h.rows, 0);
    tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(head_in(s, id_of(2), &a).seq, t.head.seq);
    pawl_arena_fini(&a);
    s->close(s);
    CHECK_TEXT(kit_ask("SELECT count(*) FROM record"), "47");
    return kit_end();
}
