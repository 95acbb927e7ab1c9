/* src/contract/zone_kit.h - for tests: a compiled zone with nothing but a rule. */
#pragma once
#include "base/test.h"
#include "contract/zone.h"

static struct pawl_str kit_zone(struct pawl_arena *a, const char *rule)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    for (int block = 0; block < 2; block++) {
        uint8_t head[44] = {'T', 'Z', 'i', 'f', '2'};
        head[39] = 1; /* one type */
        head[43] = 4; /* of four letters */
        pawl_buf_add(&b, (const char *)head, sizeof head);
        pawl_buf_add(&b, "\0\0\0\0\0\0LMT\0", 10);
    }
    pawl_buf_printf(&b, "\n%s\n", rule);
    return pawl_buf_done(&b);
}
