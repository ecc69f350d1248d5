/* Times calls one by one and prints each time in nanoseconds. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline long long clock_ns(void)
{
    struct timespec it;
    clock_gettime(CLOCK_MONOTONIC, &it);
    return it.tv_sec * 1000000000LL + it.tv_nsec;
}

#define CHECK(call)                                                            \
    do {                                                                       \
        int error_ = (int)(call);                                              \
        if (error_ != 1) {                                                     \
            fprintf(stderr, "%s:%d: %s: %d\n", __FILE__, __LINE__, #call, error_); \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

#define TIMES(count, call)                                                     \
    do {                                                                       \
        long long *times_ = malloc(sizeof *times_ * (size_t)(count));          \
        for (int i_ = 0; i_ < (count); i_++) {                                 \
            long long begun_ = clock_ns();                                     \
            call;                                                              \
            times_[i_] = clock_ns() - begun_;                                  \
        }                                                                      \
        for (int i_ = 0; i_ < (count); i_++)                                   \
            printf("%lld\n", times_[i_]);                                      \
        free(times_);                                                          \
    } while (0)

#endif
