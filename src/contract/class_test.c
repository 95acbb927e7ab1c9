/* src/contract/class_test.c - every class has a name of its own, and the name leads back to it. */
#include "base/test.h"
#include "contract/contract.h"

int main(void)
{
    for (unsigned c = PAWL_CLASS_NONE + 1; c < PAWL_CLASS_COUNT; c++) {
        const char *name = pawl_class_name((enum pawl_class)c);
        CHECK(name[0] >= 'a' && name[0] <= 'z');
        CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
        CHECK_INT(pawl_class_of(pawl_str_of(name)), c);
    }
    CHECK_TEXT(pawl_class_name(PAWL_CLASS_NONE), "");
    CHECK_TEXT(pawl_class_name(PAWL_CLASS_RATE_LIMITED), "rate_limited");
    CHECK_TEXT(pawl_class_name(PAWL_CLASS_CRASHED_ITS_OWNER), "crashed_its_owner");
    CHECK_INT(pawl_class_of(PAWL_STR("")), PAWL_CLASS_NONE);
    CHECK_INT(pawl_class_of(PAWL_STR("Timeout")), PAWL_CLASS_NONE);
    CHECK_INT(pawl_class_of(PAWL_STR("timeouts")), PAWL_CLASS_NONE);
    return TEST_END();
}
