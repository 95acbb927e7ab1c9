/* examples/c/hello.c - an agent with one tool that is a C function.
 *   cc hello.c $(pkg-config --cflags --libs pawl) -o hello && ./hello
 * Kill it anywhere and start it again: the key makes it the same run, and what was done stays done. */
#include <pawl/pawl.h>
#include <stdio.h>
#include <string.h>

static void greet(void *ctx, const struct pawl_tool_call *call,
                  void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    static const char said[] = "{\"greeted\": true}";
    (void)ctx;
    printf("step %u, key %s: %s\n", call->step, call->key, call->args);
    answer(answer_ctx, PAWL_TOOL_APPLIED, said, strlen(said));
}

int main(int argc, char **argv)
{
    struct pawl_options options = {.size = sizeof options, .config = argc > 1 ? argv[1] : "hello.yaml"};
    struct pawl_start start = {.size = sizeof start, .agent = "greeter", .input = "greet the world", .key = "hello-1"};
    struct pawl_error err;
    struct pawl *p = NULL;
    const char *status = "";
    char run[37];
    if (pawl_open(&options, &p, &err) == PAWL_OK && pawl_register_tool(p, "greet", greet, NULL, &err) == PAWL_OK &&
        pawl_start_run(p, &start, run, &err) == PAWL_OK && pawl_wait(p, run, -1, &status, &err) == PAWL_OK)
        printf("run %s: %s\n", run, status);
    else fprintf(stderr, "%s: %s; %s\n", err.where, err.what, err.next);
    pawl_close(p);
    return strcmp(status, "done") != 0;
}
