/* A test is a function; a check that fails ends it and is told with its place. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};

extern jmp_buf check_failed;
extern const struct test tests[];

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition);           \
            longjmp(check_failed, 1);                                          \
        }                                                                      \
    } while (0)

#define CHECK_IS(expression, expected)                                         \
    do {                                                                       \
        long long is_ = (long long)(expression);                               \
        long long be_ = (long long)(expected);                                 \
        if (is_ != be_) {                                                      \
            printf("  %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__,      \
                   #expression, is_, be_);                                     \
            longjmp(check_failed, 1);                                          \
        }                                                                      \
    } while (0)

/* Without node nothing works: ends the whole program. For threads, too. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition);           \
            fflush(stdout);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

#endif
