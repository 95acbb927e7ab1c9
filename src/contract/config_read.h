/* src/contract/config_read.h - reading one configuration: what is under way, and typed values out of its tree. In the room.
 *
 * A getter returns true where the key is there and its value is right. Where the value is wrong a fault is told at its
 * place, and false comes back as for a key that is not there; so defaults are set first and readers go on after any
 * fault. Memory that runs out shows in the arena's `failed` or in `no_memory`; pawl_config_load looks once, at the end. */
#pragma once
#include "contract/config_fault.h"
#include "contract/yaml.h"

struct pawl_reader {
    struct pawl_config *config; /* being made; what is in it can be freed at any time */
    struct pawl_arena *arena;   /* the configuration's */
    struct pawl_faults *faults;
    const struct pawl_env_lookup *env; /* NULL: nothing is set */
    const struct pawl_alloc *from;
    struct pawl_retry retry; /* defaults: */
    struct pawl_breaker breaker;
    int64_t timeout_ns;
    const struct pawl_yaml *const *tool_nodes; /* beside config->tools */
    const struct pawl_yaml *arguments;         /* of the tool at hand: its input's properties; NULL: not told */
    struct pawl_schema_cache schemas;
    struct pawl_pair *secrets;
    uint32_t secrets_size;
    bool no_memory;
};

/* The nearest of some names to one that is not among them: a slip of the hand, or its beginning. */
struct pawl_near {
    struct pawl_str name, best; /* best.p NULL: none is near */
    uint32_t distance;
};
void pawl_near_try(struct pawl_near *n, struct pawl_str candidate);

/* Every key must be among `now`; one of `later` is told to be of a later version. Both end in NULL, later may be it. */
void pawl_reader_keys(struct pawl_reader *r, const struct pawl_yaml *map, const char *const *now,
                      const char *const *later);
const struct pawl_yaml *pawl_reader_get(const struct pawl_yaml *map, const char *key); /* NULL: not there */
bool pawl_reader_need(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, const char *next);

bool pawl_reader_suggests(
    const struct pawl_reader *r); /* few faults so far: looking for the nearest name is worth it */
bool pawl_reader_few(struct pawl_reader *r, const struct pawl_yaml *v, const char *what,
                     uint32_t max); /* what a list or map has */

/* A fault: "KEY: expected EXPECTED, found …". */
void pawl_reader_expected(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, const char *expected);
/* A fault that names something which is not there, and the nearest that is. */
void pawl_reader_dangling(struct pawl_reader *r, const struct pawl_yaml *v, const char *what,
                          const struct pawl_near *near);

const struct pawl_yaml *pawl_reader_map(struct pawl_reader *r, const struct pawl_yaml *map, const char *key);
const struct pawl_yaml *pawl_reader_list(struct pawl_reader *r, const struct pawl_yaml *map, const char *key);
bool pawl_reader_duration(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t min_ns,
                          int64_t *out);
bool pawl_reader_size(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t min_bytes,
                      int64_t *out);
bool pawl_reader_count(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, uint32_t max,
                       uint32_t *out); /* from 1 */
bool pawl_reader_number(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, double min, double max,
                        double *out);
bool pawl_reader_flag(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, bool *out);
bool pawl_reader_share(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, double *pct); /* 50% */
bool pawl_reader_choice(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, const char *const *choices,
                        int *out);
void pawl_reader_retry(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, struct pawl_retry *out);
/* May a model, tool, agent be called so? 64 of letters, digits, _ and -; `dots`: and dots. */
void pawl_reader_name(struct pawl_reader *r, const struct pawl_yaml_member *m, const char *what, bool dots);

/* config_text.c. Text as it stands; a reference to the environment in it is a fault. */
bool pawl_reader_text(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, struct pawl_str *out);
/* Text whose ${env:…} are resolved now. `template`: it is one, and what comes in from the environment is no part of it. */
bool pawl_reader_target(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                        struct pawl_str *out);
/* Text whose ${env:…} stay, their values captured. A fault at a line end or another control character. */
bool pawl_reader_secret(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                        struct pawl_str *out);
/* A template: well formed, and the arguments that it names exist. */
bool pawl_reader_template(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, struct pawl_str text);
bool pawl_reader_argument(struct pawl_reader *r, uint32_t line, uint32_t column, struct pawl_str name);
/* config_http.c */
bool pawl_reader_url(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                     struct pawl_str url);
void pawl_reader_headers(struct pawl_reader *r, const struct pawl_yaml *map, bool template,
                         const struct pawl_pair **out, uint32_t *count);
bool pawl_is_header_name(struct pawl_str name);

/* config_json.c. What $arg may refer to, here. */
enum {
    PAWL_ARG_ARGS = 1,
    PAWL_ARG_RUN = 2,
    PAWL_ARG_RESULT = 4,
    PAWL_ARG_KEY = 8,
    PAWL_ARG_FACTS = 16,
    PAWL_ARG_PLACE = 32
};
/* A schema, compiled, and its canonical text. arg 0: $arg may not be in it. */
bool pawl_reader_schema(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, unsigned arg,
                        struct pawl_schema **out, struct pawl_str *json);
/* JSON that is filled in at sending, as canonical text. */
bool pawl_reader_json(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, unsigned arg,
                      struct pawl_str *out);
/* Faults at references that nothing fills in. */
void pawl_reader_literal(struct pawl_reader *r, const struct pawl_yaml *v, const char *key);
struct pawl_str pawl_reader_canonical(struct pawl_reader *r, const struct pawl_yaml *v,
                                      yyjson_val **tree); /* tree: may be NULL */
/* Is this RFC 6901, and not the root? NULL: yes. */
const char *pawl_pointer_fault(struct pawl_str pointer);
struct pawl_str pawl_pointer_head(struct pawl_str pointer); /* the first token, as it is written */

/* The sections. */
void pawl_read_models(struct pawl_reader *r, const struct pawl_yaml *models);                  /* config_models.c */
bool pawl_read_script(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_str *out); /* config_script.c */
void pawl_read_tools(struct pawl_reader *r, const struct pawl_yaml *tools);                    /* config_tools.c */
const struct pawl_yaml *pawl_reader_properties(
    const struct pawl_yaml *tool); /* of its input, where that lists them all; else NULL */
void pawl_read_effects(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t); /* config_effects.c */
/* config_wait.c: tools that wait for a signal; and what an effect may be there. */
void pawl_read_signal(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t);
/* Tools that start another agent; and, once all agents are read, whether those are there and what their effects are. */
void pawl_read_child(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t);
void pawl_link_children(struct pawl_reader *r);
void pawl_wait_effect(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t);
void pawl_read_errors(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t); /* config_errors.c */
void pawl_link_tool(struct pawl_reader *r, const struct pawl_yaml *v,
                    const struct pawl_tool *t); /* config_link.c: names of tools */
/* config_check.c: `check`, `before` and `after` of a tool; and, once all are read, the reads that they name. */
/* config_looks.c: which of a check's members (PAWL_CHECK_RESULT, ...) a schema over them looks at, NULL: none; and which of
 * them a part of one refers to by $arg. */
unsigned pawl_reader_looks(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t);
unsigned pawl_reader_refers(const struct pawl_yaml *v);
void pawl_read_checks(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t);
void pawl_link_checks(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t);
/* config_link.c: the tool that KEY: {tool, args} names, and whether it gets what it requires; NULL: none, or it was told. */
const struct pawl_tool *pawl_linked_tool(struct pawl_reader *r, const struct pawl_yaml *v, const char *key,
                                         struct pawl_str name);
/* config_lanes.c. Names that are there; false: it was told that there is none. */
void pawl_read_pools(struct pawl_reader *r, const struct pawl_yaml *pools);
void pawl_read_lanes(struct pawl_reader *r, const struct pawl_yaml *lanes);
bool pawl_reader_pool(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out);
bool pawl_reader_lane(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out);
/* config_breaker.c. `breaker: none` turns it off; f NULL: no fallback may stand in it. */
void pawl_default_breaker(struct pawl_breaker *b);
void pawl_reader_breaker(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_breaker *b,
                         struct pawl_fallback *f);
/* config_guards.c: an agent's guards, the defaults where it says nothing; what a read says of the world */
void pawl_read_guards(struct pawl_reader *r, const struct pawl_yaml *agent, struct pawl_agent *a);
void pawl_read_facts(struct pawl_reader *r, const struct pawl_yaml *tool, struct pawl_tool *t);
void pawl_read_agents(struct pawl_reader *r, const struct pawl_yaml *agents);       /* config_agents.c */
void pawl_read_serve(struct pawl_reader *r, const struct pawl_yaml *root);          /* config_serve.c */
void pawl_read_schedules(struct pawl_reader *r, const struct pawl_yaml *schedules); /* config_schedule.c */
/* config_budget.c */
void pawl_reader_price(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_price *out);
void pawl_reader_budget(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_agent *a);
void pawl_reader_routing(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_agent *a);
void pawl_read_budget(struct pawl_reader *r, const struct pawl_yaml *root);
void pawl_link_prices(struct pawl_reader *r,
                      struct pawl_model *models); /* all is read; models are the configuration's */
void pawl_read_opinion(struct pawl_reader *r, const struct pawl_yaml *agent,
                       struct pawl_agent *a); /* config_opinion.c: second_opinion */
/* config_context.c: `context` of an agent, and `context` of its budget. Adds recall to its tools. */
void pawl_read_context(struct pawl_reader *r, const struct pawl_yaml *agent, struct pawl_agent *a);
void pawl_read_async(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t); /* config_async.c */
/* A secret that signs: ${env:NAME}, nothing that would be stored. */
bool pawl_reader_signing(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out);
