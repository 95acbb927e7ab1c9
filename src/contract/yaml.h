/* src/contract/yaml.h - YAML 1.2, core schema, or JSON, read into a tree that knows where everything stands.
 *
 * Source: YAML 1.2.2 chapter 10.3 (core schema); libyaml does the syntax. Only true and false are booleans, `no` is a
 * text, 0o17 and 0x1f are numbers, quoted scalars are texts. Refused: what JSON cannot hold (.inf, .nan, integers beyond
 * 2^53), tags but !!str, merge keys, keys that are no text, duplicate keys, a second document, characters that are a line
 * end to YAML 1.1 only. Text that is a valid JSON object is read as JSON: there every string that JSON can write is kept. */
#pragma once
#include "contract/config_fault.h"
#include "contract/json.h"

enum {
    PAWL_YAML_ALIASES = 64,
    /* aliases counted as what they stand for: */
    PAWL_YAML_DEPTH = 64,
    PAWL_YAML_NODES = 100000,
    PAWL_YAML_BYTES = 1024 * 1024, /* of all texts and keys */
};

enum pawl_yaml_kind {
    PAWL_YAML_BAD, /* a fault was told already: whoever meets it says nothing more */
    PAWL_YAML_NULL,
    PAWL_YAML_BOOL,
    PAWL_YAML_NUMBER,
    PAWL_YAML_TEXT,
    PAWL_YAML_LIST,
    PAWL_YAML_MAP
};
struct pawl_yaml;
struct pawl_yaml_member {
    struct pawl_str key;
    uint32_t line, column;
    const struct pawl_yaml *value;
};
struct pawl_yaml { /* immutable once read; an alias and its anchor share one */
    enum pawl_yaml_kind kind;
    uint32_t line, column; /* where it begins; a list or map that is a member's value: where its key stands */
    struct pawl_str text;  /* TEXT; NUMBER: as JSON writes it; BOOL: true or false. NUL behind */
    const struct pawl_yaml *const *items;
    const struct pawl_yaml_member *members; /* sorted by key, each key once */
    uint32_t count;
    uint32_t nodes, bytes, height; /* of this and all below, aliases as what they stand for; a scalar's height is 0 */
};

/* PAWL_OK; PAWL_ECONFIG: not readable, a fault says why; PAWL_ENOMEM. Faults that leave a tree are told, too. */
int pawl_yaml_read(struct pawl_str text, struct pawl_arena *a, struct pawl_faults *f, const struct pawl_yaml **out);

const struct pawl_yaml_member *pawl_yaml_member(const struct pawl_yaml *map, const char *key); /* NULL: none */
const struct pawl_yaml_member *pawl_yaml_find(const struct pawl_yaml *map, struct pawl_str key);
/* As JSON text; BAD is null. */
void pawl_yaml_json(const struct pawl_yaml *v, struct pawl_json_writer *w);
/* The value of a JSON pointer, NULL: there is none; and where it stands, or what it leads to as far as it goes: the line of
 * its key. */
const struct pawl_yaml *pawl_yaml_place(const struct pawl_yaml *v, struct pawl_str pointer, uint32_t *line,
                                        uint32_t *column);

/* yaml_scalar.c: what a plain scalar is (kind, text) by the core schema. BAD: *why says what is wrong with it. */
void pawl_yaml_plain(struct pawl_yaml *v, struct pawl_str text, struct pawl_arena *a, const char **why);
/* Can JSON keep this number, which is in JSON's form and ends in a NUL? NULL: yes. */
const char *pawl_yaml_number_fault(const char *number);
/* yaml_tree.c: put a node together from what stood in it, in order; sorts members and tells duplicates. */
struct pawl_yaml_part {
    struct pawl_yaml_part *next;
    struct pawl_yaml_member member; /* key {NULL,0} in a list */
};
int pawl_yaml_close(struct pawl_yaml *v, const struct pawl_yaml_part *parts, uint32_t count, struct pawl_arena *a,
                    struct pawl_faults *f);
/* yaml_json.c: the tree of valid JSON. */
int pawl_yaml_from_json(struct pawl_str text, yyjson_val *root, struct pawl_arena *a, struct pawl_faults *f,
                        const struct pawl_yaml **out);
