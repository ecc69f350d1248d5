/*
 * Every function of sam.h. A process can be supervised once: each case runs in a process of its
 * own, which becomes the supervisor, and whose exit status is the verdict.
 */
#include "check.h"
#include "sam.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

jmp_buf check_failed;

#define BAD CS_ERR_BAD_HANDLE
#define INVALID CS_ERR_INVALID_PARAM

static int never(void)
{
    return 1;
}

static void all_but_initialize_are_bad(void)
{
    size_t size;
    char byte = 0;
    MUST(sam_register(NULL) == BAD);
    MUST(sam_start() == BAD);
    MUST(sam_stop() == BAD);
    MUST(sam_hc_send() == BAD);
    MUST(sam_hc_callback_register(never) == BAD);
    MUST(sam_warn_signal_set(SIGUSR1) == BAD);
    MUST(sam_data_getsize(&size) == BAD);
    MUST(sam_data_restore(&byte, 1) == BAD);
    MUST(sam_data_store(&byte, 1) == BAD);
    MUST(sam_mark_failed() == BAD);
    MUST(sam_data_getsize(NULL) == INVALID);
    MUST(sam_data_restore(NULL, 1) == INVALID);
    MUST(sam_data_store(&byte, SSIZE_MAX) == CS_ERR_TOO_BIG);
    MUST(sam_data_store(NULL, SSIZE_MAX) == CS_ERR_TOO_BIG);
}

static void states(void)
{
    char data[8] = "1234567";
    unsigned instance = 77;
    size_t size = 77;
    all_but_initialize_are_bad();
    MUST(sam_finalize() == BAD);
    MUST(sam_initialize(0, 0) == INVALID);
    MUST(sam_initialize(0, 3) == INVALID);
    MUST(sam_initialize(20000, SAM_RECOVERY_POLICY_QUIT) == CS_OK);
    MUST(sam_initialize(20000, SAM_RECOVERY_POLICY_QUIT) == BAD);
    MUST(sam_start() == BAD && sam_stop() == BAD && sam_hc_send() == BAD);
    MUST(sam_mark_failed() == BAD && sam_hc_callback_register(never) == BAD);
    MUST(sam_data_getsize(&size) == CS_OK && size == 0);
    MUST(sam_data_restore(data, 0) == CS_OK);
    MUST(sam_data_store(data, 5) == CS_OK);
    MUST(sam_data_getsize(&size) == CS_OK && size == 5);
    MUST(sam_data_restore(data, 4) == INVALID);
    MUST(sam_warn_signal_set(SIGUSR1) == CS_OK);
    MUST(sam_register(&instance) == CS_OK && instance == 1);
    MUST(sam_register(&instance) == BAD);
    MUST(sam_stop() == BAD && sam_hc_send() == BAD);
    MUST(sam_mark_failed() == INVALID);
    MUST(sam_start() == CS_OK);
    MUST(sam_start() == BAD);
    MUST(sam_hc_callback_register(never) == BAD);
    MUST(sam_hc_send() == CS_OK);
    MUST(sam_stop() == CS_OK);
    MUST(sam_stop() == BAD);
    MUST(sam_start() == CS_OK);
    MUST(sam_finalize() == CS_OK);
    MUST(sam_finalize() == BAD);
    MUST(sam_initialize(2000, SAM_RECOVERY_POLICY_QUIT) == BAD);
    all_but_initialize_are_bad();
}

static void restarts(void)
{
    unsigned instance = 0;
    MUST(sam_initialize(0, SAM_RECOVERY_POLICY_RESTART) == CS_OK);
    MUST(sam_register(&instance) == CS_OK);
    if (instance < 10) {
        MUST(sam_start() == CS_OK);
        raise(SIGKILL);
    }
    MUST(instance == 10);
}

static void data(void)
{
    char found[128], large[128];
    unsigned instance = 0;
    size_t size = 0;
    memset(large, 'x', sizeof large);
    MUST(sam_initialize(0, SAM_RECOVERY_POLICY_RESTART) == CS_OK);
    MUST(sam_data_store(large, sizeof large) == CS_OK);
    MUST(sam_register(&instance) == CS_OK);
    MUST(sam_data_getsize(&size) == CS_OK);
    switch (instance) {
    case 1:
        MUST(size == sizeof large && sam_data_restore(found, sizeof found) == CS_OK);
        MUST(memcmp(found, large, sizeof large) == 0);
        MUST(sam_data_store("shorter", 7) == CS_OK);
        break;
    case 2:
        MUST(size == 7);
        memset(found, '.', sizeof found);
        MUST(sam_data_restore(found, sizeof found) == CS_OK && memcmp(found, "shorter.", 8) == 0);
        MUST(sam_data_store(NULL, 1) == CS_OK);
        break;
    default:
        MUST(instance == 3 && size == 0);
        return;
    }
    MUST(sam_start() == CS_OK);
    raise(SIGKILL);
}

static int checks;

static int healthy_twice(void)
{
    checks++;
    MUST(sam_data_store(&checks, sizeof checks) == CS_OK);
    return checks > 2;
}

static void health_checks(void)
{
    unsigned instance = 0;
    int seen = 0;
    MUST(sam_initialize(2000, SAM_RECOVERY_POLICY_RESTART) == CS_OK);
    MUST(sam_register(&instance) == CS_OK);
    if (instance == 1) {
        MUST(sam_hc_callback_register(NULL) == INVALID);
        MUST(sam_hc_callback_register(healthy_twice) == CS_OK);
        MUST(sam_start() == CS_OK);
        poll(NULL, 0, 60000);
        _exit(1); /* nobody noticed */
    }
    MUST(sam_data_restore(&seen, sizeof seen) == CS_OK && seen == 3);
}

static volatile sig_atomic_t warned;

static void on_warning(int number)
{
    (void)number;
    warned = 1;
}

static void warnings(void)
{
    unsigned instance = 0;
    int seen = 0, i;
    MUST(sam_initialize(2000, SAM_RECOVERY_POLICY_RESTART) == CS_OK);
    MUST(sam_register(&instance) == CS_OK);
    if (instance == 1) {
        signal(SIGUSR1, on_warning);
        MUST(sam_warn_signal_set(SIGUSR1) == CS_OK);
        MUST(sam_start() == CS_OK);
        for (i = 0; !warned && i < 600; i++)
            poll(NULL, 0, 100);
        seen = 1;
        MUST(warned && sam_data_store(&seen, sizeof seen) == CS_OK);
        poll(NULL, 0, 60000);
        _exit(1); /* it was warned, and not killed */
    }
    MUST(instance == 2 && sam_data_restore(&seen, sizeof seen) == CS_OK && seen == 1);
}

static void quits(void)
{
    MUST(sam_initialize(300, SAM_RECOVERY_POLICY_QUIT) == CS_OK);
    MUST(sam_register(NULL) == CS_OK);
    MUST(sam_start() == CS_OK);
    poll(NULL, 0, 60000);
    _exit(1); /* silence was not noticed */
}

static const struct test cases[] = {
    {"states", states},           {"restarts", restarts}, {"data", data},
    {"health_checks", health_checks}, {"warnings", warnings}, {"quits", quits},
};

int main(int argc, char **argv)
{
    size_t i;
    int failed = 0, status;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            cases[i].run();
            exit(0);
        }
        MUST(child > 0 && waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            printf("FAILED %s: %#x\n", cases[i].name, status);
            failed = 1;
        }
    }
    return failed;
}
