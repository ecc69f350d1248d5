/*
 * Watches the membership of the cluster: who is a member, who joins, who leaves.
 *
 *     cc membership.c $(pkg-config --cflags --libs libSaClm) -o membership
 *     ./membership
 *
 * SIGTERM ends it.
 */
#include <saClm.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
    (void)number;
    told_to_end = 1;
}

static const char *became(SaClmClusterChangesT change)
{
    switch (change) {
    case SA_CLM_NODE_JOINED:
        return "joined";
    case SA_CLM_NODE_LEFT:
    case SA_CLM_NODE_SHUTDOWN:
        return "left";
    case SA_CLM_NODE_RECONFIGURED:
        return "is different";
    case SA_CLM_NODE_NO_CHANGE:
    case SA_CLM_NODE_UNLOCK:
        break;
    }
    return "is a member";
}

static void on_track(const SaClmClusterNotificationBufferT_4 *buffer, SaUint32T members,
                     SaInvocationT invocation, const SaNameT *cause,
                     const SaNtfCorrelationIdsT *ids, SaClmChangeStepT step, SaTimeT supervision,
                     SaAisErrorT error)
{
    SaUint32T i;
    (void)invocation, (void)cause, (void)ids, (void)step, (void)supervision;
    if (error != SA_AIS_OK) {
        printf("the membership cannot be told [rc = 0x%x]\n", error);
        return;
    }
    for (i = 0; i < buffer->numberOfItems; i++) {
        const SaClmClusterNodeT_4 *node = &buffer->notification[i].clusterNode;
        /* A name has a length and no end. */
        printf("%.*s %s\n", node->nodeName.length, (const char *)node->nodeName.value,
               became(buffer->notification[i].clusterChange));
    }
    printf("view %llu: %u members\n", buffer->viewNumber, members);
}

static int failed(const char *what, SaAisErrorT error)
{
    if (error == SA_AIS_OK)
        return 0;
    fprintf(stderr, "%s failed [rc = 0x%x]\n", what, error);
    return 1;
}

int main(void)
{
    const SaClmCallbacksT_4 callbacks = {NULL, on_track};
    SaVersionT version = {'B', 4, 1};
    SaSelectionObjectT object;
    SaClmHandleT handle;
    struct sigaction action;
    struct pollfd fd;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);

    if (failed("saClmInitialize_4", saClmInitialize_4(&handle, &callbacks, &version)) ||
        failed("saClmSelectionObjectGet", saClmSelectionObjectGet(handle, &object)) ||
        failed("saClmClusterTrack_4",
               saClmClusterTrack_4(handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES_ONLY, NULL)))
        return EXIT_FAILURE;
    fd.fd = (int)object;
    fd.events = POLLIN;
    while (!told_to_end) {
        if (poll(&fd, 1, 1000) > 0 && failed("saClmDispatch", saClmDispatch(handle, SA_DISPATCH_ALL)))
            break;
    }
    return failed("saClmFinalize", saClmFinalize(handle)) || !told_to_end;
}
