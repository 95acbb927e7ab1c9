/* src/io/env_test.c - what is set, what is not, and what is no name. */
#include "io/env.h"
#include "base/test.h"

int main(void)
{
    setenv("PAWL_TEST_NAME", "value", 1);
    setenv("PAWL_TEST_EMPTY", "", 1);
    CHECK_TEXT(pawl_env_get(PAWL_STR("PAWL_TEST_NAME")).p, "value");
    CHECK_INT(pawl_env_get(PAWL_STR("PAWL_TEST_NAME")).n, 5);
    CHECK_TEXT(pawl_env_get((struct pawl_str){"PAWL_TEST_NAME and more", 14}).p, "value");
    CHECK_TEXT(pawl_env_get(PAWL_STR("PAWL_TEST_EMPTY")).p, "");
    CHECK(!pawl_env_get(PAWL_STR("PAWL_TEST_NOT_SET")).p);
    CHECK(!pawl_env_get(PAWL_STR("PAWL_TEST_NAM")).p);
    CHECK(!pawl_env_get(PAWL_STR("")).p);
    CHECK(!pawl_env_get((struct pawl_str){NULL, 0}).p);
    CHECK(!pawl_env_get(PAWL_STR("PAWL_TEST_NAME=value")).p);
    CHECK(!pawl_env_get(PAWL_STR("PAWL_TEST_NAME\0x")).p);
    char name[300];
    memset(name, 'N', sizeof name);
    CHECK(!pawl_env_get((struct pawl_str){name, sizeof name}).p);
    name[255] = 0;
    setenv(name, "long", 1);
    CHECK_TEXT(pawl_env_get((struct pawl_str){name, 255}).p, "long");
    return TEST_END();
}
