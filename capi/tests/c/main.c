/* Runs all tests, or those whose name begins with the argument. */
#include "check.h"

jmp_buf check_failed;

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "";
    volatile int failed = 0, ran = 0;
    const struct test *volatile test;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (test = tests; test->name != NULL; test++) {
        if (strncmp(test->name, prefix, strlen(prefix)) != 0)
            continue;
        ran++;
        if (setjmp(check_failed) == 0) {
            test->run();
            printf("ok %s\n", test->name);
        } else {
            failed++;
            printf("FAILED %s\n", test->name);
        }
    }
    printf("%d of %d tests failed\n", failed, ran);
    return failed != 0 || ran == 0;
}
