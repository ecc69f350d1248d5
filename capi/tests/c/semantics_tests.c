/* Threads, blocking, signals, fork: what C programs do to a library. */
#include "ckpt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int told_count, told_twice;
static unsigned char told[4096];

static void synchronized(SaInvocationT invocation, SaAisErrorT error)
{
    (void)error;
    pthread_mutex_lock(&lock);
    told_count++;
    if (invocation < sizeof told && told[invocation]++)
        told_twice++;
    pthread_mutex_unlock(&lock);
}

static const SaCkptCallbacksT callbacks = {NULL, synchronized};

static int told_so_far(void)
{
    int count;
    pthread_mutex_lock(&lock);
    count = told_count;
    pthread_mutex_unlock(&lock);
    return count;
}

static void *dispatch_blocking(void *argument)
{
    SaAisErrorT error = saCkptDispatch(*(SaCkptHandleT *)argument, SA_DISPATCH_BLOCKING);
    return (void *)(long)error;
}

/* Several threads dispatch: each callback runs once, and Finalize wakes them all. */
static void test_dispatch_blocking(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("threads"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    pthread_t threads[4];
    void *returned;
    int i;
    told_count = told_twice = 0;
    memset(told, 0, sizeof told);
    for (i = 0; i < 4; i++)
        CHECK_IS(pthread_create(&threads[i], NULL, dispatch_blocking, &handle), 0);
    for (i = 0; i < 100; i++)
        CHECK_IS(saCkptCheckpointSynchronizeAsync(it, i), SA_AIS_OK);
    for (i = 0; told_so_far() < 100 && i < 10000; i++)
        poll(NULL, 0, 1);
    CHECK_IS(told_so_far(), 100);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    for (i = 0; i < 4; i++) {
        CHECK_IS(pthread_join(threads[i], &returned), 0);
        CHECK_IS((long)returned, SA_AIS_OK);
    }
    CHECK_IS(told_count, 100);
    CHECK_IS(told_twice, 0);
}

static void *poll_object(void *argument)
{
    struct pollfd fd = {*(int *)argument, POLLIN, 0};
    return (void *)(long)poll(&fd, 1, 20000);
}

/* A thread that polls the selection object wakes up when the handle is finalized. */
static void test_finalize_wakes_poll(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaSelectionObjectT object;
    pthread_t thread;
    void *returned;
    int fd;
    CHECK_IS(saCkptSelectionObjectGet(handle, &object), SA_AIS_OK);
    fd = (int)object;
    CHECK_IS(pthread_create(&thread, NULL, poll_object, &fd), 0);
    poll(NULL, 0, 50);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(pthread_join(thread, &returned), 0);
    CHECK_IS((long)returned, 1);
}

static volatile sig_atomic_t signals;

static void on_alarm(int signal)
{
    (void)signal;
    signals++;
}

/* Signals during calls: none of them ends early, none says so. */
static void test_signals(void)
{
    struct sigaction action, before;
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    SaCkptHandleT handle;
    SaCkptCheckpointHandleT it;
    SaCkptSectionIdT id = section("11");
    char buffer[85] = "data";
    SaCkptIOVectorElementT vector = element("11", buffer, sizeof buffer, 0);
    int i;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm; /* without SA_RESTART */
    CHECK_IS(sigaction(SIGALRM, &action, &before), 0);
    signals = 0;
    CHECK_IS(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (i = 0; i < 20; i++) {
        handle = begin(2, &callbacks);
        it = open_new(handle, DN("signals"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
        CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
        CHECK_IS(saCkptSectionOverwrite(it, &id, buffer, sizeof buffer), SA_AIS_OK);
        CHECK_IS(saCkptCheckpointRead(it, &vector, 1, NULL), SA_AIS_OK);
        CHECK_IS(saCkptCheckpointSynchronize(it, TEN_SECONDS), SA_AIS_OK);
        CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
        CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    }
    CHECK_IS(setitimer(ITIMER_REAL, &never, NULL), 0);
    /* One that is still on its way is no alarm for what comes next. */
    signal(SIGALRM, SIG_IGN);
    CHECK_IS(sigaction(SIGALRM, &before, NULL), 0);
    CHECK(signals > 0);
}

/* Signals do not end a dispatch that blocks, nor a wait in poll for which nothing has come. */
static void test_signals_while_dispatching(void)
{
    struct sigaction action, before;
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("blocking"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    pthread_t thread;
    void *returned;
    int i, sent;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm; /* without SA_RESTART */
    CHECK_IS(sigaction(SIGALRM, &action, &before), 0);
    signals = told_count = told_twice = 0;
    memset(told, 0, sizeof told);
    CHECK_IS(pthread_create(&thread, NULL, dispatch_blocking, &handle), 0);
    for (i = 0; i < 50; i++) {
        sent = signals;
        CHECK_IS(pthread_kill(thread, SIGALRM), 0);
        while (signals == sent)
            poll(NULL, 0, 1);
        CHECK_IS(saCkptCheckpointSynchronizeAsync(it, i), SA_AIS_OK);
    }
    for (i = 0; told_so_far() < 50 && i < 10000; i++)
        poll(NULL, 0, 1);
    CHECK_IS(told_so_far(), 50);
    CHECK_IS(told_twice, 0);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(pthread_join(thread, &returned), 0);
    CHECK_IS((long)returned, SA_AIS_OK);
    CHECK_IS(sigaction(SIGALRM, &before, NULL), 0);
}

/* The library leaves the program's signal handling as it is. */
static void test_signal_handling_is_untouched(void)
{
    struct sigaction action, actions[SIGTERM + 1];
    sigset_t before, after;
    SaCkptHandleT handle;
    int number;
    /* Who watches this program may handle some itself. */
    for (number = SIGHUP; number <= SIGTERM; number++)
        CHECK_IS(sigaction(number, NULL, &actions[number]), 0);
    /* The system writes no more of a set than there are signals. */
    memset(&before, 0, sizeof before);
    memset(&after, 0, sizeof after);
    CHECK_IS(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    handle = begin(2, &callbacks);
    CHECK_IS(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    for (number = SIGHUP; number <= SIGTERM; number++) {
        CHECK_IS(sigaction(number, NULL, &action), 0);
        CHECK(action.sa_handler == actions[number].sa_handler);
    }
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

/* A child has none of its parent's handles, can get its own, and does the parent no harm. */
static void test_fork(void)
{
    SaCkptHandleT handle = begin(2, &callbacks), own;
    SaCkptCheckpointHandleT it = open_new(handle, DN("fork"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaVersionT version = {'B', 2, 2};
    SaSelectionObjectT object;
    SaCkptSectionIdT id = section("11");
    int status;
    pid_t child;
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        MUST(saCkptSelectionObjectGet(handle, &object) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptDispatch(handle, SA_DISPATCH_BLOCKING) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptSectionOverwrite(it, &id, "y", 1) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptCheckpointClose(it) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptFinalize(handle) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptInitialize(&own, &callbacks, &version) == SA_AIS_OK);
        MUST(own != handle && own != it);
        MUST(saCkptFinalize(handle) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptSectionOverwrite(it, &id, "y", 1) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saCkptDispatch(own, SA_DISPATCH_ALL) == SA_AIS_OK);
        MUST(saCkptFinalize(own) == SA_AIS_OK);
        _exit(0);
    }
    CHECK(child > 0);
    CHECK_IS(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_IS(saCkptSectionOverwrite(it, &id, "z", 1), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

static int fork_on;

static void *keep_calling(void *argument)
{
    SaCkptCheckpointHandleT it = *(SaCkptCheckpointHandleT *)argument;
    SaCkptSectionIdT id = section("11");
    while (__atomic_load_n(&fork_on, __ATOMIC_SEQ_CST))
        MUST(saCkptSectionOverwrite(it, &id, "y", 1) == SA_AIS_OK);
    return NULL;
}

/* Forks while other threads are in the library: the child hangs on none of their locks. */
static void test_fork_during_calls(void)
{
    SaCkptHandleT handle = begin(2, NULL), own;
    SaCkptCheckpointHandleT it = open_new(handle, DN("forks"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaVersionT version = {'B', 2, 2};
    pthread_t threads[2];
    int i, status;
    pid_t child;
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    fflush(stdout);
    fork_on = 1;
    for (i = 0; i < 2; i++)
        CHECK_IS(pthread_create(&threads[i], NULL, keep_calling, &it), 0);
    for (i = 0; i < 20; i++) {
        child = fork();
        if (child == 0) {
            alarm(30);
            MUST(saCkptFinalize(handle) == SA_AIS_ERR_BAD_HANDLE);
            MUST(saCkptInitialize(&own, NULL, &version) == SA_AIS_OK);
            MUST(saCkptFinalize(own) == SA_AIS_OK);
            _exit(0);
        }
        MUST(child > 0);
        MUST(waitpid(child, &status, 0) == child);
        MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    __atomic_store_n(&fork_on, 0, __ATOMIC_SEQ_CST);
    for (i = 0; i < 2; i++)
        CHECK_IS(pthread_join(threads[i], NULL), 0);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

/* The library starts no thread. */
static void test_no_threads(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("alone"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    char line[256];
    int threads = 0;
    FILE *status;
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 1), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        sscanf(line, "Threads: %d", &threads);
    fclose(status);
    CHECK_IS(threads, 1);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

const struct test tests[] = {
    {"no_threads", test_no_threads},
    {"dispatch_blocking", test_dispatch_blocking},
    {"finalize_wakes_poll", test_finalize_wakes_poll},
    {"signals", test_signals},
    {"signals_while_dispatching", test_signals_while_dispatching},
    {"signal_handling_is_untouched", test_signal_handling_is_untouched},
    {"fork", test_fork},
    {"fork_during_calls", test_fork_during_calls},
    {NULL, NULL},
};
